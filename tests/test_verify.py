"""The receipt, verify and reproduce, on a small pipeline really built."""

import base64
import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from clone import TINY, Clone, yaml

from transfer_learning.features.features import Features

FEATURES = "data/features/tiny/train.npz"
RECORDS = "data/tfrecords/32/train-00000-of-00001.tfrecord"


def verify(built: Clone, against: str = "HEAD") -> subprocess.CompletedProcess:
    return built.run("transfer-learning", "verify", "--against", against, check=False)


@pytest.fixture
def edit(built) -> Iterator[Callable[[str, Callable[[Path], None]], None]]:
    """Change a file but neither its size nor its time, as a bad disk would."""
    edited = []

    def change_unseen(name: str, change: Callable[[Path], None]) -> None:
        path = built.root / name
        times, content = path.stat(), path.read_bytes()
        # Not what DVC's cache has, to which it is linked: that is what it is compared with.
        path.unlink()
        path.write_bytes(content)
        change(path)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        edited.append(path)

    yield change_unseen
    for path in edited:
        path.touch()


def scale_features(path: Path, factor: float) -> None:
    found = Features.read(path)
    dataclasses.replace(found, features=found.features * np.float32(factor)).write(path)


def flip_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[500] ^= 1
    path.write_bytes(data)


def change_a_label(path: Path) -> None:
    rows = path.read_text().split("\n")
    name, true, _, *numbers = rows[1].split(",")
    rows[1] = ",".join([name, true, "cactus", *numbers])
    path.write_text("\n".join(rows))


def test_what_was_just_built_is_the_same_bits(built):
    done = verify(built)

    assert (done.returncode, done.stdout[:9]) == (0, "same bits")


def test_other_last_digits_are_within_tolerance_and_named(built, edit):
    edit(FEATURES, lambda path: scale_features(path, 1 + 1e-5))

    done = verify(built)

    assert done.returncode == 1, done.stdout
    assert done.stdout.startswith("same within tolerance: 1 of ")
    assert f"extract@tiny: {FEATURES}: features: " in done.stdout
    assert "by up to 1.0e-05 of the largest" in done.stdout
    assert "git keeps no receipt" in done.stdout


@pytest.mark.parametrize(
    ("path", "change", "said"),
    [
        (RECORDS, flip_byte, f"first in preprocess@32: {RECORDS}: 1 of "),
        (FEATURES, lambda path: scale_features(path, 1.01), f"first in extract@tiny: {FEATURES}"),
        (FEATURES, lambda path: scale_features(path, np.nan), "by up to nan of the largest"),
        (FEATURES, flip_byte, f"first in extract@tiny: {FEATURES}: cannot be read"),
        ("reports/tiny/predictions.csv", change_a_label, "evaluate@tiny: reports/tiny/predictions"),
    ],
)
def test_a_difference_names_the_first_stage_and_file(built, edit, path, change, said):
    edit(path, change)

    done = verify(built)

    assert done.returncode == 2, done.stdout
    assert done.stdout.startswith("different from HEAD")
    assert said in done.stdout.splitlines()[0]


def test_a_missing_file_is_a_difference(built):
    (built.root / RECORDS).unlink()

    done = verify(built)

    assert done.returncode == 2
    assert f"first in preprocess@32: {RECORDS}: only in HEAD" in done.stdout


def test_the_first_in_the_pipelines_order_comes_first(built, edit):
    edit("reports/tiny/predictions.csv", change_a_label)
    edit(FEATURES, lambda path: scale_features(path, 1.01))
    edit(RECORDS, flip_byte)

    first, *others = verify(built).stdout.splitlines()

    assert "first in preprocess@32" in first
    assert [line.split(":")[0].strip() for line in others[:2]] == ["extract@tiny", "evaluate@tiny"]


def test_a_damaged_file_is_different_even_where_the_cache_lacks_the_right_one(built, edit):
    cache = built.root / ".dvc/cache"
    edit(FEATURES, flip_byte)
    cache.rename(cache.with_name("away"))
    try:
        done = verify(built)
    finally:
        shutil.rmtree(cache, ignore_errors=True)
        cache.with_name("away").rename(cache)

    assert done.returncode == 2
    assert "extract@tiny: data/features/tiny: changed since its stage wrote it" in done.stdout


def test_another_revision_is_compared_by_its_contents(built):
    scale_features(built.root / FEATURES, 1 + 2e-5)
    built.run("dvc", "commit", "--force", "extract@tiny")
    revision = built.run("git", "stash", "create").stdout.strip()
    built.run("git", "reset", "-q", "--hard")
    built.run("dvc", "checkout", "--force")

    done = verify(built, revision)

    assert done.returncode == 1, done.stdout
    assert f"extract@tiny: {FEATURES}" in done.stdout
    assert "by up to 2.0e-05 of the largest" in done.stdout


def test_another_machines_receipt_says_which_difference_of_environment_explains_it(built):
    built.run("transfer-learning", "receipt")
    receipt = built.root / "reports/receipt.json"
    there = json.loads(receipt.read_text())
    environment = there["predicate"]["buildDefinition"]["internalParameters"]
    environment["machine"]["cpu"] = "Another CPU"
    environment["packages"].pop("numpy")
    elsewhere = built.root / "elsewhere.json"
    elsewhere.write_text(json.dumps(there))
    same = verify(built, str(elsewhere))
    scale_features(built.root / FEATURES, 1 + 1e-5)

    done = verify(built, str(elsewhere))

    assert same.returncode == 0
    assert done.returncode == 1, done.stdout
    assert f"extract@tiny: {FEATURES}" in done.stdout
    assert "machine, cpu: Another CPU there, " in done.stdout
    assert f"packages, numpy: none there, {np.__version__} here" in done.stdout
    assert "packages, scipy" not in done.stdout
    receipt.unlink()


def test_a_receipt_is_an_in_toto_statement_of_the_bytes_on_the_disk(built):
    # Whatever the tests before have trained here.
    built.run("python", "-m", "stages.train", "tiny")
    built.run("transfer-learning", "receipt")

    path = built.root / "reports/receipt.json"
    receipt = json.loads(path.read_text())
    path.unlink()
    build = receipt["predicate"]["buildDefinition"]
    subjects = {subject["name"]: subject for subject in receipt["subject"]}
    materials = {item["name"]: item for item in build["resolvedDependencies"]}

    assert receipt["_type"] == "https://in-toto.io/Statement/v1"
    assert receipt["predicateType"] == "https://slsa.dev/provenance/v1"
    assert build["externalParameters"]["train"]["epochs"] == TINY["train"]["epochs"]
    environment = build["internalParameters"]
    assert set(environment) == {"machine", "switches", "packages", "stages"}
    assert "determinism on" in environment["stages"]["train@tiny"]
    assert environment["packages"]["numpy"] == np.__version__
    stages = yaml.load(built.root / "dvc.lock")["stages"]
    locked = {out["path"]: out["md5"] for stage in stages.values() for out in stage["outs"]}
    digests = {name: subjects[name]["digest"] for name in locked}
    assert locked == {
        name: digest["md5"] if "md5" in digest else digest["dvcDirMd5"] + ".dir"
        for name, digest in digests.items()
    }
    for name in (FEATURES, RECORDS, "reports/metrics.json"):
        data = (built.root / name).read_bytes()
        assert subjects[name]["digest"]["sha256"] == hashlib.sha256(data).hexdigest()
    kept = base64.b64decode(subjects["reports/metrics.json"]["content"])
    assert kept == (built.root / "reports/metrics.json").read_bytes()
    commit = built.run("git", "rev-parse", "HEAD").stdout.strip()
    assert materials["git commit"]["digest"] == {"gitCommit": commit}
    assert materials["git commit"]["annotations"] == {"dirty": False, "changed": []}
    info = json.loads((built.root / "data/backbones/mobilenet_v2/backbone.json").read_text())
    assert materials["weights of mobilenet_v2"]["digest"] == {"sha256": info["sha256"]}
    assert materials["parameters"]["digest"]["sha256"] == (
        hashlib.sha256((built.root / "params.yaml").read_bytes()).hexdigest()
    )
    assert materials["photos"]["digest"]["dvcDirMd5"] + ".dir" == locked["data/dataset"]


def test_an_edited_source_makes_the_commit_dirty_and_a_new_report_does_not(built):
    (built.root / "reports/tiny/metrics.json").write_text("{}")
    built.run("dvc", "commit", "--force", "evaluate@tiny")
    (built.root / "stages/fetch.py").write_text("")

    built.run("transfer-learning", "receipt")

    path = built.root / "reports/receipt.json"
    materials = json.loads(path.read_text())["predicate"]["buildDefinition"]["resolvedDependencies"]
    ignored = built.run("git", "check-ignore", "reports/receipt.json", check=False).returncode
    path.unlink()
    assert materials[0]["annotations"] == {"dirty": True, "changed": ["stages/fetch.py"]}
    assert ignored == 0


def test_no_receipt_is_written_of_what_is_damaged(built, edit):
    edit("reports/tiny/predictions.csv", change_a_label)

    done = built.run("transfer-learning", "receipt", check=False)

    assert done.returncode == 1
    assert "reports/tiny/predictions.csv (of evaluate@tiny)" in done.stderr
    assert "make mend" in done.stderr
    assert not (built.root / "reports/receipt.json").exists()


def test_what_cannot_be_compared_is_an_error_of_its_own(built):
    unknown = verify(built, "nowhere")
    no_results = verify(built, "HEAD~1")
    no_receipt = verify(built, "params.yaml")
    shutil.rmtree(built.root / "data/models/tiny")
    not_built = verify(built)

    for done, said in (
        (unknown, "nowhere is neither"),
        (no_results, "HEAD~1 has no results"),
        (no_receipt, "params.yaml is no receipt"),
        (not_built, "data/models/tiny of train@tiny is not built"),
    ):
        assert done.returncode == 3
        assert done.stderr.startswith("error: " + said)
        assert done.stderr.count("\n") == 1


def test_two_builds_in_unlike_surroundings_are_the_same_bits(built, tmp_path):
    params = json.loads(json.dumps(TINY))
    del params["backbones"]["mobilenet_v2"]
    params["dataset"]["rendered"]["images_per_class"] = 4
    params |= {"resolutions": [32], "selected": "tiny"}
    params["train"]["epochs"] = 1
    with (tmp_path / "small.yaml").open("w") as file:
        yaml.dump(params, file)
    built.env["TMPDIR"] = str(tmp_path)

    done = built.run(
        "transfer-learning", "reproduce", "--params", str(tmp_path / "small.yaml"), check=False
    )

    del built.env["TMPDIR"]
    assert done.returncode == 0, done.stdout + done.stderr
    assert "same bits: " in done.stdout
    assert "cores 1, umask 022" in done.stdout and "umask 077" in done.stdout
    assert done.stdout.count("Running stage 'fetch'") == 2
    # Python 3.13 leaves compiled files of what TensorFlow's autograph has written there.
    left = {path.name for path in tmp_path.iterdir()} - {"__pycache__"}
    assert left == {"small.yaml"}
    assert built.run("git", "status", "--porcelain").stdout == ""
