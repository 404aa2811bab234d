"""Time limits on connections, which uvicorn has only for those that are idle.

A client that sends its header a byte at a time, or never takes its answer, would else hold a
connection for ever; enough of them hold all (Slowloris).
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from transfer_learning.serving.limits import Limits

# Bytes of a request's line and headers, as h11 and most proxies have it.
HEADER_BYTES = 65_536


class LimitedProtocol(HttpToolsProtocol):
    """A connection with a deadline for what it is doing."""

    limits: Limits

    _deadline: asyncio.TimerHandle | None = None
    # Of the header that is being read; None while a request is under way.
    _header_bytes: int | None = None
    # Whether a body is still coming, which an early answer does not end.
    _in_body = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Expect a header, or refuse a connection too many."""
        super().connection_made(cast("asyncio.Transport", transport))
        if len(self.connections) > self.limits.connections:
            self._refuse("503 Service Unavailable", "too many connections", "Retry-After: 2\r\n")
        else:
            self._expect_header()

    def data_received(self, data: bytes) -> None:
        """Read on; the header's deadline does not move with each byte."""
        if self._header_bytes is None and self._is_idle():
            self._expect_header()
        if self._header_bytes is not None:
            self._header_bytes += len(data)
        super().data_received(data)
        # Set still: all of this was header.
        if self._header_bytes is not None and self._header_bytes > HEADER_BYTES:
            self._refuse("431 Request Header Fields Too Large", "the header is too long")

    def on_headers_complete(self) -> None:
        """Expect the rest of the request, and that its answer is taken."""
        self._header_bytes = None
        self._in_body = True
        self._within(self.limits.request_seconds, self._abort)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Expect the next request, where a refused body was read to its end."""
        self._in_body = False
        super().on_message_complete()
        if self._is_idle():
            self._within(self.limits.idle_seconds, self._abort)

    def on_response_complete(self) -> None:
        """Expect the next request, or the rest of a body that was refused."""
        super().on_response_complete()
        # Not where the next request of a pipeline is under way already.
        if self._answered():
            self._within(self.limits.idle_seconds, self._abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._within(None)
        super().connection_lost(exc)

    def _answered(self) -> bool:
        return self.cycle is not None and self.cycle.response_complete

    def _is_idle(self) -> bool:
        return self._answered() and not self._in_body

    def _expect_header(self) -> None:
        self._header_bytes = 0
        self._within(
            self.limits.header_seconds,
            self._refuse,
            "408 Request Timeout",
            "the header came too slowly",
        )

    def _within(self, seconds: float | None, otherwise: Any = None, *arguments: str) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = (
            None if seconds is None else self.loop.call_later(seconds, otherwise, *arguments)
        )

    def _refuse(self, status: str, reason: str, headers: str = "") -> None:
        if self.transport.is_closing():
            return
        body = f'{{"error": "{reason}"}}'
        self.transport.write(
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
        )
        self.transport.close()
        # A client that does not take even this.
        self._within(self.limits.idle_seconds, self._abort)

    def _abort(self) -> None:
        self.transport.abort()


def limited(limits: Limits) -> type[LimitedProtocol]:
    """Return the protocol with these limits, for uvicorn makes the connections itself."""
    return type("Limited", (LimitedProtocol,), {"limits": limits})
