"""Competitors on many random splits of the photos, from cached features: ``make resplit N=20``.

No stage: it answers a question about the features that are there, and changes no result.
"""

from __future__ import annotations

from transfer_learning.config import params, paths
from transfer_learning.config.paths import REPORTS
from transfer_learning.evaluation import resplits
from transfer_learning.features.features import Features
from transfer_learning.heads import learning
from transfer_learning.heads.head import Head
from transfer_learning.photos import dataset
from transfer_learning.reports import resplit_page
from transfer_learning.runtime import files, hardware
from transfer_learning.runtime.errors import UserError
from transfer_learning.runtime.progress import progress_bar

PAGE = REPORTS / "resplit.md"
FEWEST, MOST = 2, 10_000


def run(splits: int, seed: int) -> str:
    """Measure, write reports/resplit.md, and return it.

    Raises:
        UserError: ``splits`` is out of range, or features are missing or do not fit together.
    """
    if not FEWEST <= splits <= MOST:
        raise UserError(f"N is {splits}; give {FEWEST} to {MOST:,} splits")
    settings = params.load()
    hardware.hide_gpu()
    # A tuned backbone has seen photos that would be test photos of another split.
    names = settings.frozen
    sets = {name: cached_features(name) for name in names}
    heads = {name: settings.train.head_of(name) for name in names}

    def fit(name: str, train_set: Features, valid_set: Features) -> Head:
        return learning.learn(heads[name], train_set, valid_set, settings.train).head

    with progress_bar(total=splits * len(names), what="resplit", unit="head") as bar:
        result = resplits.resplit(sets, fit, splits=splits, seed=seed, done=bar.update)
    synthetic = dataset.DatasetInfo.read().synthetic
    shown = {
        name: kind + ", refitted" * settings.train.refits(name) for name, kind in heads.items()
    }
    page = resplit_page.page(result, resplits.differences(result), shown, synthetic=synthetic)
    files.write_text(PAGE, page)
    return f"{page}\nin {PAGE}"


def cached_features(name: str) -> tuple[Features, Features, Features]:
    """Return the training, validation and test features of a competitor.

    Raises:
        UserError: they are not built.
    """
    folder = paths.features(name)
    try:
        train, valid, test = (Features.read(folder / f"{split}.npz") for split in dataset.SPLITS)
    except FileNotFoundError as error:
        raise UserError(f"{error.filename} is not there; run make repro first") from None
    return train, valid, test
