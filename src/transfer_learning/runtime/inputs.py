"""What a stage reads, compared with what DVC recorded of it, before the stage starts.

DVC takes a file for right whose size and time are the recorded ones, and a cached copy that cannot
be written to.  A changed digit in a table would go on into every figure after it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transfer_learning.runtime import damage, files

# Their readers compare checksums that lie in the file, and of these there may be gigabytes.
CHECKED = (".tfrecord", ".npz")


def check(stage: str) -> None:
    """Compare the bytes of all that a stage of ``dvc.lock`` reads with what other stages wrote.

    A stage that is not in ``dvc.lock`` yet is let pass: what it reads was just made, or is read by
    others too.

    Raises:
        UserError: a file or folder has other bytes.
    """
    entries = damage.locked()
    inputs = [dependency["path"] for dependency in entries.get(stage, {}).get("deps", [])]
    for entry in entries.values():
        for output in entry.get("outs", []):
            if any(_touch(output["path"], read) for read in inputs):
                path = Path(output["path"])
                if not _is_recorded(path, output):
                    raise damage.damaged(path, "it has other bytes than DVC recorded")


def _touch(path: str, other: str) -> bool:
    """Whether two paths of ``dvc.lock`` are one, or one lies in the other."""
    return f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/")


def _is_recorded(path: Path, output: dict[str, Any]) -> bool:
    if not path.is_dir():
        # A missing file is for its reader to name.
        return not path.is_file() or files.md5(path) == output.get("md5")
    listed = [file for file in path.rglob("*") if file.is_file()]
    if all(file.suffix in CHECKED for file in listed):
        # No checksum tells of records that are missing at the end.
        return str(sum(file.stat().st_size for file in listed)) == output.get("size")
    contents = {file.relative_to(path).as_posix(): files.md5(file) for file in listed}
    return files.directory_md5(contents) == output.get("md5")
