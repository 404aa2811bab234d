"""Drill: every file of the outputs and of DVC's cache, changed; noticed, removed, rebuilt.

Changed is: a bit flipped with the old size and time, cut in half, emptied.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from clone import Clone
from dvc.utils.serialize import parse_yaml
from survival import DRILLS

CURE = (
    "Run transfer-learning mend, which removes what is damaged, in DVC's cache too, then dvc repro"
)
TRIALS = 8 * DRILLS


def flip(path: Path) -> None:
    """Flip a bit of the file; its mode, size and time stay as they were."""
    before, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(before.st_mode)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def cut(path: Path) -> None:
    _overwrite(path, path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    _overwrite(path, b"")


def _overwrite(path: Path, content: bytes) -> None:
    mode = path.stat().st_mode
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(mode)


DAMAGES: list[Callable[[Path], None]] = [flip, cut, empty]


@dataclass(frozen=True)
class Artifact:
    """A file that a stage writes; ``output`` is what ``dvc.lock`` has: the file or its folder."""

    path: str
    output: str
    md5: str
    writer: str
    content: bytes

    @property
    def kind(self) -> str:
        """The path, with * for a backbone's name and # for a number."""
        return re.sub(r"\d+", "#", re.sub(r"/(tiny|mobilenet_v2)\b", "/*", self.path))


def artifacts(root: Path) -> list[Artifact]:
    found = []
    for writer, stage in lock(root).items():
        for output in stage["outs"]:
            path = root / output["path"]
            files = [path] if path.is_file() else sorted(filter(Path.is_file, path.rglob("*")))
            found += [
                Artifact(
                    file.relative_to(root).as_posix(), output["path"], output["md5"], writer,
                    file.read_bytes(),
                )
                for file in files
            ]  # fmt: skip
    return found


def lock(root: Path) -> dict:
    return parse_yaml((root / "dvc.lock").read_text("utf-8"), "dvc.lock")["stages"]


def copies(root: Path, artifact: Artifact) -> list[Path]:
    """Return the file, and in DVC's cache its copy and its folder's list, where there are any."""
    cache = root / ".dvc/cache/files/md5"
    hashes = {hashlib.md5(artifact.content).hexdigest(), artifact.md5}
    cached = [cache / md5[:2] / md5[2:] for md5 in sorted(hashes)]
    return [root / artifact.path, *filter(Path.exists, cached)]


# CI leaves out the large ones, which are files of the same kinds.
@pytest.mark.parametrize("damage", DAMAGES[: 1 if DRILLS == 1 else None])
def test_all_damaged_at_once_is_removed_and_the_same_bytes_come_back(
    damage: Callable[[Path], None], built: Clone, request: pytest.FixtureRequest
) -> None:
    large = () if DRILLS > 1 else ("data/backbones/mobilenet_v2", "data/tfrecords/224")
    chosen = [item for item in artifacts(built.root) if item.output not in large]
    damaged = sorted({copy for item in chosen for copy in copies(built.root, item)})
    # An output and its copy are one file where the file system can link; flipped twice is whole.
    for copy in {copy.stat().st_ino: copy for copy in damaged}.values():
        damage(copy)

    mended = built.run("transfer-learning", "mend").stdout
    built.repro()

    for item in chosen:
        named = {f"{path} is not what {item.writer} wrote" for path in (item.path, item.output)}
        # A file with another's bytes, such as of two empty ones, is no file that was damaged.
        assert any(line in mended for line in named) or not item.content, item.path
        assert (built.root / item.path).read_bytes() == item.content, item.path
    assert "every byte is as DVC recorded it" in built.run("transfer-learning", "mend").stdout
    say(
        request,
        f"{damage.__name__}: {len(damaged)} files tried at once ({len(chosen)} outputs and "
        f"{len(damaged) - len(chosen)} in the cache), {len(damaged)} survived: "
        f"{len({item.kind for item in chosen})} kinds named, removed, and the same bytes again",
    )


@dataclass(frozen=True)
class Trial:
    """One artifact, damaged, and a stage that depends on it, run by DVC or by hand."""

    artifact: Artifact
    damage: Callable[[Path], None]
    reader: str
    by_dvc: bool


def trials(root: Path) -> list[Trial]:
    """Return all pairs of a changed file and a stage that depends on it, one of each kind."""
    kinds = {item.kind: item for item in artifacts(root)}
    found = {}
    for item in kinds.values():
        for reader, stage in lock(root).items():
            inputs = [dependency["path"] for dependency in stage.get("deps", [])]
            if any(f"{item.path}/".startswith(f"{path}/") for path in inputs):
                for damage in DAMAGES:
                    for by_dvc in (True, False):
                        # By hand there is no record to compare with, only what the file holds.
                        if item.content and (by_dvc or damage is not flip):
                            key = (item.kind, reader.split("@")[0], damage.__name__, by_dvc)
                            found[key] = Trial(item, damage, reader, by_dvc)
    return list(found.values())


@pytest.fixture
def counts(request: pytest.FixtureRequest) -> Iterator[Counter[tuple[str, str]]]:
    counts: Counter[tuple[str, str]] = Counter()
    yield counts
    lines = [f"readers of damaged files: {counts.total()} tried, {counts.total()} survived"]
    lines += [f"  {kind:60} {end:28} {count:4}" for (kind, end), count in sorted(counts.items())]
    say(request, "\n".join(lines))


def test_a_stage_names_the_damaged_file_that_it_reads_and_the_cure(
    built: Clone, counts: Counter[tuple[str, str]]
) -> None:
    every = trials(built.root)
    chosen = random.Random(0).sample(every, min(len(every), TRIALS))
    outputs = {item.path: item for item in artifacts(built.root)}
    for trial in chosen:
        path = built.root / trial.artifact.path
        times = path.stat()
        trial.damage(path)

        said = run(built, trial)

        _overwrite(path, trial.artifact.content)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        counts[trial.artifact.kind, ending(trial, said)] += 1
        if not trial.by_dvc:
            put_back(built.root, outputs, trial.reader)


def run(built: Clone, trial: Trial) -> str:
    """Run the stage as DVC does, or as a person does; return the last line that it says."""
    stage, _, name = trial.reader.partition("@")
    # train_joined and the like have their parts of dvc.yaml, not scripts.
    command = ["python", "-m", f"stages.{stage.removesuffix('_joined')}", *[name] * bool(name)]
    if trial.by_dvc:
        command = ["env", f"DVC_STAGE={trial.reader}", *command]
    done = built.run(*command, check=False)
    return "ended well" if done.returncode == 0 else done.stderr.splitlines()[-1]


def ending(trial: Trial, said: str) -> str:
    artifact = trial.artifact
    about = (trial.reader, artifact.path, trial.damage.__name__, trial.by_dvc, said)
    paths = (artifact.path, artifact.output)
    if any(said.startswith(f"error: {path} is damaged (") for path in paths):
        assert f"{artifact.writer} writes it. " in said, about
        assert said.endswith(CURE), about
        return "named, with stage and cure"
    # By hand, a stage may depend on a folder and read another file in it.
    assert not trial.by_dvc, about
    assert said == "ended well", about
    return "by hand: not read"


def put_back(root: Path, outputs: dict[str, Artifact], stage: str) -> None:
    for item in outputs.values():
        path = root / item.path
        if item.writer == stage and (not path.exists() or path.read_bytes() != item.content):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.write_bytes(item.content)


def say(request: pytest.FixtureRequest, text: str) -> None:
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n\n{text}")
