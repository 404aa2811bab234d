"""Archives and answers that mean harm: each is small, and takes much from who trusts it."""

from __future__ import annotations

import gzip
import io
import itertools
import lzma
import tarfile
import time
from collections.abc import Callable, Iterable
from typing import Any

from hub_server import Answer, archive

END = bytes(1024)
TERABYTE = 2**40
BLOCK = 512


def member(name: str, *, kind: bytes = tarfile.REGTYPE, size: int = 0, **pax: str) -> bytes:
    """Return a member's header, with a PAX header before it where needed; no contents."""
    info = tarfile.TarInfo(name)
    info.type, info.size, info.pax_headers = kind, size, pax
    return info.tobuf(tarfile.PAX_FORMAT if pax else tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % BLOCK)


def header_of(kind: bytes, content: bytes) -> bytes:
    """Return a header that says something of the next member: a long name, a PAX record."""
    return member("header", kind=kind, size=len(content)) + padded(content)


def record(key: bytes, value: bytes) -> bytes:
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest)
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest


def packed(*parts: bytes) -> bytes:
    return gzip.compress(b"".join(parts), 1)


def repeated(begin: bytes, block: bytes, times: int) -> bytes:
    """Return the gzip of ``begin`` and the block so many times, without holding them."""
    file = io.BytesIO()
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1) as stream:
        stream.write(begin)
        for _ in range(times):
            stream.write(block)
    return file.getvalue()


def sparse_of_gnu(size: int) -> bytes:
    """Return a member of GNU's old sparse type: one hole of that size."""
    header = bytearray(member("hole", kind=tarfile.GNUTYPE_SPARSE))
    header[483:495] = tarfile.itn(size, 12, tarfile.GNU_FORMAT)
    header[148:156] = b"%06o\0 " % (256 + sum(header[:148]) + sum(header[156:]))
    return bytes(header)


def checked(header: bytearray) -> bytes:
    """Return the header with its sum put right."""
    header[148:156] = b"%06o\0 " % (256 + sum(header[:148]) + sum(header[156:512]))
    return bytes(header)


def negative_size() -> bytes:
    header = bytearray(member("file"))
    header[124:136] = b"\xff" * 10 + (-1024).to_bytes(2, "big", signed=True)
    return checked(header)


def global_headers() -> bytes:
    """Return 300 headers that hold for all later members, with 900 records each."""
    parts = []
    for i in range(300):
        records = b"".join(record(b"%d.%d" % (i, j), b"") for j in range(900))
        parts += [header_of(tarfile.XGLTYPE, records), member(f"f{i}")]
    return packed(*parts, END)


def many_holes(megabytes: int) -> bytes:
    size = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9"}
    begin = member("hole", size=megabytes * 2**20, **size) + b"%d\n" % 2**40
    return repeated(begin, b"0\n" * 2**19, megabytes)


def of_headers(*headers: bytes) -> Callable[[], bytes]:
    return lambda: packed(*headers, END)


def pax(key: bytes, value: bytes) -> bytes:
    return header_of(tarfile.XHDTYPE, record(key, value))


# The bombs unpack to that many MB.
BOMB = 128
ZEROS = bytes(2**20)
ARCHIVES: dict[str, Callable[[], bytes]] = {
    "gzip bomb": lambda: repeated(member("bomb", size=BOMB * 2**20), ZEROS, BOMB),
    "gzip bomb of many files": lambda: repeated(b"", member("part", size=2**20) + ZEROS, BOMB),
    "gzip bomb behind the end": lambda: repeated(member("a") + END, ZEROS, BOMB),
    "gzip of 200,000 empty gzips": lambda: gzip.compress(b"") * 200_000 + packed(member("a"), END),
    "xz bomb": lambda: lzma.compress(member("bomb", size=BOMB * 2**20) + ZEROS * BOMB, preset=0),
    "a file of 1 TB": of_headers(member("file", size=TERABYTE)),
    "sparse, GNU": of_headers(sparse_of_gnu(TERABYTE)),
    "sparse, PAX 0.0": of_headers(
        member("hole", **{"GNU.sparse.size": str(TERABYTE), "GNU.sparse.numblocks": "0"})
    ),
    "sparse, PAX 0.1": of_headers(
        member("hole", **{"GNU.sparse.map": "0,0", "GNU.sparse.size": str(TERABYTE)})
    ),
    "sparse, PAX 1.0 of many holes": lambda: many_holes(BOMB),
    "200,000 files": lambda: packed(*(member(f"f{i}") for i in range(200_000)), END),
    "3,000 folders deep": of_headers(
        header_of(tarfile.GNUTYPE_LONGNAME, b"d/" * 3000 + b"f\0"), member("f")
    ),
    "100 folders deep": of_headers(member("d/" * 49 + "f")),
    "a name of 5,000 characters": of_headers(pax(b"path", b"f" * 5000), member("f")),
    "a name that is no UTF-8": of_headers(member("caf\udce9")),
    "a name with a line's end": of_headers(member("two\nlines")),
    "a name with a zero": of_headers(pax(b"path", b"a\0b"), member("a")),
    "a name of 1 GB": lambda: repeated(
        member("x", kind=tarfile.GNUTYPE_LONGNAME, size=2**30), ZEROS, 1024
    ),
    "a PAX header of 1 GB": lambda: repeated(
        member("x", kind=tarfile.XHDTYPE, size=2**30), ZEROS, 1024
    ),
    "a PAX header of digits": of_headers(header_of(tarfile.XHDTYPE, b"1" * 2**20), member("a")),
    "2,000 PAX headers in a row": of_headers(pax(b"a", b"b") * 2000, member("a")),
    "300 global PAX headers": global_headers,
    "a size below 0": lambda: packed(negative_size(), END),
    "a PAX size below 0": of_headers(pax(b"size", b"-1024"), member("file")),
    "a time without end": of_headers(pax(b"mtime", b"inf"), member("file")),
    "a file, then a folder of its name": of_headers(member("a"), member("a/b")),
    "a folder, then a file of its name": of_headers(member("a/b"), member("a")),
    "a pipe": of_headers(member("pipe", kind=tarfile.FIFOTYPE)),
}


# Answers


def chunks(request: Any, parts: Iterable[bytes], pause: float = 0.0) -> None:
    """Send the parts until the other side has had enough."""
    try:
        for part in parts:
            if request.server.closing.is_set():
                return
            request.wfile.write(part)
            request.wfile.flush()
            time.sleep(pause)
    except OSError:
        pass


def endless(*, announced: bool) -> Answer:
    def answer(request: Any) -> None:
        request.send_response(200)
        if announced:
            request.send_header("Content-Length", str(TERABYTE))
        request.end_headers()
        chunks(request, itertools.repeat(bytes(2**20)))

    return answer


def trickling(part: bytes) -> Answer:
    """Send the part ten times a second for ever, instead of an answer or behind its begin."""
    return lambda request: chunks(request, itertools.repeat(part), 0.1)


def trickling_body(begin: bytes) -> Answer:
    def answer(request: Any) -> None:
        request.send_response(200)
        request.end_headers()
        request.wfile.write(begin)
        chunks(request, itertools.repeat(b"x"), 0.1)

    return answer


def busy(retry_after: str) -> Answer:
    def answer(request: Any) -> None:
        request.send_response(503, "come\x1b[2Jback" + "!" * 500)
        request.send_header("Retry-After", retry_after)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


ANSWERS: dict[str, Answer] = {
    "an endless answer": endless(announced=False),
    "an answer of 1 TB": endless(announced=True),
    "a byte now and then": trickling_body(archive({"a": b"a"})),
    "a status line that trickles": trickling(b"H"),
    "100 Continue for ever": trickling(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "headers that trickle": trickling(b"HTTP/1.1 200 OK\r\nX-A: b"),
    "headers without end": lambda request: chunks(
        request, itertools.chain([b"HTTP/1.1 200 OK\r\n"], itertools.repeat(b"X: y\r\n"))
    ),
    "a size of 10,000 digits": lambda request: chunks(
        request, [b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 10_000 + b"\r\n\r\nx"]
    ),
    "come back in 30 years": busy("999999999"),
    "come back after 5,000 digits": busy("9" * 5000),
    "come back some day": busy("some day"),
}
