"""``reports/index.html``: everything that a person wants to look at, in one file without network.

What the file holds is escaped by Jinja2; what the browser may do is limited by a
Content-Security-Policy in it: images from the file itself, and the file's own style and script.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from transfer_learning.config.params import Params
from transfer_learning.config.paths import REPORTS
from transfer_learning.evaluation import wording
from transfer_learning.evaluation.choice import choose
from transfer_learning.evaluation.comparison import Comparison
from transfer_learning.evaluation.neighbours import AMONG, Neighbours
from transfer_learning.evaluation.predictions import ClassScore, Prediction, read_predictions
from transfer_learning.photos.dataset import DatasetInfo, PhotoEntry, size_summary
from transfer_learning.reports.classes import (
    WORST,
    Mistake,
    many,
    mistakes,
    photo_columns,
    score_text,
    worst_first,
)
from transfer_learning.reports.html import figures, measures, photos, run
from transfer_learning.reports.html.figures import Figure
from transfer_learning.reports.html.photos import Looking, Pictures
from transfer_learning.reports.html.quality import Section
from transfer_learning.reports.photo_grids import EXAMPLES, GRID

TEMPLATES = Path(__file__).parent / "templates"
STYLES = ("index.css", "photos.css", "quality.css")
SCRIPTS = ("page.js", "figures.js", "gallery.js", "detail.js", "map.js", "quality.js", "start.js")
# Of a backbone, by photo id.
Predictions = Mapping[str, Prediction]


@dataclass(frozen=True)
class Backbone:
    """A backbone's figures, its classes' scores, and its confusions.

    ``confusion`` is counts [true class, predicted class]; where there are many classes it is empty,
    ``scores`` are the worst ones, and ``mistakes`` the most frequent ones.
    """

    name: str
    figures: list[Figure]
    scores: list[ClassScore]
    confusion: list[list[int]]
    mistakes: list[Mistake]


def html(
    params: Params,
    data: DatasetInfo,
    comparison: Comparison,
    pictures: Pictures,
    neighbours: Neighbours,
    looking: Mapping[str, Looking],
    quality: Section,
    *,
    reports: Path = REPORTS,
) -> str:
    """Return the page.

    Args:
        params: the parameters of the run.
        data: the data summary.
        comparison: of the backbones.
        pictures: of the test photos, and of their neighbours.
        neighbours: of the selected backbone.
        looking: where a backbone looked, by its name.
        quality: the section on the photos.
        reports: the folder of the figures, and of ``NAME/`` for each backbone.
    """
    predictions = {
        name: {item.id: item for item in read_predictions(reports / name / "predictions.csv")}
        for name in comparison.backbones
    }
    test = data.photos.of_split("test")
    selected = choose(params.selected, comparison)
    in_file_order = {name: list(by_id.values()) for name, by_id in predictions.items()}
    across = figures.across(reports, comparison, in_file_order)
    backbones = _backbones(
        reports, comparison, predictions, test, data.classes, finetuned=params.finetuned
    )
    examples = figures.examples(reports)
    drawn = [*across, *(item for backbone in backbones for item in backbone.figures), examples]
    block = photos.block(
        data,
        predictions,
        pictures,
        neighbours,
        looking,
        selected=selected.name,
        resolutions=[item.resolution for item in comparison.backbones.values()],
        taken=sum(len(figure.source) for figure in drawn) + quality.size,
    )
    shown = {*block.ids, *quality.ids}
    on_page = [photo_id for photo_id in data.photos.ids() if photo_id in shown]
    on_page += data.photos.of_split("train")[:EXAMPLES].ids()
    style = Markup("".join(map(_text, STYLES)))
    # In a block, so that none of its names gets into the browser's own.
    script = Markup('"use strict";\n{\n' + "".join(map(_text, SCRIPTS)) + "}\n")
    return _template().render(
        subject=(
            f"{wording.count(len(comparison.backbones), 'backbone')}, "
            f"{wording.count(len(data.classes), 'class')}, "
            f"{wording.count(len(test), 'test photo')}"
        ),
        params=params,
        data=data,
        comparison=comparison,
        selected=selected,
        measures=measures.table(comparison.backbones.values()),
        across=across,
        backbones=backbones,
        photos=block,
        page_megabytes=photos.PAGE_BYTES // 10**6,
        neighbours=neighbours,
        among=AMONG,
        quality=quality,
        source=_source(params, data),
        photo_columns=photo_columns(data),
        sizes=size_summary(data.photos),
        examples=examples,
        credits={id: data.credits[id] for id in on_page if id in data.credits},
        parameters=run.parameters(params),
        environment=run.environment(),
        commands=run.commands(params, comparison),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
    )


def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": wording.count,
        "unbroken": wording.unbroken,
        "name": _name,
        "p_text": wording.p_text,
        "score": score_text,
        # With a minus sign, where there is room for the better character.
        "points": lambda difference: wording.points(difference).replace("-", "−"),
    }
    return environment.get_template("index.html.j2")


def _name(text: str) -> Markup:
    """Return a name of any script as HTML: laid out by itself, and broken at its joints alone."""
    parts = re.split(r"(?<=[_\-./:\[])(?=.)", text)
    return Markup("<bdi>{}</bdi>").format(Markup("<wbr>").join(parts))


def _text(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return the text's source expression of a Content-Security-Policy (W3C CSP 3, 2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _backbones(
    reports: Path,
    comparison: Comparison,
    predictions: Mapping[str, Predictions],
    test: Sequence[PhotoEntry],
    classes: Sequence[str],
    *,
    finetuned: Collection[str],
) -> list[Backbone]:
    backbones = []
    for name, by_id in predictions.items():
        items = list(by_id.values())
        item = comparison.backbones[name]
        shown = figures.of_backbone(
            reports / name, item, items, [by_id[photo.id] for photo in test[:GRID]]
        )
        if name in finetuned:
            shown += figures.of_tuning(reports / name)
        if many(classes):
            worst = [item.per_class[number] for number in worst_first([item.per_class])[:WORST]]
            backbones.append(Backbone(name, shown, worst, [], mistakes(items)[:WORST]))
        else:
            backbones.append(Backbone(name, shown, item.per_class, _confusion(items, classes), []))
    return backbones


def _confusion(predictions: Sequence[Prediction], classes: Sequence[str]) -> list[list[int]]:
    counts = Counter((item.true, item.predicted) for item in predictions)
    return [[counts[true, predicted] for predicted in classes] for true in classes]


def _source(params: Params, data: DatasetInfo) -> str:
    match data.source:
        case "rendered":
            return "drawn by this project’s own code (synthetic)"
        case "folder":
            return f"the folder {params.dataset.folder.name}"
        case _:
            return f"TensorFlow Datasets, {params.dataset.tfds.name}"
