"""Presets: what they hold, and that putting one in force loses nothing; with real git."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from clone import TINY, Clone
from PIL import Image
from ruamel.yaml import YAML

from transfer_learning.commands import own_photos, preset
from transfer_learning.config import params, paths
from transfer_learning.runtime.errors import UserError

PROJECT = Path(__file__).parents[1]
DEFAULTS, FLOWERS = (PROJECT / f"presets/{name}.yaml" for name in ("defaults", "flowers"))
EDITED = DEFAULTS.read_bytes().replace(b"epochs: 6", b"epochs: 60")


def git(*command: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *identity, *command], check=True, capture_output=True)


def commit() -> None:
    git("add", "-A")
    git("commit", "-q", "-m", "state")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's presets, the defaults in force, and no git."""
    # Else git would look for a repository above.
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(PROJECT / "presets", "presets")
    shutil.copy(DEFAULTS, "params.yaml")
    return tmp_path


@pytest.fixture
def repository(folder: Path) -> Path:
    """The same, committed."""
    git("init", "-q")
    commit()
    return folder


def in_force() -> bytes:
    return Path("params.yaml").read_bytes()


def refusal() -> str:
    """Return the message with which flowers is refused; what was in force stays."""
    before = in_force()

    with pytest.raises(UserError) as caught:
        preset.apply("flowers")

    assert in_force() == before
    return str(caught.value)


@pytest.mark.usefixtures("repository")
def test_a_preset_comes_into_force_and_the_defaults_come_back() -> None:
    there = preset.apply("flowers")
    flowers = in_force()
    back = preset.apply("defaults")

    assert there == "params.yaml is now presets/flowers.yaml"
    assert flowers == FLOWERS.read_bytes()
    assert back == "params.yaml is now presets/defaults.yaml"
    assert in_force() == DEFAULTS.read_bytes()


@pytest.mark.usefixtures("repository")
def test_the_defaults_come_back_after_the_preset_was_committed() -> None:
    preset.apply("flowers")
    commit()

    preset.apply("defaults")

    assert in_force() == DEFAULTS.read_bytes()


@pytest.mark.usefixtures("repository")
def test_a_preset_that_is_in_force_is_left_alone() -> None:
    preset.apply("flowers")

    assert preset.apply("flowers") == "params.yaml is presets/flowers.yaml already"
    assert in_force() == FLOWERS.read_bytes()


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("edited", [EDITED, DEFAULTS.read_bytes() + b"# a note\n", b"\xff"])
@pytest.mark.parametrize("staged", [False, True])
def test_an_uncommitted_edit_is_refused_with_both_ways_out(edited: bytes, staged: bool) -> None:
    Path("params.yaml").write_bytes(edited)
    if staged:
        git("add", "params.yaml")

    message = refusal()

    assert "params.yaml is none of presets/ and not committed" in message
    assert "git commit" in message
    assert "rm params.yaml" in message


@pytest.mark.usefixtures("repository")
def test_committed_parameters_of_ones_own_are_replaced_and_their_way_back_works() -> None:
    Path("params.yaml").write_bytes(EDITED)
    commit()

    done = preset.apply("flowers")

    assert in_force() == FLOWERS.read_bytes()
    command = "git checkout HEAD -- params.yaml"
    assert f"; {command} " in done
    subprocess.run(command.split(), check=True, capture_output=True)
    assert in_force() == EDITED


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("ignored", [False, True])
def test_parameters_that_git_does_not_hold_are_refused(ignored: bool) -> None:
    git("init", "-q")
    Path(".gitignore").write_text("params.yaml\n" * ignored, encoding="utf-8")
    git("add", "presets", ".gitignore")
    git("commit", "-q", "-m", "presets")
    Path("params.yaml").write_bytes(EDITED)

    assert "not committed (fatal: path 'params.yaml' exists on disk" in refusal()


@pytest.mark.usefixtures("folder")
def test_a_repository_without_a_commit_has_nothing_committed() -> None:
    git("init", "-q")
    Path("params.yaml").write_bytes(EDITED)

    assert "not committed (fatal: " in refusal()


@pytest.mark.usefixtures("folder")
def test_edits_without_a_repository_are_refused_and_say_so() -> None:
    Path("params.yaml").write_bytes(EDITED)

    message = refusal()

    assert "fatal: not a git repository" in message
    assert "git init" in message


@pytest.mark.usefixtures("repository")
def test_edits_on_a_machine_without_git_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("params.yaml").write_bytes(EDITED)
    monkeypatch.setenv("PATH", "")

    assert "git is not installed" in refusal()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("present", [True, False])
def test_without_a_repository_a_preset_replaces_a_preset_and_nothing(present: bool) -> None:
    if not present:
        Path("params.yaml").unlink()

    preset.apply("flowers")

    assert in_force() == FLOWERS.read_bytes()


def test_the_project_may_lie_in_a_folder_of_a_larger_repository(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = folder / "inner"
    shutil.copytree("presets", inner / "presets")
    (inner / "params.yaml").write_bytes(EDITED)
    git("init", "-q")
    commit()
    monkeypatch.chdir(inner)

    preset.apply("flowers")

    assert in_force() == FLOWERS.read_bytes()


def outputs(name: str) -> list[Path]:
    """Make something of everything that the pipeline makes of a backbone."""
    made = list(paths.of_backbone(name))
    for path in made:
        file = path if path.suffix else path / "inner" / "file"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return made


@pytest.mark.usefixtures("repository")
def test_the_outputs_of_the_backbones_that_leave_are_removed_and_no_other() -> None:
    leaving, staying, own = map(outputs, ("efficientnet_lite2", "mobilenet_v2", "own"))

    preset.apply("flowers")

    assert not any(path.exists() for path in leaving)
    assert all(path.exists() for path in staying + own)


@pytest.mark.usefixtures("repository")
def test_a_refusal_removes_nothing() -> None:
    made = outputs("efficientnet_lite2")
    Path("params.yaml").write_bytes(EDITED)

    refusal()

    assert all(path.exists() for path in made)


@pytest.mark.usefixtures("repository")
def test_parameters_that_cannot_be_read_are_replaced_and_nothing_is_removed() -> None:
    Path("params.yaml").write_text("backbones: {efficientnet_lite2: 3}\n", encoding="utf-8")
    commit()
    made = outputs("efficientnet_lite2")

    preset.apply("flowers")

    assert in_force() == FLOWERS.read_bytes()
    assert all(path.exists() for path in made)


def test_the_outputs_of_a_backbone_are_those_of_dvc_yaml() -> None:
    stages = YAML(typ="safe", pure=True).load(PROJECT / "dvc.yaml")["stages"].values()
    declared = {
        item if isinstance(item, str) else next(iter(item))
        for stage in stages
        if stage.get("foreach") in ("${backbones}", "${finetuned}")
        for kind in ("outs", "metrics", "plots")
        for item in stage["do"].get(kind, ())
    }
    # What a tuning that is not done has left is no output of DVC.
    made = set(paths.of_backbone("${key}")) - {paths.checkpoints("${key}")}
    patterns = [path.as_posix() for path in made]

    owners = {path: [p for p in patterns if f"{path}/".startswith(f"{p}/")] for path in declared}
    assert all(len(found) == 1 for found in owners.values()), owners
    assert {pattern for found in owners.values() for pattern in found} == set(patterns)


@pytest.mark.usefixtures("repository")
def test_an_unknown_preset_is_refused_with_the_known_names() -> None:
    with pytest.raises(UserError, match="no preset 'flower'; name one of best, defaults, flowers"):
        preset.apply("flower")

    assert in_force() == DEFAULTS.read_bytes()


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("arguments", "code", "out", "error"),
    [
        (["flowers"], 0, "params.yaml is now presets/flowers.yaml\n", ""),
        (
            ["flower"],
            1,
            "",
            "error: there is no preset 'flower'; name one of best, defaults, flowers\n",
        ),
    ],
)
def test_the_command_ends_in_a_sentence(
    arguments: list[str], code: int, out: str, error: str
) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "transfer-learning"), "preset", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (code, out, error)


def leaves(section: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested sections to dotted keys; the backbones, which a preset chooses, stay whole."""
    flat: dict[str, Any] = {}
    for key, value in section.items():
        inner = isinstance(value, dict) and key not in ("backbones", "finetuned", "joined")
        flat |= leaves(value, f"{prefix}{key}.") if inner else {f"{prefix}{key}": value}
    return flat


def test_there_and_back_ends_in_the_committed_reports_with_nothing_heavy_run(built: Clone) -> None:
    def put_in_force(name: str) -> set[str]:
        built.run("transfer-learning", "preset", name)
        return {stage.partition("@")[0] for stage in built.repro()}

    shutil.copy(built.root / "params.yaml", built.root / "presets/defaults.yaml")
    there = TINY | {
        "resolutions": [32],
        "backbones": {"tiny": TINY["backbones"]["tiny"]},
        "selected": "tiny",
    }
    built.write_params(there)
    (built.root / "params.yaml").rename(built.root / "presets/there.yaml")
    shutil.copy(built.root / "presets/defaults.yaml", built.root / "params.yaml")

    first = put_in_force("there")
    left = (built.root / "reports/mobilenet_v2").exists()
    back = put_in_force("defaults")

    heavy = {"fetch", "preprocess", "backbone", "extract", "train"}
    assert not heavy & (first | back)
    assert not left
    status = built.run("git", "status", "--porcelain", "reports", "data", "dvc.lock", "params.yaml")
    assert status.stdout == ""


def read(path: Path) -> dict[str, Any]:
    return leaves(YAML(typ="safe", pure=True).load(path))


@pytest.mark.parametrize("name", ["defaults", "flowers"])
def test_a_preset_is_valid_and_has_every_key_of_params_yaml(name: str) -> None:
    path = PROJECT / f"presets/{name}.yaml"

    assert params.load(path)
    assert read(path).keys() == read(PROJECT / "params.yaml").keys()


@pytest.mark.usefixtures("folder")
def test_the_best_leaves_the_photos_as_they_are_and_the_way_back_is_open() -> None:
    before = params.load().dataset

    there = preset.apply("best")
    best = params.load()
    again = preset.apply("best")
    preset.apply("defaults")

    assert there == "params.yaml is now presets/best.yaml, with the photos that it had"
    assert again == "params.yaml is presets/best.yaml already"
    assert best.dataset == before
    assert best.selected == "best"
    assert set(best.tuned_from.values()) == set(best.backbones)
    assert in_force() == DEFAULTS.read_bytes()


@pytest.mark.usefixtures("folder")
def test_the_best_keeps_photos_of_ones_own_and_nothing_else_that_is_not_committed(
    tmp_path: Path,
) -> None:
    for name in ("blue", "red"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for number in range(9):
            Image.new("RGB", (40, 30 + number)).save(tmp_path / "mine" / name / f"{number}.png")
    own_photos.apply(str(tmp_path / "mine"))

    preset.apply("best")

    assert params.load().dataset.folder.path == str(tmp_path / "mine")
    with pytest.raises(UserError, match="so it would be lost"):
        preset.apply("defaults")
    Path("params.yaml").write_bytes(in_force().replace(b"epochs: 6", b"epochs: 7"))
    with pytest.raises(UserError, match="so it would be lost"):
        preset.apply("best")


def test_the_chapters_experiment_differs_from_the_defaults_only_where_it_should() -> None:
    defaults, flowers = read(DEFAULTS), read(FLOWERS)

    assert {key: value for key, value in flowers.items() if value != defaults[key]} == {
        "dataset.source": "tfds",
        "dataset.tfds.try_gcs": True,
        "resolutions": [224, 299],
        "backbones": {
            "mobilenet_v2": {
                "handle": "https://tfhub.dev/google/tf2-preview/mobilenet_v2/feature_vector/4",
                "resolution": 224,
            },
            "inception_v3": {
                "handle": "https://tfhub.dev/google/tf2-preview/inception_v3/feature_vector/4",
                "resolution": 299,
            },
        },
        "train.batch_size": 367,
    }
