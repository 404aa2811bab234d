"""What all downloads share: limits of time and size, which failures pass, and when to try again.

urllib3's ``Retry`` repeats a request, but not a body that was cut or an archive that is damaged;
only its reading of Retry-After is of use here.
"""

from __future__ import annotations

import hashlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TypeVar

import requests
import urllib3
from tqdm import tqdm
from urllib3.exceptions import HTTPError, InvalidHeader

from transfer_learning.runtime.errors import UserError

# Seconds: to connect, and of silence between two reads.
TIMEOUT = (10.0, 30.0)
# Seconds before each further try, where the server does not ask for more.
WAITS = (1.0, 4.0, 10.0)
# Seconds: a server that asks for more (Retry-After) is one to come back to another time.
LONGEST_WAIT = 120.0
# What a server answers that is too busy or being restarted (RFC 9110, RFC 6585).
BUSY = (408, 429, 500, 502, 503, 504)
# Characters of a server's own words, which may be anything, that an error quotes.
MOST_QUOTED = 200
BLOCK = 2**20

T = TypeVar("T")


class TransientError(Exception):
    """A download did not arrive whole; another try may, after at least ``wait`` seconds."""

    def __init__(self, problem: str, *, wait: float = 0.0) -> None:
        super().__init__(problem)
        self.wait = wait


def retried(attempt: Callable[[], T], address: str) -> T:
    """Return what ``attempt`` returns; after a TransientError wait and try again, a few times.

    Raises:
        UserError: the problem of the last try; or the server asks for a longer wait than
            ``LONGEST_WAIT``. What else ``attempt`` raises passes.
    """
    for wait in WAITS:
        try:
            return attempt()
        except TransientError as error:
            if error.wait > LONGEST_WAIT:
                raise UserError(
                    f"{error} and asks for more than {LONGEST_WAIT:g} s of patience"
                ) from error
            wait = max(wait, error.wait)
            print(f"{address}: {error}; again in {wait:g} s", file=sys.stderr)
        time.sleep(wait)
    try:
        return attempt()
    except TransientError as error:
        raise UserError(f"{error} ({1 + len(WAITS)} tries)") from error


def failure(error: BaseException) -> TransientError | UserError:
    """Return what the exception of ``requests`` or urllib3 means: another try may help, or not."""
    response = error.response if isinstance(error, requests.HTTPError) else None
    if response is not None:
        problem = _quoted(f"the server answered {response.status_code} {response.reason}".strip())
        if response.status_code in BUSY:
            return TransientError(problem, wait=_retry_after(response))
        return UserError(problem)
    passes = (
        requests.ConnectionError,
        requests.Timeout,
        requests.exceptions.ChunkedEncodingError,
        HTTPError,
    )
    return TransientError(_cause(error)) if isinstance(error, passes) else UserError(_cause(error))


def _retry_after(response: requests.Response) -> float:
    try:
        return float(urllib3.Retry().parse_retry_after(response.headers.get("Retry-After", "0")))
    except (InvalidHeader, ValueError, OverflowError):
        return 0.0


def _cause(error: BaseException) -> str:
    # requests wraps urllib3's wrapping of the system's error; only the innermost is for people.
    where = "the proxy: " if isinstance(error, requests.exceptions.ProxyError) else ""
    while inner := error.__cause__ or error.__context__:
        error = inner
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return _quoted(f"{where}{reason}")


def _quoted(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text[:MOST_QUOTED])


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise a UserError in the block once that many seconds have passed.

    A signal ends whatever waits: a server that sends a byte of a header now and then keeps every
    limit between two reads. There is no limit outside of the main thread and without SIGALRM.
    """
    alarm = getattr(signal, "SIGALRM", None)
    if alarm is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise UserError(f"it took longer than {seconds:g} s, the limit")

    before = signal.signal(alarm, stop)
    # Once more after each second, if the first came where exceptions are lost, as in __del__.
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(alarm, before)


def receive(url: str, file: IO[bytes], *, most_bytes: int) -> str:
    """Write what the server answers to the file, byte for byte; return its sha256.

    Raises:
        TransientError: the connection failed or was cut, or the server is busy.
        UserError: the server refuses, its answer is larger than ``most_bytes``, or the file
            cannot be written.
    """
    # identity and decode_content: the file's own bytes, also from a server that declares its gzip
    # to be an encoding of the transfer.
    headers = {"Accept-Encoding": "identity"}
    digest = hashlib.sha256()
    try:
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            response.raise_for_status()
            length = _length(response)
            with _byte_bar(length) as bar:
                received = 0
                for block in response.raw.stream(BLOCK, decode_content=False):
                    received += len(block)
                    if max(received, length or 0) > most_bytes:
                        raise UserError(f"it is larger than {most_bytes:,} bytes, the limit")
                    file.write(block)
                    digest.update(block)
                    bar.update(len(block))
    except (requests.RequestException, HTTPError) as error:
        raise failure(error) from None
    except OSError as error:
        raise UserError(f"it could not be kept: {error.strerror}") from None
    if received == 0:
        raise TransientError("the server's answer was empty")
    return digest.hexdigest()


def _length(response: requests.Response) -> int | None:
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() and len(length) < MOST_QUOTED else None


def _byte_bar(total: int | None) -> tqdm:
    return tqdm(
        total=total,
        desc="download",
        unit="B",
        unit_scale=True,
        mininterval=0.2 if sys.stderr.isatty() else 5.0,
    )
