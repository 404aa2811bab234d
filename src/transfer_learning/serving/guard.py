"""Around every request: whom it may come from, what a browser may do with the answer, counts."""

from __future__ import annotations

import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from transfer_learning.serving.hosts import Hosts
from transfer_learning.serving.metrics import Metrics

HEADERS = {
    # All from this server; the photos that the page shows are blob:, Swagger's icons data:.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# What a client is counted under that went away before its answer (nginx's number).
GONE = 499


class Guard:
    """An ASGI application around the routes."""

    def __init__(self, app: ASGIApp, *, hosts: Hosts, metrics: Metrics) -> None:
        self._app = app
        self._hosts = hosts
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), GONE
        # FastAPI's routes know no HEAD; uvicorn, which has the scope as it was, sends no body.
        scope = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = self._refusal(scope)
        try:
            await (refusal or self._app)(scope, receive, guarded)
        finally:
            # The template: an address that was typed is nobody's business.
            route = getattr(scope.get("route"), "path", "other")
            self._metrics.request(route, status, time.perf_counter() - start)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._hosts.allow(host):
            reason = (
                f"this server is not called {host[:80]!r}; if it is: "
                "transfer-learning serve --allow-host NAME"
            )
            return JSONResponse({"error": reason}, 421)
        if scope["method"] == "POST" and headers.get("sec-fetch-site") == "cross-site":
            return JSONResponse({"error": "a page of another site may not send photos here"}, 403)
        return None
