"""Is the pipeline reproducible?  Two builds from nothing, in unlike surroundings, compared.

``transfer-learning reproduce``: each build has its own clone and an empty DVC cache of its own.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from transfer_learning.commands import verify
from transfer_learning.commands.receipt import RECEIPT
from transfer_learning.config.paths import PARAMS, REPORTS
from transfer_learning.runtime import files, hardware
from transfer_learning.runtime.errors import UserError

COMMAND = "from transfer_learning.commands.main import main; main()"
# Within the validity of any certificate that a download meets.
CLOCK = "+9 days 11 hours"
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


@dataclass(frozen=True)
class Surroundings:
    """What must not matter: the folder's name, cores, umask, clock and environment variables."""

    folder: str
    cores: int
    umask: int
    clock: str | None
    variables: dict[str, str]


def surroundings() -> tuple[Surroundings, Surroundings]:
    """Return two as unlike as this machine allows."""
    clock = CLOCK if shutil.which("faketime") else None
    return (
        Surroundings(
            "one", 1, 0o022, None,
            {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "1"},
        ),
        Surroundings(
            "der zweite Bau – ñ", hardware.cores(), 0o077, clock,
            {"TZ": "America/New_York", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "4242"},
        ),
    )  # fmt: skip


def run(*, dirty: bool, params: Path | None) -> int:
    """Build HEAD (or the working tree, ``dirty``) twice, verify, and return verify's exit code.

    Args:
        dirty: take the files as they are, uncommitted edits and new files included.
        params: parameters instead of the project's.
    """
    try:
        if params is not None and not params.is_file():
            raise UserError(f"--params {params}: there is no such file")
        with tempfile.TemporaryDirectory(prefix="reproduce-") as temporary:
            roots = [
                _build(Path(temporary) / around.folder, around, dirty=dirty, params=params)
                for around in surroundings()
            ]
            print("reproduce: the second build against the first", flush=True)
            against = str(roots[0] / RECEIPT)
            return _run(roots[1], surroundings()[1], "-c", COMMAND, "verify", "--against", against)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return verify.ERROR


def _build(root: Path, around: Surroundings, *, dirty: bool, params: Path | None) -> Path:
    facts = ", ".join(f"{key}={value}" for key, value in around.variables.items())
    print(
        f"reproduce: building in {root}: cores {around.cores}, umask {around.umask:03o}, "
        f"clock {around.clock or 'as it is'}, {facts}",
        flush=True,
    )
    _clone(root, dirty=dirty)
    if params is not None:
        shutil.copyfile(params, root / PARAMS)
    # Without dvc.lock and the reports that git has, no stage is thought to have run already.
    (root / "dvc.lock").unlink(missing_ok=True)
    shutil.rmtree(root / REPORTS, ignore_errors=True)
    # A cache that the user's configuration shares would have the results.
    files.write_text(root / ".dvc/config.local", "[cache]\n    dir = cache\n")
    start = time.monotonic()
    for arguments in (("-m", "dvc", "repro"), ("-c", COMMAND, "receipt")):
        if _run(root, around, *arguments):
            raise UserError(f"the build in {root.name} failed: see above")
    print(f"reproduce: built in {time.monotonic() - start:.0f} s", flush=True)
    return root


def _clone(root: Path, *, dirty: bool) -> None:
    command = ["git", "clone", "--quiet", "--no-hardlinks", ".", str(root)]
    if subprocess.run(command, check=False).returncode:
        raise UserError("git cannot clone this folder: see above")
    if dirty:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        for name in filter(None, listed.split("\0")):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            if Path(name).is_file():
                shutil.copy2(name, root / name)
            else:
                (root / name).unlink(missing_ok=True)


def _run(root: Path, around: Surroundings, *arguments: str) -> int:
    python = sys.executable
    clock = ["faketime", around.clock] if around.clock else []
    env = os.environ | around.variables | dict.fromkeys(THREADS, str(around.cores))
    env["PATH"] = f"{Path(python).parent}{os.pathsep}{env['PATH']}"
    # The installed package is this project's own tree, not the clone's.
    env["PYTHONPATH"] = str(root / "src")
    with _cores(around.cores):
        return subprocess.run(
            [*clock, python, *arguments], cwd=root, env=env, umask=around.umask, check=False
        ).returncode


@contextlib.contextmanager
def _cores(count: int) -> Iterator[None]:
    """Let what is started use that many of this process's cores, where the system can say so."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(cores)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
