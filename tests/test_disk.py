"""What a built project takes of the disk: one copy of each output, a cache that is cleaned."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from clone import TINY, Clone

STAGES = ("fetch", "extract mobilenet_v2", "train tiny", "neighbours", "select")
OUTPUTS = ("dataset", "features/mobilenet_v2", "models/tiny", "neighbours", "selected")


def cached(root: Path) -> dict[int, Path]:
    """Return the files of DVC's cache by their inodes."""
    return {path.stat().st_ino: path for path in (root / ".dvc/cache/files/md5").glob("??/*")}


def outputs(root: Path) -> Iterator[Path]:
    return (path for name in OUTPUTS for path in (root / "data" / name).rglob("*.*z*"))


def test_a_new_output_and_its_cached_copy_are_one_file_that_nobody_writes_to(built: Clone) -> None:
    # A head that no other test trains: of bytes that the cache has already, DVC leaves a copy.
    built.write_params(TINY | {"train": TINY["train"] | {"head": "logistic", "strength": 2.71}})

    built.run("dvc", "repro", "--single-item", "train@tiny")

    made = (built.root / "data/models/tiny/path.csv").stat()
    assert made.st_ino in cached(built.root)
    assert not made.st_mode & 0o222
    # Git's own are no links: an edited report is nobody else's.
    assert (built.root / "reports/tiny/history.csv").stat().st_nlink == 1


def test_a_checkout_makes_links_of_copies(built: Clone) -> None:
    table = built.root / "data/dataset/dataset.json"
    content = table.read_bytes()
    table.unlink()
    table.write_bytes(content)

    built.run("dvc", "checkout", "--relink")

    copies = cached(built.root)
    outputs = [path.stat() for path in built.root.glob("data/tfrecords/*/*")] + [table.stat()]
    assert all(stat.st_ino in copies for stat in outputs)


def test_a_stage_run_by_hand_writes_to_no_file_that_the_cache_has_too(built: Clone) -> None:
    before = {path: path.read_bytes() for path in cached(built.root).values()}

    for stage in STAGES:
        built.run("python", "-m", *f"stages.{stage}".split())

    assert {path: path.read_bytes() for path in cached(built.root).values()} == before
    copies = cached(built.root)
    written = [path for path in outputs(built.root) if path.stat().st_ino in copies]
    assert not written


@pytest.fixture
def litter(built: Clone) -> Iterator[Path]:
    """A file of the cache that nothing names, such as of a head that was tried and not kept."""
    cache = built.root / ".dvc/cache"
    kept = cache.with_name("kept")
    # For the tests after this one, which find in it what others have built.
    shutil.copytree(cache, kept, copy_function=os.link)
    path = cache / "files/md5/09/8f6bcd4621d373cade4e832627b4f6"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"test")
    yield path
    shutil.rmtree(cache)
    kept.rename(cache)


def test_the_cache_is_cleaned_of_what_nothing_names_and_only_when_told(
    built: Clone, litter: Path
) -> None:
    before = set(cached(built.root).values())

    asked = built.run("transfer-learning", "clean-cache").stdout

    # More than the one, for the reports in the run cache are named by nothing either.
    assert asked.startswith("unused in DVC's cache: ")
    assert "make clean-cache FORCE=1 frees it" in asked
    assert set(cached(built.root).values()) == before

    freed = built.run("transfer-learning", "clean-cache", "--force").stdout

    assert freed.startswith("freed: ")
    assert not litter.exists()
    assert built.run("transfer-learning", "mend").stdout == "every byte is as DVC recorded it\n"
    assert built.would_rerun() == set()
    assert (
        "nothing in DVC's cache is unused" in built.run("transfer-learning", "clean-cache").stdout
    )


def test_what_only_a_branch_has_stays_until_the_branch_goes(built: Clone, litter: Path) -> None:
    lock = built.root / "dvc.lock"
    built.run("git", "checkout", "-q", "-b", "other")
    entry = re.compile(r"(path: data/resolutions/224\n +hash: md5\n +md5: )\w+")
    lock.write_text(entry.sub(rf"\g<1>{litter.parent.name}{litter.name}", lock.read_text()))
    built.run("git", "commit", "-qam", "another output")
    built.run("git", "checkout", "-q", "-")

    built.run("transfer-learning", "clean-cache", "--force")
    kept = litter.exists()
    built.run("git", "branch", "-qD", "other")
    built.run("transfer-learning", "clean-cache", "--force")

    assert kept
    assert not litter.exists()


def test_a_cache_that_others_share_is_left_to_dvcs_own_command(
    built: Clone, tmp_path: Path
) -> None:
    built.run("dvc", "config", "--local", "cache.dir", str(tmp_path))
    try:
        done = built.run("transfer-learning", "clean-cache", "--force", check=False)
    finally:
        built.run("dvc", "config", "--local", "--unset", "cache.dir")

    assert done.returncode == 1
    assert f"{tmp_path}" in done.stderr
    assert "--projects" in done.stderr
