"""A source of labelled photos in, data/dataset out: encoded photos by split, and dataset.json.

A stage of its own because only it may need a network or the user's folder: everything after it
reads what DVC tracks.
"""

from pathlib import Path

from transfer_learning import check, dataset, fetching, figures, stage

EXAMPLES = 18


def main() -> None:
    # It runs first in a new clone, so a wrong handle is found here and not minutes later.
    settings = check.check().dataset
    info = fetching.fetch(settings, dataset.FOLDER)
    shown = [photo for photo in info.photos if photo.split == "train"][:EXAMPLES]
    figures.examples(
        Path("reports/examples.png"),
        [dataset.read_photo(photo) for photo in shown],
        [info.classes[photo.label] for photo in shown],
        title="Training examples" + " (synthetic)" * info.synthetic,
    )
    counts = ", ".join(f"{name} {split.counted}" for name, split in info.splits.items())
    print(
        f"fetch: {info.found} photos of {len(info.classes)} classes from {info.source}; "
        f"{counts}; {len(info.rejected)} rejected"
    )


if __name__ == "__main__":
    stage.run(main)
