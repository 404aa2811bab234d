"""The source that ``dataset.source`` names, opened."""

from __future__ import annotations

from transfer_learning.config.params import Dataset
from transfer_learning.sources.folder import open_folder
from transfer_learning.sources.rendered import open_rendered
from transfer_learning.sources.source import Source


def open_source(dataset: Dataset) -> Source:
    """List the photos of ``dataset.source``; none is read or drawn yet.

    Raises:
        UserError: the folder is missing, has fewer than two classes, or a class without photos;
            the source is one that is not read yet.
    """
    match dataset.source:
        case "rendered":
            return open_rendered(dataset.rendered)
        case "folder":
            return open_folder(dataset.folder)
        case "tfds":
            # Here, because TFDS takes 0.5 s to import.
            from transfer_learning.sources import tfds

            return tfds.open_tfds(dataset.tfds)


def count(dataset: Dataset) -> int | None:
    """Return the number of photos; None where it is not known before they are fetched.

    Raises:
        UserError: as ``open_source``, as far as it can be known without a network.
    """
    if dataset.source == "tfds":
        from transfer_learning.sources import tfds

        return tfds.check(dataset.tfds)
    return len(open_source(dataset).photos)
