"""A server in a thread of its own, on a free port, with a classifier that knows colours."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
import uvicorn
from PIL import Image

from transfer_learning.classifier import manifest
from transfer_learning.classifier.classifier import Answer, Refused
from transfer_learning.config.params import Preprocess
from transfer_learning.evaluation.metrics import Metrics
from transfer_learning.photos import pixels
from transfer_learning.serving import server
from transfer_learning.serving.app import Service, build
from transfer_learning.serving.hosts import Hosts
from transfer_learning.serving.limits import Limits

CLASSES = ("red", "green", "blue")


def described(
    *, name: str = "colours", classes: tuple[str, ...] = CLASSES, synthetic: bool = False
) -> manifest.Manifest:
    return manifest.Manifest(
        version=manifest.VERSION,
        name=name,
        classes=classes,
        source="rendered" if synthetic else "folder",
        synthetic=synthetic,
        members=(manifest.Member("small", "a/path", 32, 8, "0" * 64, "MIT"),),
        resize=Preprocess(method="bilinear", antialias=False),
        temperature=1.25,
        sure_accuracy=0.95,
        threshold=0.6,
        sure_share=0.8,
        metrics=Metrics(
            0.91, 0.838, 0.952, 0.98, 0.9, 0.9, 0.9, 0.3, 0.02, 1.25, 0.01, 91, 100, 0.94, 0.2
        ),
        made_of={},
        files={},
    )


@dataclass
class Colours:
    """The share of each colour in a photo, as a classifier answers.

    With ``gate`` closed, no answer comes; ``broken`` makes it fail.
    """

    manifest: manifest.Manifest = field(default_factory=described)
    gate: threading.Event = field(default_factory=threading.Event)
    broken: bool = False
    answered: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    def answer(self, photo: bytes) -> Answer | Refused:
        assert self.gate.wait(30)
        if self.broken:
            raise RuntimeError("no more kernels")
        self.answered += 1
        try:
            image = pixels.rgb(pixels.open_photo(photo))
        except Exception as error:
            return Refused(f"cannot be decoded: {error}")
        sums = np.asarray(image, np.float64).mean(axis=(0, 1)) + 1
        probabilities = np.zeros(len(self.manifest.classes))
        probabilities[: len(sums)] = sums / sums.sum()
        best = int(probabilities.argmax())
        score = float(probabilities[best])
        return Answer(
            label=self.manifest.classes[best],
            score=score,
            probabilities=probabilities,
            sure=score >= self.manifest.threshold,
        )


def photo(
    colour: object = "red", size: tuple[int, int] = (40, 30), kind: str = "PNG", **options: Any
) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind, **options)  # type: ignore[arg-type]
    return file.getvalue()


@dataclass
class Served:
    """A running server: its address, and a client of it."""

    port: int
    service: Service
    client: httpx.Client

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def predict(self, content: bytes, **options: Any) -> httpx.Response:
        return self.client.post("/predict", content=content, **options)

    def send(self, *contents: bytes) -> httpx.Response:
        return self.client.post(
            "/predict", files=[("photo", (f"{i}.jpg", item)) for i, item in enumerate(contents)]
        )


@contextmanager
def serve(
    classifier: Any = None, limits: Limits | None = None, hosts: tuple[str, ...] = ()
) -> Iterator[Served]:
    limits = limits or Limits()
    service = Service(classifier or Colours(), limits)
    app = build(service, Hosts(hosts))
    with server.bound("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        running = uvicorn.Server(server.config(app, limits))
        thread = threading.Thread(target=running.run, args=([listener],))
        thread.start()
        while not running.started:
            time.sleep(0.01)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                yield Served(port, service, client)
        finally:
            running.should_exit = True
            thread.join()
            service.desk.close()
