"""Too much, too many, too slow: each has a clear answer, and the next client is served."""

from __future__ import annotations

import base64
import socket
import struct
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest
from served import Colours, Served, photo, serve

from transfer_learning.runtime.errors import UserError
from transfer_learning.serving.limits import Limits
from transfer_learning.serving.looking import look
from transfer_learning.serving.server import bound

SMALL = Limits(
    photo_mb=0.1,
    request_mb=0.25,
    photos=3,
    megapixels=0.1,
    waiting=4,
    held_mb=0.5,
    header_seconds=0.4,
    upload_seconds=0.4,
    idle_seconds=0.4,
    finish_seconds=2,
)


@pytest.fixture
def server() -> Iterator[Served]:
    with serve(limits=SMALL) as running:
        yield running
        # Whatever was done to it: it serves on, and holds nothing.
        assert running.predict(photo("red")).status_code == 200
        assert running.service.memory.used == 0
        assert running.service.desk.open == 0


def noise(count: int) -> bytes:
    return photo("red") + b"\0" * count


def connect(server: Served) -> closing[socket.socket]:
    return closing(socket.create_connection(("127.0.0.1", server.port), timeout=10))


def rest(connection: socket.socket) -> bytes:
    """What comes until the server closes."""
    found = b""
    while chunk := connection.recv(65536):
        found += chunk
    return found


def answer(connection: socket.socket) -> bytes:
    """One response with its body, in JSON."""
    found = b""
    while not found.endswith(b"}"):
        found += connection.recv(65536)
    return found


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it has so many pixels, with few bytes behind them."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100_000))
        + chunk(b"IEND", b"")
    )


def test_a_photo_of_too_many_bytes_is_too_large(server: Served) -> None:
    response = server.predict(noise(100_000))

    assert response.status_code == 413
    assert response.json() == {"error": "the photo has more than 0.1 MB"}


def test_among_others_only_the_large_one_fails(server: Served) -> None:
    answers = server.send(photo("red"), noise(100_000), photo("blue")).json()["predictions"]

    assert [item.get("label") for item in answers] == ["red", None, "blue"]
    assert answers[1] == {"error": "the photo has more than 0.1 MB", "status": 413}


def test_a_body_that_declares_too_much_is_refused_unread(server: Served) -> None:
    with connect(server) as connection:
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n"
            b"Expect: 100-continue\r\n\r\n"
        )
        first = answer(connection)

    assert first.startswith(b"HTTP/1.1 413 ")
    assert b"the body has more than 0.25 MB" in first


def test_a_body_that_declares_nothing_is_cut_while_it_is_read() -> None:
    sent = 0

    def hundred_mb() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(2000):
            sent += 50_000
            yield b"x" * 50_000

    with serve(limits=replace(SMALL, idle_seconds=30)) as server:
        tracemalloc.start()
        response = server.client.post("/predict", content=hundred_mb())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        # Read to the end, so that a client that listens only then is told, and nothing kept.
        assert sent == 100_000_000
        assert response.status_code == 413
        assert peak < 5_000_000
        assert server.client.get("/healthz").status_code == 200


def test_too_many_files_are_refused(server: Served) -> None:
    response = server.send(*[photo()] * 4)

    assert (response.status_code, response.json()["error"]) == (
        413,
        "more than 3 photos in a request",
    )


def test_too_many_rows_are_refused(server: Served) -> None:
    row = {"b64": base64.b64encode(photo()).decode()}
    body = {"instances": [row] * 4}

    assert server.client.post("/v1/models/colours:predict", json=body).status_code == 413


@pytest.mark.parametrize("size", [(1000, 101), (60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_a_decompression_bomb_is_not_decoded(size: tuple[int, int], server: Served) -> None:
    response = server.predict(bomb(*size))

    assert response.status_code == 413
    assert response.json()["error"].endswith("megapixels, and 0.1 are allowed")


def test_a_jpeg_of_thousands_of_scans_is_not_decoded() -> None:
    progressive = photo(kind="JPEG", size=(3000, 2000), progressive=True)
    scan = progressive.rindex(b"\xff\xda")
    many = progressive[:-2] + progressive[scan:-2] * 1000 + progressive[-2:]

    assert look(progressive, megapixels=100) is None
    found = look(many, megapixels=100)

    assert found is not None
    assert (found.status, found.reason) == (422, "the JPEG has too many scans for its size")


def test_too_many_photos_at_once_are_told_when_to_come_again() -> None:
    classifier = Colours()
    classifier.gate.clear()
    with serve(classifier, SMALL) as server, ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(server.predict, photo()) for _ in range(4)]
        until(lambda: server.service.desk.open == 4)

        refused = [server.predict(photo()), server.send(photo(), photo())]
        not_ready = server.client.get("/readyz")
        alive = server.client.get("/healthz")
        classifier.gate.set()

        assert [item.status_code for item in refused] == [503, 503]
        assert all(int(item.headers["Retry-After"]) >= 1 for item in refused)
        assert refused[0].json() == {"error": "4 photos wait already, try again soon"}
        assert (not_ready.status_code, alive.status_code) == (503, 200)
        assert {item.result().status_code for item in waiting} == {200}
        assert server.client.get("/readyz").status_code == 200


def test_uploads_of_all_together_are_limited(server: Served) -> None:
    part = noise(90_000)
    head = (
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; "
        b"boundary=a\r\nContent-Length: 240000\r\n\r\n"
        b'--a\r\nContent-Disposition: form-data; name="p"; filename="p"\r\n\r\n'
    )
    with connect(server) as one, connect(server) as two:
        for connection in (one, two):
            connection.sendall(head + part * 2 + b"x" * 50_000)
        until(lambda: server.service.memory.used > 400_000)

        response = server.predict(noise(90_000))

    assert response.status_code == 503
    assert response.json() == {"error": "the server holds as many uploads as it may"}
    until(lambda: server.service.memory.used == 0)


def test_a_header_that_does_not_end_is_given_up(server: Served) -> None:
    with connect(server) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\n")
        start = time.monotonic()
        stop = threading.Event()
        trickle = threading.Thread(target=_trickle, args=(connection, b"X-A: b\r\n", stop))
        trickle.start()
        found = rest(connection)
        stop.set()
        trickle.join()

    assert found.startswith(b"HTTP/1.1 408 ")
    assert b'{"error": "the header came too slowly"}' in found
    assert time.monotonic() - start < 3


def test_a_second_header_on_a_connection_is_given_up_too(server: Served) -> None:
    with connect(server) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer(connection)
        connection.sendall(b"GET /healthz HTTP/1.1\r\n")
        found = rest(connection)

    assert found.startswith(b"HTTP/1.1 408 ")


def test_a_header_without_end_is_too_long(server: Served) -> None:
    with connect(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000)
        found = connection.recv(65536)

    assert found.startswith(b"HTTP/1.1 431 ")


def test_a_body_that_does_not_end_is_given_up(server: Served) -> None:
    with connect(server) as connection:
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc"
        )
        found = rest(connection)

    assert found.startswith(b"HTTP/1.1 408 ")
    assert b"the body came too slowly: 3 bytes so far" in found


def test_a_slow_body_that_comes_steadily_is_read(server: Served) -> None:
    content = photo("red")
    padded = content + b"\0" * (60_000 - len(content))
    with connect(server) as connection:
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            b"Content-Length: 60000\r\n\r\n"
        )
        start = time.monotonic()
        for place in range(0, 60_000, 5_000):
            connection.sendall(padded[place : place + 5_000])
            time.sleep(0.08)
        found = rest(connection)

    assert time.monotonic() - start > 2 * SMALL.upload_seconds
    assert found.startswith(b"HTTP/1.1 200 ")


def test_an_idle_connection_is_closed(server: Served) -> None:
    with connect(server) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        found = rest(connection)

    assert found.startswith(b"HTTP/1.1 200 ")


def test_a_connection_too_many_is_told_to_come_again() -> None:
    with serve(limits=Limits(connections=2)) as server, connect(server), connect(server):
        until(lambda: len(server.client.get("/healthz").text) > 0 or True)
        with connect(server) as third:
            found = rest(third)

    assert found.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: 2" in found


def test_an_upload_that_is_cut_leaves_nothing_behind(server: Served) -> None:
    for _ in range(5):
        with connect(server) as connection:
            connection.sendall(
                b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000\r\n\r\n"
                + b"x" * 50_000
            )
    until(lambda: server.service.memory.used == 0)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"photos": 0}, "--photos is 0: it should be greater than 0"),
        ({"photo_mb": float("nan")}, "--photo-mb is nan: it should be greater than 0"),
        ({"photo_mb": 60.0}, "--photo-mb is 60, more than --request-mb, 50: "),
        ({"photos": 200}, "--photos is 200, more than --waiting, 128: "),
    ],
)
def test_limits_that_contradict_each_other_are_told(limits: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Limits(**limits)


def until(condition: object, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


def _trickle(connection: socket.socket, piece: bytes, stop: threading.Event) -> None:
    try:
        while not stop.wait(0.05):
            connection.sendall(piece)
    except OSError:
        pass


def test_an_answer_is_sent_at_once() -> None:
    # asyncio switches Nagle's algorithm off for sockets that it knows to be of TCP.
    with bound("127.0.0.1", 0) as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.proto == socket.IPPROTO_TCP
