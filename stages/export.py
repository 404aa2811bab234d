"""The selected head and its backbones in, data/export out: a classifier that works by itself.

And reports/export.md: its formats, each run on the test photos, beside predictions.csv.

A stage in a dvc.yaml of its own (data/outputs/dvc.yaml), because it takes longer than all that a
changed head reruns: ``make export`` runs it, and plain ``dvc repro`` does not.
"""

from pathlib import Path

from transfer_learning.config import params, paths
from transfer_learning.evaluation.predictions import read_class_scores, read_predictions
from transfer_learning.export import comparison, export, gathering, golden, page
from transfer_learning.features.extraction import ExtractionInfo
from transfer_learning.features.features import Features
from transfer_learning.heads.head import softmax
from transfer_learning.photos import dataset, records
from transfer_learning.runtime import cli, files, hardware, timings
from transfer_learning.sources.synthetic import render


def _golden(data: dataset.DatasetInfo, test: list[Path]) -> list[golden.Golden]:
    """Return test photos, or drawn ones where the test photos are neither ours nor the user's."""
    if data.source != "tfds":
        ours = ((record.label, record.image) for record in records.read(test))
        return golden.chosen(ours, data.classes)
    drawn = (
        (label, render.render(seed=0, label=label, index=0)) for label in range(len(render.CLASSES))
    )
    return golden.chosen(drawn, render.CLASSES)


def main() -> None:
    # It converts, and answers a hundred photos: a GPU would take longer to start.
    hardware.hide_gpu()
    settings = params.load()
    gathered = gathering.gather(settings)
    photos = records.shards(paths.DATASET, "test")
    name, data, folder = gathered.name, gathered.data, paths.EXPORT
    reports, features = paths.reports(name), paths.features(name)
    with timings.timed("export"):
        exported = export.write(
            gathered,
            _golden(data, photos),
            read_class_scores(reports / "per_class.csv"),
            folder,
            head=settings.train.head_of(name),
        )
        for format_name, why in exported.left_out.items():
            print(f"export: no {format_name}: {why}")
        test = Features.read(features / "test.npz")
        rows = {item.id: item for item in read_predictions(reports / "predictions.csv")}
        expected = comparison.Expected(
            rows=[rows[photo_id] for photo_id in test.ids[:].tolist()],
            probabilities=softmax(
                gathered.parts.head.logits(test.features) / gathered.parts.temperature
            ),
            classes=gathered.parts.classes,
            exact=ExtractionInfo.read(features).precision == "float32",
        )
        formats = comparison.compare(folder, photos, expected)
    text = page.page(exported.manifest, formats, exported.left_out, photos=len(rows))
    files.write_text(paths.REPORTS / "export.md", text)
    names = ", ".join(item.format.name for item in formats)
    print(f"export: {name} in {folder}; as predictions.csv on {len(rows)} test photos: {names}")


if __name__ == "__main__":
    cli.run(main)
