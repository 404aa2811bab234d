"""Clients of the load test: good ones that check each answer, and bad ones of every kind."""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
import struct
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

PATIENCE = 120.0
# Bytes of an upload that no server should take.
HUGE = 100_000_000


@dataclass(frozen=True)
class Sample:
    """A photo and its right answer: the probabilities by class."""

    photo: bytes
    probabilities: dict[str, float]


@dataclass
class Result:
    """What the good clients saw: seconds of each answer, and how many were wrong or refused."""

    seconds: list[float] = field(default_factory=list)
    wrong: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    elapsed: float = 0.0

    @property
    def rate(self) -> float:
        """Return the answers per second."""
        return len(self.seconds) / self.elapsed

    def percentile(self, share: float) -> float:
        """Return the milliseconds in which that share of the answers had come."""
        ordered = sorted(self.seconds)
        return 1e3 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def load(port: int, samples: Sequence[Sample], *, clients: int, requests: int) -> Result:
    """Send that many photos, each client one after the other on a connection that is kept.

    In one thread, which takes little of the cores that the server is on.
    """
    result = Result()
    bodies = [_request(sample.photo) for sample in samples]
    numbers = iter(range(requests))
    start = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        for _ in range(clients):
            connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
            connection.setblocking(False)
            client = _Client(connection)
            selector.register(connection, selectors.EVENT_READ, client)
            _next(client, numbers, bodies, selector)
        while selector.get_map():
            ready = selector.select(PATIENCE)
            if not ready:
                raise TimeoutError("no answer")
            for key, _ in ready:
                client = key.data
                if client.rest:
                    client.send(selector)
                elif (answer := client.receive()) is not None:
                    _count(answer, samples[client.number % len(samples)], client, result)
                    _next(client, numbers, bodies, selector)
    result.elapsed = time.perf_counter() - start
    return result


class _Client:
    """A connection: what is still to be sent, and what came."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.number = 0
        self.start = 0.0
        self.rest = memoryview(b"")
        self.came = b""

    def send(self, selector: selectors.BaseSelector) -> None:
        with contextlib.suppress(BlockingIOError):
            self.rest = self.rest[self.connection.send(self.rest) :]
        event = selectors.EVENT_WRITE if self.rest else selectors.EVENT_READ
        selector.modify(self.connection, event, self)

    def receive(self) -> tuple[int, bytes] | None:
        """Return status and body once they are whole."""
        chunk = self.connection.recv(65536)
        if not chunk:
            raise ConnectionError("the server closed the connection of a good client")
        self.came += chunk
        head, end, body = self.came.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return None
        return int(head[9:12]), body


def _next(
    client: _Client,
    numbers: Iterator[int],
    bodies: Sequence[bytes],
    selector: selectors.BaseSelector,
) -> None:
    number = next(numbers, None)
    if number is None:
        selector.unregister(client.connection)
        client.connection.close()
        return
    client.number, client.start, client.came = number, time.perf_counter(), b""
    client.rest = memoryview(bodies[number % len(bodies)])
    client.send(selector)


def _count(answer: tuple[int, bytes], sample: Sample, client: _Client, result: Result) -> None:
    status, body = answer
    if status == 200:
        result.seconds.append(time.perf_counter() - client.start)
        result.wrong += not _equal(body, sample)
    else:
        result.refused[status] += 1


def _request(body: bytes, *, declared: int | None = None) -> bytes:
    length = len(body) if declared is None else declared
    return (
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % length
    ) + body


def _response(connection: socket.socket) -> tuple[int, bytes]:
    """Return the status and the body; (0, …) where the server closed without an answer."""
    found = b""
    while b"\r\n\r\n" not in found:
        if not (chunk := connection.recv(65536)):
            return 0, found
        found += chunk
    head, _, body = found.partition(b"\r\n\r\n")
    length = _length(head)
    while len(body) < length:
        if not (chunk := connection.recv(65536)):
            return 0, body
        body += chunk
    return int(head[9:12]), body


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])


def _equal(body: bytes, sample: Sample) -> bool:
    (answer,) = json.loads(body)["predictions"]
    return answer.get("probabilities") == sample.probabilities


class BadClients:
    """Threads that misbehave until they are stopped; ``seen`` counts what each kind was told."""

    def __init__(self, port: int, photo: bytes) -> None:
        self.seen: dict[str, Counter[str]] = {}
        self._port = port
        self._photo = photo
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=(name, act))
            for name, act in {
                "upload cut in the middle": self._cut,
                "header a byte at a time (slow loris)": self._slow_header,
                "body a byte at a time": self._slow_body,
                "100 MB, declared": self._huge_declared,
                "100 MB, in chunks": self._huge_chunked,
                "decompression bomb (PNG of 60,000 × 60,000)": self._bomb,
                "JPEG cut in the middle": self._broken,
                "no photo at all": self._nonsense,
            }.items()
        ]

    def __enter__(self) -> BadClients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, name: str, act: Callable[[socket.socket], str]) -> None:
        seen = self.seen.setdefault(name, Counter())
        while not self._stop.is_set():
            with socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE) as opened:
                try:
                    seen[act(opened)] += 1
                except OSError:
                    seen["connection closed"] += 1
            self._stop.wait(0.2)

    def _cut(self, connection: socket.socket) -> str:
        whole = _request(self._photo)
        connection.sendall(whole[: len(whole) // 2])
        return "(left)"

    def _slow_header(self, connection: socket.socket) -> str:
        return self._drip(connection, _request(b""))

    def _slow_body(self, connection: socket.socket) -> str:
        head, body = _request(self._photo[:0], declared=len(self._photo)), self._photo
        connection.sendall(head)
        return self._drip(connection, body)

    def _drip(self, connection: socket.socket, data: bytes) -> str:
        connection.settimeout(0.5)
        for place in range(len(data)):
            connection.sendall(data[place : place + 1])
            with contextlib.suppress(TimeoutError):
                return str(_response(connection)[0])
            if self._stop.is_set():
                return "(test ended)"
        return "(sent)"

    def _huge_declared(self, connection: socket.socket) -> str:
        connection.sendall(_request(b"x" * 100_000, declared=HUGE))
        return str(_response(connection)[0])

    def _huge_chunked(self, connection: socket.socket) -> str:
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        piece = b"%x\r\n%s\r\n" % (1_000_000, b"x" * 1_000_000)
        for _ in range(HUGE // 1_000_000):
            connection.sendall(piece)
        return str(_response(connection)[0])

    def _bomb(self, connection: socket.socket) -> str:
        connection.sendall(_request(bomb(60_000, 60_000)))
        return str(_response(connection)[0])

    def _broken(self, connection: socket.socket) -> str:
        connection.sendall(_request(self._photo[: len(self._photo) // 2]))
        return str(_response(connection)[0])

    def _nonsense(self, connection: socket.socket) -> str:
        connection.sendall(_request(b"a letter and no photo" * 100))
        return str(_response(connection)[0])


def bomb(width: int, height: int) -> bytes:
    """Return a PNG of a few kilobytes that says it has so many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
            chunk(b"IDAT", zlib.compress(bytes(1_000_000))),
            chunk(b"IEND", b""),
        )
    )
