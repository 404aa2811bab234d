"""The backbones side by side: how good each is, how sure that is, and what each costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.evaluation import verdict
from transfer_learning.evaluation.metrics import Metrics
from transfer_learning.evaluation.predictions import ClassScore
from transfer_learning.evaluation.significance import Pair
from transfer_learning.features.extraction import ExtractionInfo
from transfer_learning.runtime.files import plain, read_json, write_json

FLOAT32_BYTES = 4


@dataclass(frozen=True)
class Competitor:
    """One backbone: what it is and costs, how its features were computed, and how it did.

    The first fields are those of ``BackboneInfo``; ``feature_bytes`` is the size of one photo's
    features, ``head`` the kind of head and whether it is ``refitted``, ``accuracy_95`` the
    accuracy's 95 % interval.
    """

    handle: str
    resolution: int
    parameters: int
    features: int
    multiply_adds: int
    file_bytes: int
    feature_bytes: int
    engine: str
    precision: str
    licence: str
    head: str
    metrics: Metrics
    accuracy_95: tuple[float, float]
    per_class: list[ClassScore]

    @classmethod
    def of(
        cls,
        backbone: BackboneInfo,
        extraction: ExtractionInfo,
        metrics: Metrics,
        per_class: list[ClassScore],
        *,
        head: str,
    ) -> Competitor:
        """Return what the stages found out about one backbone."""
        return cls(
            handle=backbone.handle,
            resolution=backbone.resolution,
            parameters=backbone.parameters,
            features=backbone.features,
            multiply_adds=backbone.multiply_adds,
            file_bytes=backbone.file_bytes,
            feature_bytes=FLOAT32_BYTES * backbone.features,
            engine=extraction.engine,
            precision=extraction.precision,
            licence=backbone.licence,
            head=head,
            metrics=metrics,
            accuracy_95=(metrics.accuracy_low, metrics.accuracy_high),
            per_class=per_class,
        )


@dataclass(frozen=True)
class Comparison:
    """``comparison.json``: the backbones on the same test photos, and every two of them compared.

    ``photos`` is the number of test photos; ``verdict`` says in words which to use.
    """

    synthetic: bool
    photos: int
    verdict: str
    backbones: dict[str, Competitor]
    pairs: list[Pair]

    @property
    def ranked(self) -> dict[str, Competitor]:
        """The backbones by name, the most accurate first, equals by name."""
        return dict(_ranked(self.backbones))

    @property
    def advice(self) -> str:
        """The verdict's first sentence: what to use."""
        first, more, _ = self.verdict.partition(". ")
        return first + more.rstrip()

    @property
    def reasons(self) -> str:
        """The verdict's other sentences."""
        return self.verdict.removeprefix(self.advice).lstrip()

    @property
    def emphasised_verdict(self) -> str:
        """The verdict in Markdown, what to use in bold."""
        return f"**{self.advice}** {self.reasons}".rstrip()

    def headline_metrics(self) -> dict[str, dict[str, float]]:
        """Return what ``backbones.json`` holds: a column each in DVC's tables, so one alone."""
        return {
            name: {"accuracy": item.metrics.as_dict()["accuracy"]}
            for name, item in self.backbones.items()
        }

    def write(self, path: Path) -> None:
        """Write ``comparison.json``, floats rounded to six decimals."""
        tree = plain(self)
        for pair, written in zip(self.pairs, tree["pairs"], strict=True):
            written["verdict"] = pair.verdict
        write_json(path, _rounded(tree))

    @classmethod
    def read(cls, path: Path) -> Comparison:
        """Read what ``write`` wrote."""
        return read_json(path, cls)


def compare(
    backbones: Mapping[str, Competitor],
    pairs: list[Pair],
    *,
    synthetic: bool,
    tuned_from: Mapping[str, str] = MappingProxyType({}),
) -> Comparison:
    """Put the backbones side by side.

    Args:
        backbones: by name, all measured on the same photos.
        pairs: every two of them (``significance.compare``).
        synthetic: whether the photos are drawn.
        tuned_from: the tuned ones, each with the frozen one's name that it was tuned from.
    """
    photos = next(iter(backbones.values())).metrics.photos
    words = verdict.verdict(backbones, pairs, synthetic=synthetic, tuned_from=tuned_from)
    return Comparison(synthetic, photos, words, dict(backbones), pairs)


def _ranked(backbones: Mapping[str, Competitor]) -> list[tuple[str, Competitor]]:
    return sorted(backbones.items(), key=lambda item: (-item[1].metrics.right, item[0]))


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return round(value, 6)
        case dict():
            return {key: _rounded(item) for key, item in value.items()}
        case list() | tuple():
            return [_rounded(item) for item in value]
    return value
