"""The files that the stages make: as they lie here, and as a revision has them."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from transfer_learning.runtime import files
from transfer_learning.runtime.errors import UserError


@dataclass(frozen=True)
class Output:
    """One output of a stage, a file or a folder, as dvc.yaml names it.

    ``md5`` is DVC's hash, ending in ``.dir`` for a folder, and empty where dvc.lock has none.
    ``files`` maps the path of each file to its md5; it is None for a folder whose list of files
    is not at hand.
    """

    stage: str
    path: str
    md5: str
    files: Mapping[str, str] | None


def here() -> list[Output]:
    """Return the outputs on the disk, in the pipeline's order, every byte of them read.

    Neither dvc.lock nor DVC's memory of sizes and times is believed.

    Raises:
        UserError: one is missing, or this is no DVC project.
    """
    return [hashed(output) for output in locked()]


def changed(found: list[Output]) -> str | None:
    """Say in a sentence which of the outputs here are not what DVC recorded; None where all are."""
    recorded = {output.path: output.md5 for output in locked()}
    if not (lines := [output for output in found if output.md5 != recorded.get(output.path)]):
        return None
    names = ", ".join(f"{output.path} (of {output.stage})" for output in lines)
    return f"not what was written: {names}; run make mend, which removes it, then make repro"


def locked(revision: str | None = None) -> list[Output]:
    """Return the outputs as dvc.lock has them, here or in a revision, in the pipeline's order.

    Raises:
        UserError: there is no such revision, or no DVC project.
    """
    # 0.5 s to import, and nothing else in the commands needs it.
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.repo.brancher import switch
    from scmrepo.exceptions import SCMError

    try:
        with Repo() as repo, switch(repo, revision or "workspace"):
            listed = [
                (stage.name, out.def_path, out.hash_info.value or "")
                for stage in repo.index.stages
                # Not the lists of the user's own files under data/inputs: they go in.
                if stage.path_in_repo == "dvc.yaml"
                for out in stage.outs
            ]
    except (DvcException, SCMError) as error:
        where = f"in revision {revision}" if revision else "here"
        raise UserError(f"no outputs {where}: {error}") from None
    return [
        Output(stage, path, md5, _list(path, md5) if md5.endswith(".dir") else {path: md5})
        for stage, path, md5 in listed
    ]


def cached(md5: str) -> bytes | None:
    """Return the contents of that hash from DVC's cache, where it has them whole."""
    with contextlib.suppress(OSError):
        contents = (cache_folder(Path.cwd()) / md5[:2] / md5[2:]).read_bytes()
        if hashlib.md5(contents, usedforsecurity=False).hexdigest() == md5.removesuffix(".dir"):
            return contents
    return None


def git(*arguments: str) -> bytes | None:
    """Return what a git command prints, or None where it fails."""
    try:
        return subprocess.run(["git", *arguments], capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None


def hashed(output: Output) -> Output:
    """Return the output as it lies on the disk.

    Raises:
        UserError: it is missing.
    """
    path = Path(output.path)
    if not path.exists():
        raise UserError(f"{path} of {output.stage} is not built: make repro builds it")
    if path.is_file():
        md5 = files.md5(path)
        return Output(output.stage, output.path, md5, {output.path: md5})
    listed = {file.relative_to(path).as_posix(): files.md5(file) for file in _files(path)}
    paths = {f"{output.path}/{name}": md5 for name, md5 in listed.items()}
    return Output(output.stage, output.path, files.directory_md5(listed), paths)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _list(folder: str, md5: str) -> dict[str, str] | None:
    contents = cached(md5)
    if contents is None:
        return None
    return {f"{folder}/{entry['relpath']}": entry["md5"] for entry in json.loads(contents)}


@functools.cache
def cache_folder(project: Path) -> Path:
    """Return where DVC keeps its copies of a project's outputs, by their md5."""
    from dvc.repo import Repo

    with Repo(str(project)) as repo:
        return Path(repo.cache.local.path)
