"""``data/features/B/extraction.json``: with what a set of features was computed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from transfer_learning.runtime.files import read_json, write_json

FILE = "extraction.json"


@dataclass(frozen=True)
class ExtractionInfo:
    """One engine, of one version and in one arithmetic, for all splits.

    ``engine`` is ``openvino`` or ``tensorflow``; ``precision`` is ``float32``, ``bfloat16`` or,
    for products only, ``tensorfloat32``.
    """

    engine: str
    engine_version: str
    precision: str

    def write(self, folder: Path) -> None:
        """Write ``extraction.json`` beside the features."""
        write_json(folder / FILE, self)

    @classmethod
    def read(cls, folder: Path) -> ExtractionInfo:
        """Read ``extraction.json`` of a folder of features."""
        return read_json(folder / FILE, cls)
