"""The model card of an exported classifier, made from the run.

Sections: Mitchell et al. (2019), "Model Cards for Model Reporting", arXiv:1810.03993, figure 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from transfer_learning.classifier.manifest import Manifest
from transfer_learning.evaluation.predictions import ClassScore
from transfer_learning.export.page import threshold_sentence
from transfer_learning.photos.dataset import DatasetInfo
from transfer_learning.reports.markdown import markdown

FILE = "model_card.md"


def card(
    manifest: Manifest,
    data: DatasetInfo,
    scores: Sequence[ClassScore],
    *,
    head: str,
    left_out: Mapping[str, str],
) -> str:
    """Return the card as Markdown.

    Args:
        manifest: of the export.
        data: what it was trained and tested on.
        scores: of the test photos by class.
        head: which kind of head it has.
        left_out: why, by the name of a format that the export has not.
    """
    sections = {
        "Model details": _details(manifest, head),
        "Intended use": _intended(manifest),
        "Factors": _factors(manifest),
        "Metrics": _metrics(manifest),
        "Evaluation data": _split(data, "test"),
        "Training data": [*_split(data, "train"), "", *_split(data, "valid")],
        "Quantitative analyses": _analyses(manifest, scores),
        "Ethical considerations": _ethics(manifest),
        "Caveats and recommendations": _caveats(manifest, data, left_out),
    }
    lines = [f"# {manifest.name}: {len(manifest.classes)} classes of photos", ""]
    if manifest.synthetic:
        lines += ["**Trained and tested on synthetic photos: it has seen no real one.**", ""]
    for title, text in sections.items():
        lines += [f"## {title}", "", *text, ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _details(manifest: Manifest, head: str) -> list[str]:
    members = [
        [item.name, item.handle, f"{item.resolution}", f"{item.features}", item.licence]
        for item in manifest.members
    ]
    networks = "a frozen network" if len(members) == 1 else "frozen networks"
    return [
        f"A {head} head on features of {networks}, made by the pipeline `transfer-learning`; "
        f"revision `{manifest.revision}` (of what it was made of, which model.json lists with "
        "digests).",
        "",
        *markdown(["network", "handle", "input, px", "features", "licence"], members),
        "",
        f"Classes: {', '.join(manifest.classes)}.",
        "",
        "Licences of the networks are those of their publishers, and hold for this model too.",
    ]


def _intended(manifest: Manifest) -> list[str]:
    return [
        "To say which of the classes above a photo shows, where each photo shows one of them. "
        "It knows no other class: a photo of anything else is called one of these too, often "
        "with a high probability.",
        *(["", "Of a model of drawings no use on real photos is intended."] * manifest.synthetic),
    ]


def _factors(manifest: Manifest) -> list[str]:
    return [
        "Accuracy differs by class (below). Light, background, distance and camera were not "
        "measured apart; photos unlike those that it was trained on will fare worse.",
    ]


def _metrics(manifest: Manifest) -> list[str]:
    return [
        "Accuracy with its 95 % interval (Wilson 1927), macro-F1, log loss, and the expected "
        "calibration error in 15 bins (Guo et al. 2017). Probabilities are calibrated by a "
        f"temperature of {manifest.temperature:g}, fitted on the validation photos.",
        "",
        threshold_sentence(manifest),
    ]


def _split(data: DatasetInfo, name: str) -> list[str]:
    split = data.splits[name]
    use = {
        "train": "learnt from",
        "valid": "used to choose settings, temperature and threshold",
        "test": "held back, and used for nothing but the numbers here",
    }[name]
    counts = [
        f"{label} {count}" for label, count in zip(data.classes, split.per_class, strict=True)
    ]
    source = f"{data.source}{' (synthetic)' if data.synthetic else ''}"
    return [
        f"{split.counted} photos of the source {source}, {use}: {', '.join(counts)}.",
        *(f"{key}: {value}." for key, value in data.about.items() if name == "train"),
    ]


def _analyses(manifest: Manifest, scores: Sequence[ClassScore]) -> list[str]:
    found = manifest.metrics
    return [
        f"Test accuracy {found.accuracy:.3f} ({found.right} of {found.photos}; 95 % interval "
        f"{found.accuracy_low:.3f} to {found.accuracy_high:.3f}), macro-F1 {found.macro_f1:.3f}, "
        f"log loss {found.log_loss:.3f}, calibration error {found.ece_calibrated:.3f} "
        f"({found.ece:.3f} before the temperature).",
        "",
        *markdown(
            ["class", "test photos", "precision", "recall", "F1"],
            [
                [item.name, f"{item.photos}"]
                + [f"{value:.3f}" for value in (item.precision, item.recall, item.f1)]
                for item in scores
            ],
        ),
    ]


def _ethics(manifest: Manifest) -> list[str]:
    return [
        "Whether the photos may be used, and whom the answers may harm, is for whoever trained "
        "and uses it to judge; nothing of it was measured. The networks learnt from ImageNet, and "
        "have its biases. Answers about people should not rest on it.",
        *(["", "The photos are drawings: nobody is shown."] * manifest.synthetic),
    ]


def _caveats(manifest: Manifest, data: DatasetInfo, left_out: Mapping[str, str]) -> list[str]:
    said = [
        "A photo is turned upright by its EXIF orientation and laid on white before it is resized. "
        "The SavedModel's `image_bytes` cannot turn a photo: give it upright ones (it takes JPEG "
        "and PNG), or use its signature `pixels`.",
        "CMYK JPEGs are a level lighter or darker there than in the pipeline.",
        *(f"{warning}." for warning in data.warnings),
        *(f"There is no {name}: {why}." for name, why in left_out.items()),
        "Check a copy with its golden photos: `python check_tensorflow.py`, or "
        "`python check_litert.py litert/float32.tflite`.",
    ]
    return [f"- {line}" for line in said]
