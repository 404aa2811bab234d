"""Where each artifact of the pipeline lies, relative to the project's top folder."""

from __future__ import annotations

from pathlib import Path

PARAMS = Path("params.yaml")
PRESETS = Path("presets")
DATASET = Path("data/dataset")
FEATURE_DIGESTS = Path("data/extracted")
FIGURE_DIGESTS = Path("data/figures")
NEIGHBOURS = Path("data/neighbours")
BACKBONES = Path("data/backbones")
FEATURES = Path("data/features")
FEATURE_MAPS = Path("data/feature_maps")
MODELS = Path("data/models")
SELECTED = Path("data/selected")
QUALITY = Path("data/quality")
EXPORT = Path("data/export")
TUNING = Path("data/tuning")
# No outputs of DVC, which would remove them before it runs the stage that needs them.
CHECKPOINTS = Path("data/checkpoints")
WORK = Path("data/work")
REPORTS = Path("reports")
EXCLUDE = Path("data/exclude.csv")
FOLDER_MANIFEST = Path("data/inputs/folder.json")
SOURCE_NAME = Path("data/inputs/source.txt")


def tfrecords(resolution: int) -> Path:
    """Return the folder of the photos at R × R pixels."""
    return Path(f"data/tfrecords/{resolution}")


def resolution(pixels: int) -> Path:
    """Return the file that says that the photos at R × R pixels were made.

    It is there so that no ``..`` under ``resolutions`` leads DVC out of data (dvc.yaml).
    """
    return Path(f"data/resolutions/{pixels}")


def backbone(name: str) -> Path:
    """Return the folder of a backbone's artifact."""
    return BACKBONES / name


def features(name: str) -> Path:
    """Return the folder of a backbone's feature vectors."""
    return FEATURES / name


def feature_maps(name: str) -> Path:
    """Return the file of what a backbone's features are the means of."""
    return FEATURE_MAPS / name / "test.npz"


def neighbours(name: str) -> Path:
    """Return the file of the photos that are near to each other by a backbone's features."""
    return NEIGHBOURS / name / "places.npz"


def model(name: str) -> Path:
    """Return the folder of a backbone's trained head."""
    return MODELS / name


def validated_model(name: str) -> Path:
    """Return the folder of a refitted head as it was before, fitted on training photos alone."""
    return model(name) / "before_refit"


def reports(name: str) -> Path:
    """Return the folder of a backbone's reports."""
    return REPORTS / name


def tuning(name: str) -> Path:
    """Return the folder of the curves of a tuned backbone's tuning."""
    return TUNING / name


def checkpoints(name: str) -> Path:
    """Return the folder in which a tuning that is not done keeps its state."""
    return CHECKPOINTS / name


def work(stage: str) -> Path:
    """Return the folder in which a stage that is not done keeps the shards that are."""
    return WORK / stage


def feature_digests(name: str) -> Path:
    """Return the file with the digests of a backbone's features."""
    return FEATURE_DIGESTS / f"{name}.json"


def figure_digests(name: str) -> Path:
    """Return the file with the digests of all that stands in a backbone's reports."""
    return FIGURE_DIGESTS / f"{name}.json"


def tuning_digests(name: str) -> Path:
    """Return the file with the digests of the figures of a backbone's tuning."""
    # No name has a dot, so that it is no competitor's.
    return FIGURE_DIGESTS / f"{name}.tuning.json"


def of_backbone(name: str) -> tuple[Path, ...]:
    """Return all that the stages make of one backbone."""
    maps = FEATURE_MAPS / name
    folders = backbone(name), features(name), maps, model(name), reports(name), tuning(name)
    digests = feature_digests(name), figure_digests(name), tuning_digests(name)
    return *folders, checkpoints(name), *digests
