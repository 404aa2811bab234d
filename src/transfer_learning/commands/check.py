"""All that can be wrong in ``params.yaml``, found before any heavy work starts.

``transfer-learning check`` is ``make check``, and the first thing in ``make repro``.
"""

from __future__ import annotations

from transfer_learning.backbones import handles
from transfer_learning.config import params
from transfer_learning.finetuning import checks as finetuning
from transfer_learning.sources import corrections, registry, splits


def check() -> params.Params:
    """Read ``params.yaml`` and check it against the disk and the known packages too.

    Raises:
        UserError: a key is wrong, or as ``check_photos``; a handle is not known; or a backbone that
            is to be tuned cannot be.
    """
    settings = params.load()
    for name, backbone in settings.backbones.items():
        handles.check_handle(name, backbone)
    finetuning.check(settings)
    check_photos(settings.dataset)
    return settings


def check_photos(dataset: params.Dataset) -> None:
    """Check that the source has photos, as far as is known before they are fetched, and splits.

    Raises:
        UserError: the folder of photos is missing or unusable, ``data/exclude.csv`` is wrong, or a
            slice is empty or overlaps another.
    """
    slices = dataset.splits.model_dump()
    rows = corrections.read()
    if dataset.source == "tfds":
        # Its photos have no names before they are fetched, when the rows are checked again.
        count = registry.count(dataset)
        if count is None:
            splits.check(slices)
            return
    else:
        source = registry.open_source(dataset)
        corrections.apply(rows, source.photos, source.classes)
        count = len(source.photos)
    splits.resolve(slices, count - sum(row.action == "exclude" for row in rows))


def report() -> str:
    """Check, and return what was found right in a line."""
    return f"params.yaml is right; backbones: {', '.join(check().backbones)}"
