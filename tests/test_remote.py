"""The cache on a remote, as the README shows it: another machine pulls and rebuilds nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

from clone import Clone


def files(folder: Path) -> dict[str, bytes]:
    """Return every file under the folder, by its path there."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_clone_that_pulls_the_cache_has_every_artifact_and_reruns_nothing(
    clone: Clone, tmp_path: Path
) -> None:
    first, second = Clone(tmp_path / "first"), Clone(tmp_path / "second")
    shutil.copytree(clone.root, first.root)
    first.run("dvc", "remote", "add", "-d", "store", str(tmp_path / "store"))
    first.run("git", "commit", "-qam", "A remote for the cache")
    first.run("dvc", "push")
    first.run("git", "clone", "-q", str(first.root), str(second.root))

    second.run("dvc", "pull")
    ran = second.repro()

    assert ran == set()
    assert second.run("git", "status", "--porcelain").stdout == ""
    assert files(second.root / "data") == files(first.root / "data")
