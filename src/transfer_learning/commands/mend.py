"""What an interruption or a full disk leaves of DVC's own files, mended before DVC reads them.

DVC rewrites ``dvc.lock`` and ``.dvc/tmp/rwlock`` in place, so both can be left cut short.  What is
mended is only ever what DVC checks again: it compares every hash of ``dvc.lock`` with the files.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from transfer_learning.commands.outputs import git
from transfer_learning.runtime.errors import UserError
from transfer_learning.runtime.files import write_text

LOCKS = (Path("dvc.lock"), Path("data/inputs/dvc.lock"))
RWLOCK = Path(".dvc/tmp/rwlock")

Stages = dict[str, dict[str, Any]]


def mend() -> list[str]:
    """Mend what is broken; return what was done, a line each.

    Raises:
        UserError: something is broken, and a running DVC may be writing it at this moment.
    """
    return [
        *filter(None, (mend_lock(path) for path in LOCKS)),
        *filter(None, (_mend_rwlock(), _do_without_git())),
    ]


def mend_lock(path: Path) -> str | None:
    """Mend a ``dvc.lock`` that was cut short; return what was done, None where it was whole.

    A cut between two entries leaves a file that DVC takes for whole, so whatever entry the last
    commit has and the file has not, or has only the beginning of, is put back.  That is all that
    can be known, and enough: what was built since the commit is in DVC's run cache, from which the
    next ``dvc repro`` takes it without running it again.  So a copy of the file beside it, which
    another branch or experiment would make wrong, would gain nothing.

    Raises:
        UserError: it is broken, and DVC is running.
    """
    if not path.exists():
        return None
    found = _stages(path.read_bytes())
    committed = _stages(git("show", f"HEAD:./{path}") or b"") or {}
    if found is None:
        expect_no_dvc(str(path))
        if not committed:
            path.unlink()
            return (
                f"{path} was cut short and is not committed, so it was removed: dvc repro takes "
                "what was built from DVC's run cache"
            )
        _write(path, committed)
        return (
            f"{path} was cut short: it is the last commit's again, and dvc repro takes what was "
            "built since from DVC's run cache"
        )
    lost = {
        name: stage
        for name, stage in committed.items()
        if name not in found or (name == list(found)[-1] and _begins(found[name], stage))
    }
    if not lost:
        return None
    expect_no_dvc(str(path))
    rest = {name: stage for name, stage in found.items() if name not in lost}
    kept = {name: lost.get(name) or rest[name] for name in committed}
    _write(path, kept | rest)
    return f"{path} had lost {', '.join(lost)}: put back from the last commit"


def _stages(text: bytes) -> Stages | None:
    """Return the entries of a ``dvc.lock``; None where DVC could not read it."""
    # 0.3 s to import, with DVC's own idea of what is whole.
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from dvc.utils.serialize import parse_yaml

    try:
        lock = COMPILED_LOCKFILE_SCHEMA(parse_yaml(text.decode(), "dvc.lock"))
    except Exception:  # Of half a document the parser raises more than its own errors.
        return None
    return dict(lock.get("stages", {}))


def _begins(found: dict[str, Any], stage: dict[str, Any]) -> bool:
    """Return whether the entry is the other's beginning, and not all of it."""
    from dvc.utils.serialize import dumps_yaml

    return found != stage and dumps_yaml(stage).startswith(dumps_yaml(found).rstrip())


def _write(path: Path, stages: Stages) -> None:
    from dvc.utils.serialize import dumps_yaml

    write_text(path, dumps_yaml({"schema": "2.0", "stages": stages}))


def _mend_rwlock() -> str | None:
    """Remove DVC's list of who reads and writes what where it is broken: nobody does."""
    from dvc.rwlock import SCHEMA
    from voluptuous import Invalid

    try:
        SCHEMA(json.loads(RWLOCK.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, Invalid):
        expect_no_dvc(str(RWLOCK))
        RWLOCK.unlink()
        return f"{RWLOCK} was broken (a full disk?), and no DVC runs here, so it was removed"
    return None


def expect_no_dvc(what: str) -> None:
    """Raise UserError, which names what is to be mended, while a DVC runs in this folder."""
    import psutil  # type: ignore[import-untyped]  # DVC's own way to ask.

    for process in psutil.process_iter(["pid", "cwd", "cmdline"]):
        is_dvc = any(Path(word).stem == "dvc" for word in (process.info["cmdline"] or [])[:3])
        if is_dvc and process.info["cwd"] == str(Path.cwd()):
            raise UserError(
                f"{what} cannot be mended while DVC runs here (process {process.pid}), which may "
                "be writing it: wait until it is done, then try again"
            )


def _do_without_git() -> str | None:
    """Let DVC do without Git where the project is no repository: a zip download."""
    from dvc.config import Config

    here = Path.cwd()
    if any((folder / ".git").exists() for folder in (here, *here.parents)):
        return None
    dvc = here / ".dvc"
    if not dvc.is_dir():
        return None
    config = Config(str(dvc), validate=False)
    if config.get("core", {}).get("no_scm"):
        return None
    with config.edit("local") as local:
        local.setdefault("core", {})["no_scm"] = True
    return "no Git repository is here, so DVC is told to do without one (.dvc/config.local)"
