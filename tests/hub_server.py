"""A hub on loopback: archives of a small SavedModel, and a server that answers as told."""

from __future__ import annotations

import io
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from transfer_learning.runtime.tensorflow_quiet import tf

SIDE = 32
FEATURES = 5
KERNEL = np.arange(15, dtype=np.float32).reshape(3, FEATURES)

Answer = Callable[["_Request"], None]


def save_module(
    folder: Path,
    head: Callable[[Any], Any] = lambda images: tf.reduce_mean(images, [1, 2]),
    images: tuple[int | None, ...] = (None, SIDE, SIDE, 3),
) -> Path:
    """Save ``head(images) @ KERNEL`` with the interface of a TF2 feature-vector module.

    In training, which a frozen network must not be in, its features are the negatives of these;
    and training is its default.
    """
    kernel = tf.Variable(KERNEL)
    mean = tf.Variable(tf.zeros([3]), trainable=False)

    @tf.function
    def call(inputs, training=True):
        features = head(inputs - mean) @ kernel
        return -features if training else features

    for training in (True, False):
        call.get_concrete_function(tf.TensorSpec(images, name="inputs"), training=training)
    module = tf.train.Checkpoint()
    module.__call__ = call
    module.variables = [kernel, mean]
    module.trainable_variables = [kernel]
    module.regularization_losses = [tf.function(lambda: tf.reduce_sum(kernel), input_signature=[])]
    tf.saved_model.save(module, str(folder))
    return folder


def files(folder: Path) -> dict[str, bytes]:
    """Return the contents of a folder's files by their relative paths."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def archive(contents: Mapping[str, bytes | tarfile.TarInfo], mode: str = "w:gz") -> bytes:
    """Return an archive of files by their paths in it, or of any other members."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as tar:
        for name, content in contents.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
            else:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


class _Request(BaseHTTPRequestHandler):
    server: HubServer

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        answers = self.server.answers.get(urlsplit(self.path).path, [status(404)])
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


class HubServer(ThreadingHTTPServer):
    """Answers a path's requests with its answers in turn, the last one for ever."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.answers: dict[str, list[Answer]] = {}
        self.requests: list[str] = []
        self.closing = threading.Event()

    def serve(self, path: str, *answers: Answer) -> str:
        """Answer requests of the path; return its address, which is a handle."""
        self.answers[path] = list(answers)
        return self.address + path


@contextmanager
def running() -> Iterator[HubServer]:
    server = HubServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


# Answers


def whole(body: bytes, content_type: str = "application/x-tar-gz") -> Answer:
    def answer(request: _Request) -> None:
        request.send_response(200)
        request.send_header("Content-Type", content_type)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


def cut(body: bytes, at: int, *, announced: bool = True) -> Answer:
    """Close after ``at`` bytes; without a Content-Length only the archive itself can tell."""

    def answer(request: _Request) -> None:
        request.send_response(200)
        if announced:
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body[:at])

    return answer


def hanging(body: bytes = b"", at: int = 0) -> Answer:
    """Fall silent after ``at`` bytes, or before the answer's first."""

    def answer(request: _Request) -> None:
        if at:
            request.send_response(200)
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body[:at])
            request.wfile.flush()
        request.server.closing.wait(60)

    return answer


def status(code: int) -> Answer:
    return lambda request: request.send_error(code)


def redirect(address: str) -> Answer:
    def answer(request: _Request) -> None:
        request.send_response(302)
        request.send_header("Location", address)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer
