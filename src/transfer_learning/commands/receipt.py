"""``reports/receipt.json``: what the outputs here are, what they were made of, and on what.

``transfer-learning receipt``, and the end of ``make repro``.  An unsigned in-toto Statement v1
(https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md) around a provenance of
SLSA v1 (https://slsa.dev/provenance/v1).  It is of one machine: neither git nor DVC tracks it.
"""

from __future__ import annotations

import base64
import json
import os
import platform
import re
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.commands import outputs
from transfer_learning.commands.outputs import Output
from transfer_learning.config import params, paths
from transfer_learning.evaluation.comparison import Comparison
from transfer_learning.photos.dataset import DatasetInfo
from transfer_learning.runtime import files, hardware, timings
from transfer_learning.runtime.errors import UserError

RECEIPT = paths.REPORTS / "receipt.json"
STATEMENT = "https://in-toto.io/Statement/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
BUILD = "https://dvc.org/doc/command-reference/repro"
# The name of DVC's hash of a folder among the digests.
FOLDER_DIGEST = "dvcDirMd5"
# Tables of numbers are kept whole, so that another machine can compare them; not a large one.
KEPT_BYTES = 2**20
# The instruction sets that NumPy's, oneDNN's and Eigen's kernels choose by.
INSTRUCTION_SETS = re.compile(r"sse4_2|avx\w*|fma|f16c|amx\w*|asimd\w*|bf16|i8mm|sve\w*")
# By full beginnings: TF_VAR_… is Terraform's, and may be a secret.
SWITCHES = re.compile(
    r"(CUDA|KMP|LC|MKL|NPY|NVIDIA|OMP|ONEDNN|OPENBLAS|OV|XLA)_|(LANG|PYTHONHASHSEED|TZ)$"
    r"|TF_(CUDNN|DETERMINISTIC|ENABLE|FORCE|GPU|NUM|USE|XLA)_"
)

Environment = dict[str, dict[str, str]]


def write() -> str:
    """Write the receipt of what is here, and return a line about it.

    Raises:
        UserError: an output is missing, or not what its stage wrote.
    """
    found = outputs.here()
    if damage := outputs.changed(found):
        raise UserError(damage)
    files.write_json(RECEIPT, statement(found))
    count = sum(len(output.files or ()) for output in found)
    return f"{RECEIPT}: {count} files of {len({output.stage for output in found})} stages"


def result() -> str:
    """Return what was found out, what weakens it, and where the page about it lies, for the end.

    Raises:
        FileNotFoundError: ``fetch`` or ``compare`` has not been run.
    """
    page = (paths.REPORTS / "index.html").resolve().as_uri()
    compared = Comparison.read(paths.REPORTS / "comparison.json")
    warnings = [f"warning: {text}" for text in DatasetInfo.read().warnings]
    return "\n".join(["", compared.verdict, *warnings, page])


def statement(found: list[Output]) -> dict[str, Any]:
    """Return the statement about these outputs, as JSON has it."""
    return {
        "_type": STATEMENT,
        "subject": [subject for output in found for subject in _subjects(output)],
        "predicateType": PROVENANCE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD,
                "externalParameters": params.load().model_dump(mode="json"),
                "internalParameters": environment({output.stage for output in found}),
                "resolvedDependencies": _materials(found),
            },
            "runDetails": {
                "builder": {"id": "https://dvc.org", "version": {"dvc": metadata.version("dvc")}}
            },
        },
    }


def read(path: Path) -> tuple[list[Output], dict[str, bytes], Environment]:
    """Return the outputs of a receipt, the contents it keeps, by path, and its environment.

    Raises:
        UserError: it is no receipt of this project.
    """
    found: dict[str, Output] = {}
    kept = {}
    try:
        read_statement = json.loads(path.read_bytes())
        if (read_statement["_type"], read_statement["predicateType"]) != (STATEMENT, PROVENANCE):
            raise UserError(f"{path} is no in-toto statement with a SLSA provenance")
        for subject in read_statement["subject"]:
            name, output, digest = subject["name"], subject["annotations"], subject["digest"]
            if FOLDER_DIGEST in digest:
                found[name] = Output(output["stage"], name, digest[FOLDER_DIGEST] + ".dir", {})
            elif output["output"] == name:
                found[name] = Output(output["stage"], name, digest["md5"], {name: digest["md5"]})
            else:
                folder = found[output["output"]]
                listed = {**(folder.files or {}), name: digest["md5"]}
                found[folder.path] = Output(folder.stage, folder.path, folder.md5, listed)
            if "content" in subject:
                kept[name] = base64.b64decode(subject["content"])
        of_build = read_statement["predicate"]["buildDefinition"]["internalParameters"]
        return list(found.values()), kept, of_build
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is no receipt of this project ({error!r})") from None


def environment(stages: set[str]) -> Environment:
    """Return what can explain other digits: machine, switches, packages, each stage's device.

    The device of a stage is what reports/timings.json says of its last run here: with a GPU its
    driver, CUDA and TensorFloat-32; a stage that was not run here has none.
    """
    simd = np.show_config(mode="dicts")["SIMD Extensions"]
    machine = hardware.describe() | {
        "instruction sets": _instruction_sets(),
        "NumPy's kernels": " ".join([*simd["baseline"], *simd["found"]]),
        "Python": platform.python_version(),
        "system": platform.platform(),
    }
    switches = {name: os.environ[name] for name in sorted(filter(SWITCHES.match, os.environ))}
    packages = {package.name: package.version for package in metadata.distributions()}
    devices = {
        name: ", ".join(f"{key} {value}" for key, value in device.items())
        for name, device in timings.devices().items()
        if name in stages
    }
    return {
        "machine": machine,
        "switches": switches,
        "packages": dict(sorted(packages.items())),
        "stages": devices,
    }


def _subjects(output: Output) -> list[dict[str, Any]]:
    about = {"stage": output.stage, "output": output.path}
    listed = []
    if output.md5.endswith(".dir"):
        digest = {FOLDER_DIGEST: output.md5.removesuffix(".dir")}
        listed.append({"name": output.path, "digest": digest, "annotations": about})
    for name, md5 in sorted((output.files or {}).items()):
        path = Path(name)
        subject: dict[str, Any] = {
            "name": name,
            "digest": {"sha256": files.sha256(path), "md5": md5},
            "annotations": about,
        }
        if is_table(name) and path.stat().st_size <= KEPT_BYTES:
            subject["content"] = base64.b64encode(path.read_bytes()).decode()
        listed.append(subject)
    return listed


def is_table(path: str) -> bool:
    """Return whether a file is one of the reports' tables of numbers, which decide a verdict."""
    return path.startswith("reports/") and path.endswith((".csv", ".json", ".tsv"))


def _materials(found: list[Output]) -> list[dict[str, Any]]:
    commit = outputs.git("rev-parse", "HEAD")
    # What the stages write is no material: a rebuild that changes a report is not a dirty one.
    made = [f":(exclude){output.path}" for output in found]
    changed = outputs.git("status", "--porcelain", "-z", "--", ".", ":(exclude)*dvc.lock", *made)
    names = [entry[3:] for entry in (changed or b"").decode().split("\0") if entry]
    git: dict[str, Any] = {
        "name": "git commit",
        "digest": {"gitCommit": commit.decode().strip()} if commit else {},
        "annotations": {"dirty": bool(names), "changed": names},
    }
    materials = [git]
    dataset = paths.DATASET / "dataset.json"
    for path, name in ((paths.PARAMS, "parameters"), (dataset, "photos")):
        material = {"name": name, "uri": str(path), "digest": {"sha256": files.sha256(path)}}
        materials.append(material)
    materials[-1]["digest"][FOLDER_DIGEST] = next(
        output.md5.removesuffix(".dir") for output in found if output.path == str(paths.DATASET)
    )
    for name in params.load().backbones:
        info = BackboneInfo.read(paths.backbone(name))
        about = {"licence": info.licence, "network": info.network}
        digest = {"sha256": info.sha256}
        materials.append(
            {"name": f"weights of {name}", "uri": info.handle, "digest": digest}
            | {"annotations": about}
        )
    return materials


def _instruction_sets() -> str:
    try:
        lines = hardware.CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:  # Only Linux has it.
        return "unknown"
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "").split()
    return " ".join(filter(INSTRUCTION_SETS.fullmatch, flags))
