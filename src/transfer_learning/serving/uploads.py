"""A request's body as photos, within the limits while it is read; nothing goes to the disk."""

from __future__ import annotations

from collections.abc import Callable

import anyio
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from transfer_learning.serving.limits import Limits
from transfer_learning.serving.memory import Held
from transfer_learning.serving.problems import Problem

# A photo's encoded bytes, or why it is not looked at.
Photo = bytes | Problem


async def photos(request: Request, limits: Limits, held: Held) -> list[Photo]:
    """Return the photos of a multipart body, or the raw body as the only one.

    A photo with too many bytes is a ``Problem`` among the others.

    Raises:
        Problem: the request as a whole is refused.
        ClientDisconnect: the client went away before the end.
    """
    # Of a raw body the type is not asked: curl says that it were a form, and the bytes tell.
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data":
        return [within(await body(request, limits, held), limits)]
    try:
        parts = _Parts(options.get(b"boundary", b""), limits)
        await receive(request, parts.write, limits, held)
    except FormParserError as error:
        raise Problem(400, f"the multipart body is wrong: {error}") from None
    if not parts.ended:
        raise Problem(400, "the multipart body ends before its last boundary")
    if not parts.photos:
        raise Problem(400, "the multipart body holds no file: curl -F photo=@FILE")
    return parts.photos


async def body(request: Request, limits: Limits, held: Held) -> bytes:
    """Return the whole body.

    Raises:
        Problem: it is empty, too long or too slow.
        ClientDisconnect: the client went away before the end.
    """
    chunks: list[bytes] = []
    await receive(request, chunks.append, limits, held)
    if not (found := b"".join(chunks)):
        raise Problem(400, "the body is empty: curl --data-binary @FILE, or -F photo=@FILE")
    return found


async def receive(
    request: Request, take: Callable[[bytes], object], limits: Limits, held: Held
) -> None:
    """Hand the body to ``take`` as it comes.

    A slow client gets more time as long as its bytes come at the rate that earns it.

    Raises:
        Problem: it is encoded, too long or too slow.
        ClientDisconnect: the client went away before the end.
    """
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Problem(415, "Content-Encoding is not understood: send the body as it is")
    too_long = Problem(413, f"the body has more than {limits.request_mb:g} MB")
    # Before the first byte is read: a client that waits for "100 Continue" sends none.
    if int(request.headers.get("content-length", 0)) > limits.request_bytes:
        raise too_long
    received = 0
    deadline = anyio.current_time() + limits.upload_seconds
    with anyio.CancelScope(deadline=deadline) as scope:
        async for chunk in request.stream():
            received += len(chunk)
            if received > limits.request_bytes:
                raise too_long
            held.add(len(chunk))
            scope.deadline += len(chunk) / (1e3 * limits.upload_kb)
            take(chunk)
    if scope.cancelled_caught:
        raise Problem(408, f"the body came too slowly: {received:,} bytes so far")


def within(photo: bytes, limits: Limits) -> Photo:
    """Return the photo, or that it has too many bytes."""
    return photo if len(photo) <= limits.photo_bytes else _too_large(limits)


def too_many(limits: Limits) -> Problem:
    """Return what a request with too many photos is told."""
    return Problem(413, f"more than {limits.photos} photos in a request")


def _too_large(limits: Limits) -> Problem:
    return Problem(413, f"the photo has more than {limits.photo_mb:g} MB")


class _Parts:
    """The files of a multipart body, collected while it is read."""

    def __init__(self, boundary: bytes, limits: Limits) -> None:
        if not boundary:
            raise Problem(400, "Content-Type: multipart/form-data lacks its boundary")
        self.photos: list[Photo] = []
        self.ended = False
        self._limits = limits
        self._header = (bytearray(), bytearray())
        self._disposition = b""
        self._chunks: list[bytes] = []
        self._bytes = 0
        self.write = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
                "on_header_end": self._end_header,
                "on_headers_finished": self._end_headers,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._finish,
            },
        ).write

    def _begin(self) -> None:
        self._header = (bytearray(), bytearray())
        self._disposition = b""
        self._chunks, self._bytes = [], 0

    def _end_header(self) -> None:
        name, value = self._header
        if name.lower() == b"content-disposition":
            self._disposition = bytes(value)
        self._header = (bytearray(), bytearray())

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"filename" not in options:
            raise Problem(400, "a part of the multipart body is no file: curl -F photo=@FILE")
        if len(self.photos) == self._limits.photos:
            raise too_many(self._limits)

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._bytes += end - start
        # Of a photo that is too large the rest is not kept.
        if self._bytes <= self._limits.photo_bytes:
            self._chunks.append(data[start:end])

    def _end(self) -> None:
        if self._bytes > self._limits.photo_bytes:
            self.photos.append(_too_large(self._limits))
        elif not self._bytes:
            self.photos.append(Problem(422, "the file is empty"))
        else:
            self.photos.append(b"".join(self._chunks))
        self._chunks = []

    def _finish(self) -> None:
        self.ended = True
