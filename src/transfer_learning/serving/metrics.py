"""What Prometheus may know: counts and times of all requests, nothing of a single photo."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from transfer_learning.classifier.classifier import Answer
from transfer_learning.classifier.manifest import Manifest
from transfer_learning.serving.desk import Desk
from transfer_learning.serving.memory import Memory
from transfer_learning.serving.problems import Problem

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The counters of one server."""

    def __init__(self, manifest: Manifest, desk: Desk, memory: Memory) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        Info("served_model", "The classifier that answers", registry=registry).info(
            {"name": manifest.name, "source": manifest.source}
        )
        self._requests = Counter(
            "served_requests", "Requests", ["route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "served_request_seconds",
            "Seconds from a request's header to the end of its answer",
            ["route"],
            buckets=SECONDS,
            registry=registry,
        )
        self._photos = Counter("served_photos", "Photos by outcome", ["outcome"], registry=registry)
        for outcome in ("sure", "unsure", "refused"):
            self._photos.labels(outcome)
        Gauge(
            "served_photos_waiting", "Photos that wait or are in work", registry=registry
        ).set_function(lambda: desk.open)
        Gauge(
            "served_held_bytes", "Bytes of request bodies in memory", registry=registry
        ).set_function(lambda: memory.used)

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request by its route's template, such as ``/v1/models/{name}``."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def photos(self, answers: Sequence[Answer | Problem]) -> None:
        """Count photos by what they were answered."""
        for answer in answers:
            if isinstance(answer, Problem):
                self._photos.labels("refused").inc()
            else:
                self._photos.labels("sure" if answer.sure else "unsure").inc()

    def text(self) -> tuple[bytes, str]:
        """Return all of them as Prometheus reads them, and their media type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST
