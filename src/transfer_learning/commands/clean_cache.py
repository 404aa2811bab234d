"""Frees what DVC's cache keeps and nothing names any more: ``make clean-cache``.

Kept is what the working tree, the tip of any branch, a tag or an experiment has.  What only older
commits have goes: after a checkout of one, ``dvc repro`` builds it anew.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from transfer_learning.config.paths import CHECKPOINTS, WORK
from transfer_learning.runtime.errors import UserError

if TYPE_CHECKING:
    from dvc.repo import Repo

KEPT = {"all_branches": True, "all_tags": True, "all_experiments": True}
SHARED = (
    "DVC's cache is {cache}, outside of this project, and other projects may have their data in "
    "it; name them all: dvc gc --workspace --all-branches --all-tags --all-experiments "
    "--projects FOLDER …"
)
SAFE = "kept: what the working tree, the tip of any branch, a tag or an experiment has"
REBUILT = "after a checkout of an older commit, dvc repro builds anew what is freed here"


@dataclass(frozen=True)
class Unused:
    """Files of the cache that nothing names; ``freed`` is the bytes that only they take."""

    files: int
    freed: int

    def __str__(self) -> str:
        return f"{self.files:,} file{'s' * (self.files != 1)}, {self.freed / 1e6:,.1f} MB"


def run(*, force: bool, ask: bool) -> list[str]:
    """Free what is unused; return what to say.

    Args:
        force: without a question.
        ask: whether there is someone to ask; where not, nothing is freed without ``force``.

    Raises:
        UserError: there is no DVC project here, the cache is not the project's own, or DVC is
            running.
    """
    # 0.5 s to import.
    from dvc.exceptions import DvcException
    from dvc.lock import LockError
    from dvc.repo import Repo
    from scmrepo.exceptions import SCMError
    from scmrepo.noscm import NoSCM

    # Its own count of objects says less.
    logging.getLogger("dvc").setLevel(logging.WARNING)
    try:
        with Repo() as repo:
            if not Path(repo.cache.local.path).is_relative_to(repo.root_dir):
                raise UserError(SHARED.format(cache=repo.cache.local.path))
            # Without Git, as after a zip download, there is the working tree alone.
            kept = {} if isinstance(repo.scm, NoSCM) else KEPT
            unused = _unused(repo, kept)
            if not unused.files:
                return ["nothing in DVC's cache is unused", SAFE, *_begun()]
            if not force:
                print(f"unused in DVC's cache: {unused}\n{SAFE}\n{REBUILT}")
                if not ask:
                    return ["nothing is freed yet; make clean-cache FORCE=1 frees it"]
                if input("Free it? [y/N] ").strip().lower() not in ("y", "yes"):
                    return ["nothing is freed"]
            repo.gc(workspace=True, force=True, **kept)
    except (DvcException, SCMError, LockError) as error:
        raise UserError(f"DVC's cache cannot be cleaned: {error}") from None
    return [f"freed: {unused}", SAFE, *_begun()]


def _begun() -> list[str]:
    """Say what lies outside of DVC's cache: work that a stage began and did not end."""
    found = []
    for folder in (CHECKPOINTS, WORK):
        if sizes := [path.stat().st_size for path in folder.rglob("*") if path.is_file()]:
            found.append(
                f"{folder} has {sum(sizes) / 1e6:,.1f} MB of stages that were stopped and would go "
                "on from there; delete it to begin anew"
            )
    return found


def _unused(repo: Repo, kept: dict[str, bool]) -> Unused:
    with repo.lock:
        named = repo.used_objs(force=True, **kept).values()
    used = {item.value for items in named for item in items}
    found = [
        path.stat()
        for path in Path(repo.cache.local.path).glob("??/*")
        if path.parent.name + path.name not in used
    ]
    # Of a file that is linked to elsewhere, the bytes stay.
    return Unused(len(found), sum(stat.st_size for stat in found if stat.st_nlink == 1))
