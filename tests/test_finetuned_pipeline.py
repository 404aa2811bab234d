"""``finetuned`` in the real dvc.yaml: a tuned backbone is a competitor like any other."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from clone import TINY, Clone
from PIL import Image

from transfer_learning.backbones.artifact import BackboneInfo

STAGES = ("finetune", "plot_tuning", "extract_finetuned", "train_finetuned", "evaluate_finetuned")
TUNED = {f"{stage}@tuned" for stage in (*STAGES, "plot_finetuned")}
JOINED = {f"{stage}@both" for stage in ("join", "train_joined", "evaluate_joined", "plot_joined")}
END = {"compare", "select", "report"}


def test_a_tuned_backbone_is_a_backbone_like_any_other(built: Clone) -> None:
    params = json.loads(json.dumps(TINY))
    params["finetuned"] = {"tuned": {"from": "tiny", "epochs": 1, "batch_size": 8}}
    params["joined"] = {"both": ["mobilenet_v2", "tuned"]}
    params["selected"] = "tuned"
    built.write_params(params)
    # Those that read all features, which are in one folder, are asked again.
    expected = TUNED | JOINED | END | {"learning_curve", "neighbours", "quality"}

    would = built.would_rerun()
    ran = built.repro()

    assert would == expected
    assert ran >= TUNED | END
    assert built.would_rerun() == set()
    _expect_artifact(built.root)
    _expect_reports(built.root)
    # The same bits again, from a checkpoint or not, and nothing is left of it.
    before = (built.root / "dvc.lock").read_bytes()
    built.run("dvc", "repro", "-f", "-s", "finetune@tuned", "plot_tuning@tuned")
    assert (built.root / "dvc.lock").read_bytes() == before
    assert not (built.root / "data/checkpoints/tuned").exists()
    # Another rate tunes again, and other backbones are as they were.
    params["finetuned"]["tuned"]["learning_rate"] = 0.01
    built.write_params(params)
    assert built.would_rerun() == expected
    # Another head of its source is another start.
    params["train"]["heads"] = {"tiny": "logistic"}
    built.write_params(params)
    assert "finetune@tuned" in built.would_rerun()
    assert not any(stage.startswith(("backbone@", "extract@")) for stage in built.would_rerun())


def _expect_artifact(root: Path) -> None:
    tuned, source = (
        BackboneInfo.read(root / "data/backbones" / name) for name in ("tuned", "tiny")
    )
    assert tuned.handle == "tiny, tuned (models/tiny)"
    assert (tuned.features, tuned.resolution) == (source.features, source.resolution)
    assert tuned.licence == source.licence
    assert tuned.sha256 != source.sha256
    live = root / "data/tuning/tuned/live/plots/metrics"
    # 20 photos in batches of 8.
    assert len((live / "train/loss.tsv").read_text().splitlines()) == 1 + 3
    assert (live / "valid/accuracy.tsv").is_file()


def _expect_reports(root: Path) -> None:
    reports = root / "reports"
    with (reports / "tuned/tuning.csv").open(encoding="utf-8") as file:
        epochs = list(csv.DictReader(file))
    assert [epoch["epoch"] for epoch in epochs] == ["0", "1"]
    assert [epoch["kept"] for epoch in epochs].count("1") == 1
    assert epochs[0]["loss"] == ""
    for figure in ("tuning", "augmentation", "curves", "predictions"):
        assert Image.open(reports / f"tuned/{figure}.png").width == 688
    comparison = json.loads((reports / "comparison.json").read_text())
    assert list(comparison["backbones"]) == ["mobilenet_v2", "tiny", "tuned", "both"]
    assert "Tuning tiny is not shown to be worth it: " in comparison["verdict"]
    page = (reports / "comparison.md").read_text()
    assert "## Tuned and frozen" in page
    assert "| tuned | tiny |" in page
    assert "(tuned/tuning.png)" in (reports / "summary.md").read_text()
    assert (reports / "index.html").read_text().count("Tuning over 1 epoch: ") == 1
    selected = json.loads((root / "data/selected/selected.json").read_text())
    assert selected["name"] == "tuned"
    # It has seen all training photos, so a curve over fewer would be no measurement.
    curve = (reports / "learning_curve.csv").read_text()
    assert "tiny," in curve
    assert "tuned," not in curve
    assert "both," not in curve
    timings = json.loads((reports / "timings.json").read_text())
    assert timings["finetune@tuned"]["device"]["epochs"] == "1"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"from": "mobilenet"}, "finetuned.tuned.from is 'mobilenet', but backbones has only"),
        ({"from": "tiny", "unfreeze": 3}, "is a SavedModel, which does not say what its blocks"),
    ],
)
def test_what_cannot_be_tuned_ends_check_with_a_message(
    entry: dict[str, object], words: str, built: Clone
) -> None:
    built.write_params(TINY | {"finetuned": {"tuned": entry}})

    done = built.run("transfer-learning", "check", check=False)

    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
