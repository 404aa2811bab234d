"""The chapter's page: every number that its notebook prints, from hand-made files."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from imports import SRC, library_modules

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config.params import Preprocess, Train
from transfer_learning.features.features import Features
from transfer_learning.heads.head import Head
from transfer_learning.heads.history import Epoch
from transfer_learning.heads.strengths import Strength
from transfer_learning.photos.dataset import DatasetInfo, PhotoEntry, Rejected, SplitSummary
from transfer_learning.reports import chapter_page
from transfer_learning.runtime.timings import TIMINGS

CLASSES = ("daisy", "roses", "tulips")
SIZES = [(320, 240), (500, 333), (240, 180), (100, 100), (640, 427), (50, 60)]


def data(**changes: Any) -> DatasetInfo:
    return dataclasses.replace(
        DatasetInfo(
            source="tfds",
            synthetic=False,
            classes=CLASSES,
            found=21,
            splits={
                "train": SplitSummary("train[25%:]", declared=14, counted=13, per_class=(5, 4, 4)),
                "valid": SplitSummary("train[10%:25%]", declared=3, counted=3, per_class=(1, 1, 1)),
                "test": SplitSummary("train[:10%]", declared=4, counted=4, per_class=(1, 1, 2)),
            },
            rejected=(Rejected("daisy/broken.jpg", "cut"),),
            photos=(
                PhotoEntry("tulips/test.jpg", 2, "test", 9, 9),
                *(
                    PhotoEntry(f"{CLASSES[i % 3]}/{i}.jpg", i % 3, "train", width, height)
                    for i, (width, height) in enumerate(SIZES)
                ),
            ),
            about={"version": "3.0.1", "citation": "@ONLINE {\n  title = flowers\n}"},
        ),
        **changes,
    )


# Each test photo's logits are its features and 0 for the third class, plus the bias.
HEAD = Head(
    kernel=np.array([[1, 0, 0], [0, 1, 0]], np.float32),
    bias=np.array([0, 0, 0.5], np.float32),
    classes=np.array(CLASSES),
)
TEST = Features(
    features=np.array([[2, -1.25], [0, 1], [0, 0], [9, 0]], np.float32),
    labels=np.array([1, 1, 2, 0]),
    ids=np.array(["roses/a.jpg", "roses/b.jpg", "tulips/c.jpg", "daisy/d.jpg"]),
    classes=np.array(CLASSES),
)
BACKBONE = BackboneInfo(
    handle="https://host/module/4", network="saved_model", resolution=96, features=2,
    parameters=2257984, sha256="0" * 64, licence="Apache-2.0", multiply_adds=1, file_bytes=1,
)  # fmt: skip
HISTORY = [Epoch(1, 0.25, 0.333333, 1.5, 1.4), Epoch(2, 0.5, 0.666667, 1.0, 0.9)]


def page(**changes: Any) -> str:
    arguments: dict[str, Any] = {
        "data": data(),
        "backbone": BACKBONE,
        "head": HEAD,
        "test": TEST,
        "history": HISTORY,
        "strengths": [],
        "preprocess": Preprocess(method="bilinear", antialias=False),
        "train": Train(epochs=2, batch_size=3, dropout=0.5, learning_rate=0.001, seed=7),
    }
    return chapter_page.page("inception_v3", **(arguments | changes))


def section(text: str, heading: str) -> list[str]:
    """Return the lines under the heading that starts so, without empty lines and fences."""
    (found,) = (part for part in text.split("\n## ") if part.startswith(heading))
    return [line for line in found.splitlines()[1:] if line and not line.startswith("```")]


def test_the_versions_of_tensorflow_and_keras_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        chapter_page, "version", {"tensorflow": "2.21.0", "keras": "3.15"}.__getitem__
    )

    assert section(page(), "TensorFlow")[:2] == ["TensorFlow 2.21.0", "Keras 3.15"]


def test_tensorflow_for_cpus_is_tensorflow_and_what_is_missing_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def version(distribution: str) -> str:
        if distribution == "tensorflow-cpu":
            return "2.21.0"
        raise chapter_page.PackageNotFoundError

    monkeypatch.setattr(chapter_page, "version", version)

    shown = section(page(), "TensorFlow")[:2]

    assert shown == ["TensorFlow 2.21.0", "Keras not installed"]


def test_the_data_sets_description_is_one_line_for_each_entry() -> None:
    assert section(page(), "The data set") == [
        "source: tfds",
        "photos: 21 found, 1 of them rejected",
        "version: 3.0.1",
        "citation: @ONLINE { title = flowers }",
    ]


def test_the_splits_are_shown_as_declared_and_as_counted() -> None:
    assert [line.split() for line in section(page(), "The splits")] == [
        ["train", "train[25%:]", "declared", "14", "counted", "13"],
        ["valid", "train[10%:25%]", "declared", "3", "counted", "3"],
        ["test", "train[:10%]", "declared", "4", "counted", "4"],
    ]


def test_the_classes_are_counted_and_named_by_label() -> None:
    assert section(page(), "The classes") == [
        "3 classes",
        "0: 'daisy'",
        "1: 'roses'",
        "2: 'tulips'",
    ]


def test_of_many_classes_the_first_are_named_and_the_others_counted() -> None:
    classes = tuple(f"class {n}" for n in range(1050))
    head = Head(
        kernel=np.zeros((2, 1050), np.float32),
        bias=np.arange(1050, dtype=np.float32),
        classes=np.array(classes),
    )

    text = page(data=data(classes=classes), head=head)

    lines = section(text, "The classes")
    assert lines[0] == "1050 classes"
    assert lines[-2:] == ["49: 'class 49'", "and 1,000 more"]
    logits = section(text, "The first test photo's prediction")[0]
    assert logits.startswith("logits: [") and "..." in logits and len(logits) < 100


def test_the_first_five_training_photos_are_shown_as_height_width_and_channels() -> None:
    assert section(page(), "The first training photos")[:-1] == [
        "(240, 320, 3)      'daisy', 'daisy/0.jpg'",
        "(333, 500, 3)      'roses', 'roses/1.jpg'",
        "(180, 240, 3)      'tulips', 'tulips/2.jpg'",
        "(100, 100, 3)      'daisy', 'daisy/3.jpg'",
        "(427, 640, 3)      'roses', 'roses/4.jpg'",
    ]


def test_the_input_pipelines_numbers_are_those_of_the_run() -> None:
    rows = {line.split(" | ")[0]: line for line in section(page(), "From photos")}

    assert "to 96 × 96 once, bilinear without antialias" in rows["| resize"]
    assert "n_train // 4 = 3 photos | all 13 photos anew" in rows["| shuffle"]
    assert rows["| batch"] == "| batch | 367 | 3, 5 in an epoch |"
    assert "| 7 for Python, NumPy and TensorFlow" in rows["| seeds"]


def test_antialias_is_said() -> None:
    shown = page(preprocess=Preprocess(method="area", antialias=True))

    assert "once, area with antialias" in shown


def test_the_chapters_model_has_its_numbers_of_frozen_and_trained_parameters() -> None:
    classes = np.array(["dandelion", "daisy", "tulips", "sunflowers", "roses"])
    head = Head(np.zeros((1280, 5), np.float32), np.zeros(5, np.float32), classes)
    test = Features(np.zeros((1, 1280), np.float32), np.array([0]), np.array(["a"]), classes)

    summary = section(page(head=head, test=test), "The model")

    assert summary[0] == 'Model: "inception_v3"'
    assert [re.split(r"\s{2,}", line) for line in summary[4:7]] == [
        ["extractor (frozen)", "(None, 1280)", "2,257,984"],
        ["dropout (Dropout)", "(None, 1280)", "0"],
        ["logits (Dense)", "(None, 5)", "6,405"],
    ]
    assert summary[8:12] == [
        "Total params: 2,264,389",
        "Trainable params: 6,405",
        "Non-trainable params: 2,257,984",
        "extractor: https://host/module/4",
    ]


def test_every_epochs_losses_and_accuracies_are_shown() -> None:
    epochs = section(page(), "Training")[:2]

    assert epochs == [
        "Epoch 1/2 - loss: 1.5000 - accuracy: 0.2500 - val_loss: 1.4000 - val_accuracy: 0.3333",
        "Epoch 2/2 - loss: 1.0000 - accuracy: 0.5000 - val_loss: 0.9000 - val_accuracy: 0.6667",
    ]


def test_a_logistic_heads_page_shows_its_strengths_and_no_training_of_the_chapters() -> None:
    path = [
        Strength(100.0, 0.5, 0.25, 1.5, 1.4, chosen=False),
        Strength(56.2, 0.75, 0.5, 1.0, 0.9, chosen=True),
    ]
    settings = Train(
        epochs=2, batch_size=3, dropout=0.5, learning_rate=0.001, seed=7, head="logistic",
        refit=True,
    )  # fmt: skip

    text = page(history=[], strengths=path, train=settings)

    shown = section(text, "Training: the path of strengths")
    assert shown[1] == (
        "strength 56.2       - loss: 1.0000 - accuracy: 0.7500 - val_loss: 0.9000 "
        "- val_accuracy: 0.5000 - chosen"
    )
    assert shown[2] == "It was then refitted on training and validation photos together."
    assert "Epoch" not in text
    assert "Adam" not in text
    assert "(Dropout)" not in text


def test_the_first_prediction_is_shown_from_its_logits_to_its_name() -> None:
    assert section(page(), "The first test photo") == [
        "logits: [ 2.0000 -1.2500  0.5000]",
        "arg max: 0",
        "class: 'daisy'",
        "true label: 1, 'roses'",
    ]


def test_the_first_batch_is_shown_as_numbers_and_names_in_the_data_sets_order() -> None:
    shown = page()

    assert "## The first batch of test photos: 2 of 3 right\n" in shown
    assert section(shown, "The first batch") == [
        "labels:",
        "[1 1 2]",
        "named labels:",
        "['roses' 'roses' 'tulips']",
        "predictions:",
        "[0 1 2]",
        "named predictions:",
        "['daisy' 'roses' 'tulips']",
    ]


def test_a_batch_of_the_chapters_size_is_shown_whole() -> None:
    # NumPy prints an ellipsis for more than 1,000 values.
    many = Features(
        np.zeros((2000, 2), np.float32), np.ones(2000, int), np.array(["a"] * 2000), TEST.classes
    )
    settings = Train(epochs=2, batch_size=2000, dropout=0.5, learning_rate=0.001, seed=7)

    batch = " ".join(section(page(test=many, train=settings), "The first batch"))

    assert batch.count("'roses'") == 2000
    assert batch.count("'tulips'") == 2000


def test_every_picture_and_page_that_it_points_to_is_one_of_the_pipelines() -> None:
    links = re.findall(r"\]\((.*?)\)", page())

    assert links == ["../examples.png", "curves.png", "predictions.png", "../comparison.md"]


@pytest.mark.parametrize("synthetic", [True, False])
def test_synthetic_photos_are_called_so_at_the_top(synthetic: bool) -> None:
    top = page(data=data(synthetic=synthetic)).split("\n## ")[0]

    assert ("**Synthetic data" in top) == synthetic


def test_names_that_hold_markdown_or_line_ends_stay_inside_their_quotation() -> None:
    names = ("a\n```\n# oops", "b`|<b>", "c")
    classes = np.array(names)
    shown = page(
        data=data(classes=names),
        head=dataclasses.replace(HEAD, classes=classes),
        test=dataclasses.replace(TEST, classes=classes),
        backbone=dataclasses.replace(BACKBONE, handle="models/x\n```\n# oops"),
    )

    fences = [line for line in shown.splitlines() if line.startswith("```")]
    outside = "".join(re.split(r"^```.*$", shown, flags=re.MULTILINE)[::2])

    assert fences == ["```text", "```"] * (len(fences) // 2)
    assert "# oops" not in [line.strip() for line in shown.splitlines()]
    assert "<b>" not in outside


PROJECT = Path(__file__).parents[1]
GUIDE = (PROJECT / "docs/chapter.md").read_text(encoding="utf-8")


def test_the_guide_names_sections_that_the_page_has() -> None:
    named = re.findall(r'`reports/B/chapter.md`, "(.*?)"', GUIDE)

    headings = re.findall(r"^## (.*)$", page(), flags=re.MULTILINE)
    assert len(named) > 8
    for section_name in named:
        assert any(heading.startswith(section_name) for heading in headings), section_name


def test_the_guide_names_reports_that_the_pipeline_makes() -> None:
    named = {
        path.replace("inception_v3", "B").replace("mobilenet_v2", "B")
        for path in re.findall(r"`(reports/[^`]+\.\w+)`", GUIDE)
    }

    declared = (PROJECT / "dvc.yaml").read_text(encoding="utf-8").replace("${key}", "B")
    assert len(named) > 8
    for path in named - {TIMINGS.with_suffix(".md").as_posix()}:
        assert f"- {path}:" in declared, path


def test_the_page_needs_no_tensorflow() -> None:
    modules = library_modules(SRC / "transfer_learning/reports/chapter_page.py")

    assert SRC / "transfer_learning/runtime/tensorflow_quiet.py" not in modules
