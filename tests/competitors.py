"""A backbone in a comparison: what it is and costs is always the same, how it did is given."""

from __future__ import annotations

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.evaluation.comparison import Competitor
from transfer_learning.evaluation.metrics import Metrics
from transfer_learning.evaluation.predictions import ClassScore
from transfer_learning.features.extraction import ExtractionInfo

EXTRACTION = ExtractionInfo(engine="openvino", engine_version="2025.1", precision="float32")


def backbone_info(name: str) -> BackboneInfo:
    return BackboneInfo(
        handle=f"pypi:{name}==1.0",
        network="mobilenet_v2",
        resolution=224,
        features=1280,
        parameters=2257984,
        sha256="0" * 64,
        licence="MIT",
        multiply_adds=300774272,
        file_bytes=8947712,
    )


def competitor(
    name: str, metrics: Metrics, per_class: list[ClassScore], *, head: str = "dense"
) -> Competitor:
    return Competitor.of(backbone_info(name), EXTRACTION, metrics, per_class, head=head)
