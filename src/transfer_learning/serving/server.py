"""The process: a socket, uvicorn, and an end on SIGTERM or Ctrl-C that finishes what is running."""

from __future__ import annotations

import errno
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from transfer_learning.classifier.classifier import Classifier
from transfer_learning.runtime import hardware
from transfer_learning.runtime.errors import UserError
from transfer_learning.serving.app import Service, build
from transfer_learning.serving.hosts import Hosts
from transfer_learning.serving.limits import Limits
from transfer_learning.serving.protocol import limited

SIGNALS = (signal.SIGINT, signal.SIGTERM)
LAST_PORT = 65_535


def run(folder: Path, *, host: str, port: int, names: tuple[str, ...], limits: Limits) -> int:
    """Serve the classifier of an exported folder until a signal ends it; return the exit code.

    Raises:
        UserError: the folder holds no classifier, or the address cannot be had.
    """
    # First what fails at once.
    with bound(host, port) as listener:
        # As predict does, for the threads that compute.
        hardware.schedule_as_batch()
        classifier = Classifier.load(folder, megapixels=limits.megapixels)
        service = Service(classifier, limits)
        app = build(service, Hosts((host, *names)))
        server = Server(config(app, limits), greeting(service, listener))
        try:
            server.run([listener])
        finally:
            service.desk.close()
    print("stopped", flush=True)
    return 0


def config(app: FastAPI, limits: Limits) -> uvicorn.Config:
    """Return uvicorn's settings."""
    return uvicorn.Config(
        app,
        http=limited(limits),
        ws="none",
        lifespan="off",
        # No line for a request: its address and its time are nobody's business.
        log_config=None,
        access_log=False,
        server_header=False,
        # What a proxy says of its clients is not used.
        proxy_headers=False,
        timeout_keep_alive=max(1, round(limits.idle_seconds)),
        timeout_graceful_shutdown=max(1, round(limits.finish_seconds)),
    )


class Server(uvicorn.Server):
    """uvicorn, which says in a line where it is, and for which a signal is no failure."""

    def __init__(self, config: uvicorn.Config, greeting: str) -> None:
        super().__init__(config)
        self._greeting = greeting

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        print(self._greeting, flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, and finish what is running."""
        if running := len(self.server_state.tasks):
            print(f"finishing {running} requests; Ctrl-C again to drop them", flush=True)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let the signals end the server; uvicorn would raise them again after it ended well."""
        before = {number: signal.signal(number, self.handle_exit) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def greeting(service: Service, listener: socket.socket) -> str:
    """Return what is said when the server is ready."""
    address, port = listener.getsockname()[:2]
    model = service.manifest
    about = f"{len(model.classes)} classes" + (", synthetic photos" if model.synthetic else "")
    wide = address in ("0.0.0.0", "::")
    place = "127.0.0.1" if wide else f"[{address}]" if ":" in address else address
    lines = [f"{model.name} ({about}): http://{place}:{port}, its API at /docs. Ctrl-C ends it."]
    if wide or not (place.startswith("127.") or place == "[::1]"):
        lines.append(
            "Whoever reaches this machine may use it: there is no password and no encryption. "
            "docs/serve.md has a reverse proxy for both."
        )
    return "\n".join(lines)


def bound(host: str, port: int) -> socket.socket:
    """Return a socket at the address, which does not listen yet.

    Raises:
        UserError: there is no such address here, or it is taken; the message says which.
    """
    if not 0 <= port <= LAST_PORT:
        raise UserError(f"--port {port} should be between 0 and {LAST_PORT}")
    try:
        (family, _, _, _, address), *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (socket.gaierror, UnicodeError):
        raise UserError(
            f"--host {host} is no name or address of this machine; "
            "127.0.0.1 is for this machine alone, 0.0.0.0 for all its networks"
        ) from None
    # With its protocol, by which asyncio knows TCP: it then sends at once what is written. Else the
    # body of an answer waits 40 ms for the client to acknowledge the head.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise UserError(_refused(error, host, port)) from None
    return listener


def _refused(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use, perhaps by another of these; --port {port + 1} may be free"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"--host {host} is no address of this machine; 127.0.0.1 is, 0.0.0.0 is all of them"
    if error.errno == errno.EACCES:
        return f"port {port} is the system's, below 1024; --port 8000 is not"
    return f"--host {host} --port {port} cannot be had: {error.strerror}"
