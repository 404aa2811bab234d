"""``reports/index.html``: everything that a person wants to look at, in one file without network.

What the file holds is escaped by Jinja2; what the browser may do is limited by a
Content-Security-Policy in it: images from the file itself, and the file's own style and script.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import platform
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from transfer_learning.config.params import Params
from transfer_learning.evaluation.predictions import Prediction, read_predictions
from transfer_learning.evaluation.significance import p_text
from transfer_learning.photos.dataset import DatasetInfo, size_summary
from transfer_learning.reports.photo_grids import EXAMPLES, GRID
from transfer_learning.runtime.csv_files import read_columns

TEMPLATES = Path(__file__).parent / "templates"
# Bytes from which on a figure holds photos, which PNG packs badly.
LARGE = 80_000
SOFTWARE = (
    "dvc",
    "dvclive",
    "keras",
    "matplotlib",
    "numpy",
    "openvino",
    "pillow",
    "scikit-learn",
    "scipy",
    "tensorflow",
    "tensorflow-cpu",
    "tensorflow-datasets",
    "tensorflow-hub",
)


@dataclass(frozen=True)
class Figure:
    """A picture as a data URI, its size in pixels, what it shows in words, and its caption."""

    source: str
    width: int
    height: int
    alt: str
    caption: str


@dataclass(frozen=True)
class Answer:
    """What one backbone says of a photo: class number and its probability."""

    predicted: int
    confidence: float
    right: bool


@dataclass(frozen=True)
class Photo:
    """A photo of the gallery, with an answer of every backbone."""

    id: str
    true: int
    source: str
    credit: str
    answers: list[Answer]


@dataclass(frozen=True)
class Backbone:
    """A backbone's figures, and its confusions as counts [true class, predicted class]."""

    name: str
    figures: list[Figure]
    confusion: list[list[int]]


@dataclass(frozen=True)
class Measure:
    """A line of the table of backbones."""

    name: str
    meaning: str
    values: list[str]


@dataclass(frozen=True)
class MeasureGroup:
    """Lines of the table of backbones under one title."""

    title: str
    rows: list[Measure]


def html(
    params: Params,
    data: DatasetInfo,
    comparison: dict[str, Any],
    thumbnails: dict[str, bytes],
    *,
    reports: Path = Path("reports"),
) -> str:
    """Return the page.

    Args:
        params: the parameters of the run.
        data: the data summary.
        comparison: ``comparison.json``.
        thumbnails: a WebP image of each test photo, by its id.
        reports: the folder of the figures, and of ``NAME/`` for each backbone.
    """
    predictions = {
        name: {item.id: item for item in read_predictions(reports / name / "predictions.csv")}
        for name in comparison["backbones"]
    }
    test = [photo for photo in data.photos if photo.split == "test"]
    numbers = {name: number for number, name in enumerate(data.classes)}
    photos = [
        Photo(
            id=photo.id,
            true=photo.label,
            source=_data_uri(thumbnails[photo.id], "webp"),
            credit=data.credits.get(photo.id, ""),
            answers=[
                Answer(numbers[item.predicted], max(item.probabilities), item.right)
                for item in (by_id[photo.id] for by_id in predictions.values())
            ],
        )
        for photo in test
    ]
    on_page = [photo.id for photo in test]
    on_page += [photo.id for photo in data.photos if photo.split == "train"][:EXAMPLES]
    style, script = (
        Markup((TEMPLATES / name).read_text(encoding="utf-8")) for name in ("index.css", "index.js")
    )
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"count": _count, "p_text": p_text, "points": _points}
    return environment.get_template("index.html.j2").render(
        subject=(
            f"{_count(len(comparison['backbones']), 'backbone')}, "
            f"{_count(len(data.classes), 'class')}, {_count(len(test), 'test photo')}"
        ),
        params=params,
        data=data,
        comparison=comparison,
        measures=_measures(comparison["backbones"]),
        across=_figures_across(reports, comparison, predictions),
        backbones=[
            Backbone(
                name,
                _figures_of(
                    reports / name,
                    list(by_id.values()),
                    [by_id[photo.id] for photo in test[:GRID]],
                    comparison["backbones"][name]["metrics"],
                ),
                _confusion(list(by_id.values()), data.classes),
            )
            for name, by_id in predictions.items()
        ],
        photos=photos,
        source=_source(params, data),
        sizes=size_summary(data.photos),
        examples=_figure(
            reports / "examples.png",
            f"The first {EXAMPLES} training photos, each under the name of its class.",
            "Training photos",
        ),
        credits={id: data.credits[id] for id in on_page if id in data.credits},
        parameters=_parameters(params),
        environment=_environment(),
        commands=_commands(params),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
    )


def _figures_across(
    reports: Path, comparison: dict[str, Any], predictions: dict[str, dict[str, Prediction]]
) -> list[Figure]:
    backbones = comparison["backbones"]
    accuracies = "; ".join(
        f"{name} {_percent(item['metrics']['accuracy'])} ({_interval(item['accuracy_95'])})"
        for name, item in backbones.items()
    )
    extremes = "; ".join(
        f"{name}: {_extremes(item['per_class'])}" for name, item in backbones.items()
    )
    surest = "; ".join(
        f"{name}: {_surest(list(by_id.values()))}" for name, by_id in predictions.items()
    )
    figures = [
        _figure(
            reports / "comparison.png",
            f"Test accuracy with its 95 % interval: {accuracies}.",
            "Accuracy with its 95 % interval, and cost",
        ),
        _figure(
            reports / "per_class.png",
            f"F1 of every class, a bar for each backbone. {extremes}.",
            "F1 by class",
        ),
        _figure(
            reports / "abstain.png",
            f"Accuracy on the photos kept when the least sure are set aside. {surest}.",
            "Accuracy when the least sure photos are set aside",
        ),
    ]
    if len(backbones) > 1:
        answers = zip(*(by_id.values() for by_id in predictions.values()), strict=True)
        count = sum(len({item.predicted for item in items}) > 1 for items in answers)
        figures.append(
            _figure(
                reports / "disagreements.png",
                "Photos on which the backbones disagree, with the prediction of each; they "
                f"disagree on {count} of {comparison['photos']} test photos.",
                f"Where the backbones disagree: {_count(count, 'test photo')}",
            )
        )
    return figures


def _figures_of(
    folder: Path,
    predictions: list[Prediction],
    grid: list[Prediction],
    metrics: dict[str, Any],
) -> list[Figure]:
    history = read_columns(folder / "history.csv")
    wrong = [item for item in predictions if not item.right]
    mistakes = Counter((item.true, item.predicted) for item in wrong)
    epochs = _count(len(history["epoch"]), "epoch")
    right = f"{metrics['right']} of {metrics['photos']} test photos"
    confusions = f"{right} are right."
    if mistakes:
        (true, predicted), count = mistakes.most_common(1)[0]
        confusions += (
            f" Most frequent mistake: {true} taken for {predicted}, {_count(count, 'time')}."
        )
    surest = "No test photo is wrong."
    if wrong:
        worst = max(wrong, key=lambda item: max(item.probabilities))
        surest = (
            f"Of {_count(len(wrong), 'wrong photo')} the surest is {worst.id}: {worst.true}, "
            f"predicted {worst.predicted} with {_percent(max(worst.probabilities))}."
        )
    return [
        _figure(
            folder / "curves.png",
            f"Learning curves over {epochs}: training accuracy from {_ends(history['accuracy'])}, "
            f"validation accuracy from {_ends(history['val_accuracy'])}, training loss from "
            f"{_ends(history['loss'])}, validation loss from {_ends(history['val_loss'])}.",
            "Accuracy and loss by epoch",
        ),
        _figure(folder / "confusion.png", f"Confusion matrix. {confusions}", "Confusion matrix"),
        _figure(
            folder / "reliability.png",
            "Reliability diagram, accuracy against confidence. Expected calibration error: "
            f"{metrics['ece']:.3f} as trained, {metrics['ece_calibrated']:.3f} with temperature "
            f"{metrics['temperature']:.2f}.",
            "Reliability, before and after temperature",
        ),
        _figure(
            folder / "predictions.png",
            f"The first {_count(len(grid), 'test photo')} with their predictions: "
            f"{sum(item.right for item in grid)} right, "
            f"{sum(not item.right for item in grid)} wrong.",
            f"Predictions for the first {_count(len(grid), 'test photo')}",
        ),
        _figure(
            folder / "most_wrong.png",
            f"The most confidently wrong test photos. {surest}",
            "Most confidently wrong",
        ),
    ]


def _figure(path: Path, alt: str, caption: str) -> Figure:
    encoded, kind = path.read_bytes(), "png"
    with Image.open(io.BytesIO(encoded)) as image:
        width, height = image.size
        if len(encoded) > LARGE:
            smaller = io.BytesIO()
            image.convert("RGB").save(smaller, "webp", quality=85)
            encoded, kind = smaller.getvalue(), "webp"
    return Figure(_data_uri(encoded, kind), width, height, alt, caption)


def _data_uri(encoded: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(encoded).decode()}"


def _hash(text: str) -> str:
    """Return the text's source expression of a Content-Security-Policy (W3C CSP 3, 2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _confusion(predictions: list[Prediction], classes: Sequence[str]) -> list[list[int]]:
    counts = Counter((item.true, item.predicted) for item in predictions)
    return [[counts[true, predicted] for predicted in classes] for true in classes]


def _measures(backbones: dict[str, dict[str, Any]]) -> list[MeasureGroup]:
    def row(name: str, meaning: str, value: Callable[[dict[str, Any]], str]) -> Measure:
        return Measure(name, meaning, [value(item) for item in backbones.values()])

    def metric(name: str, meaning: str, key: str, form: Callable[[float], str]) -> Measure:
        return row(name, meaning, lambda item: form(item["metrics"][key]))

    def three(value: float) -> str:
        return f"{value:.3f}"

    return [
        MeasureGroup(
            "How often it is right",
            [
                metric("Accuracy", "share of the test photos that are right", "accuracy", _percent),
                row(
                    "95 % interval",
                    "of the accuracy on photos like these (Wilson)",
                    lambda item: _interval(item["accuracy_95"]),
                ),
                row(
                    "Right",
                    "test photos",
                    lambda item: f"{item['metrics']['right']} of {item['metrics']['photos']}",
                ),
                metric(
                    "Top-2 accuracy",
                    "the true class is among the two most probable",
                    "top2_accuracy",
                    _percent,
                ),
                metric("Macro precision", "mean over the classes", "macro_precision", three),
                metric("Macro recall", "mean over the classes", "macro_recall", three),
                metric("Macro F1", "mean over the classes", "macro_f1", three),
                metric(
                    "Validation accuracy", "on the validation photos", "valid_accuracy", _percent
                ),
            ],
        ),
        MeasureGroup(
            "How far its confidence can be trusted",
            [
                metric(
                    "Log loss",
                    "mean of −ln p(true class); lower is better",
                    "log_loss",
                    three,
                ),
                metric(
                    "Expected calibration error",
                    "mean gap between confidence and accuracy, 15 bins; lower is better",
                    "ece",
                    three,
                ),
                metric(
                    "Temperature",
                    "fitted on the validation photos; above 1: too sure of itself",
                    "temperature",
                    lambda value: f"{value:.2f}",
                ),
                metric(
                    "Calibration error after it",
                    "on the test photos, with that temperature",
                    "ece_calibrated",
                    three,
                ),
            ],
        ),
        MeasureGroup(
            "What it costs",
            [
                row(
                    "Input",
                    "pixels",
                    lambda item: f"{item['resolution']} × {item['resolution']}",
                ),
                row("Parameters", "of the frozen network", lambda item: f"{item['parameters']:,}"),
                row(
                    "Multiply-adds",
                    "for one photo, in millions",
                    lambda item: f"{item['multiply_adds'] / 1e6:,.0f}",
                ),
                row("Weights", "file size, MB", lambda item: f"{item['file_bytes'] / 1e6:,.1f}"),
                row(
                    "Features",
                    "numbers for one photo",
                    lambda item: f"{item['features']:,} ({item['feature_bytes'] / 1e3:.1f} kB)",
                ),
                row(
                    "Engine",
                    "that computed the features",
                    lambda item: f"{item['engine']}, {item['precision']}",
                ),
                row("Licence", "of the weights", lambda item: str(item["licence"])),
            ],
        ),
    ]


def _extremes(scores: list[dict[str, Any]]) -> str:
    ranked = sorted(scores, key=lambda item: float(item["f1"]))
    low, high = ranked[0], ranked[-1]
    return f"lowest {low['class']} {low['f1']:.2f}, highest {high['class']} {high['f1']:.2f}"


def _surest(predictions: list[Prediction]) -> str:
    ranked = sorted(predictions, key=lambda item: -max(item.probabilities))
    half = ranked[: -(-len(ranked) // 2)]
    return (
        f"{_percent(sum(item.right for item in ranked) / len(ranked))} on all, "
        f"{_percent(sum(item.right for item in half) / len(half))} on the surer half"
    )


def _ends(values: Sequence[float]) -> str:
    return f"{values[0]:.2f} to {values[-1]:.2f}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _points(difference: float) -> str:
    return f"{100 * difference:+.1f}".replace("-", "−")


def _interval(ends: Sequence[float]) -> str:
    return f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f} %"


def _count(count: int, noun: str) -> str:
    ending = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}{ending}"


def _source(params: Params, data: DatasetInfo) -> str:
    match data.source:
        case "rendered":
            return "drawn by this project’s own code (synthetic)"
        case "folder":
            return f"the folder {params.dataset.folder.path}"
        case _:
            return f"TensorFlow Datasets, {params.dataset.tfds.name}"


def _parameters(params: Params) -> dict[str, str]:
    """Return the parameters by dotted key, without the sources of photos that are not used."""
    tree = params.model_dump(mode="json")
    dataset = tree["dataset"]
    tree["dataset"] = {key: dataset[key] for key in ("source", params.dataset.source, "splits")}
    flat: dict[str, str] = {}

    def walk(value: object, key: str) -> None:
        if isinstance(value, dict):
            for name, item in value.items():
                walk(item, f"{key}.{name}" if key else name)
        else:
            flat[key] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    walk(tree, "")
    return flat


def _environment() -> dict[str, str]:
    """Return the versions of Python and of the libraries that are installed."""
    installed = {"Python": platform.python_version()}
    for name in SOFTWARE:
        try:
            installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return installed


def _commands(params: Params) -> str:
    lines = [
        "make repro",
        "",
        "# in the activated environment: other parameters, and what they change",
        f"dvc exp run -S train.epochs={2 * params.train.epochs} -n longer",
        "dvc metrics diff HEAD longer",
        "dvc plots diff HEAD longer",
    ]
    others = [name for name in params.backbones if name != params.selected]
    for name in others[:1]:
        lines += [
            "",
            "# another backbone under reports/metrics.json",
            f"dvc exp run -S selected={name} -n {name}",
            f"dvc metrics diff HEAD {name}",
        ]
    return "\n".join(lines)
