"""Which names a request may call this server by.

A page of a stranger can have its own host name point at this machine after it is loaded (DNS
rebinding): to the browser the server is then that page's own, and its answers can be read.  Such a
request carries the stranger's name in ``Host``.  An address cannot be made to point elsewhere.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

EVERY = "*"


class Hosts:
    """The names; addresses, localhost and this machine's name are always among them."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        """Allow these names too; ``*`` allows every one."""
        own = socket.gethostname().lower()
        self._names = {"localhost", own, f"{own}.local", *(name.lower() for name in names)}

    def allow(self, header: str) -> bool:
        """Say whether a request with this ``Host`` may be answered; one without it may."""
        name = _without_port(header).lower().rstrip(".")
        return (
            not name
            or EVERY in self._names
            or name in self._names
            or name.endswith(".localhost")
            or _is_address(name)
        )


def _without_port(header: str) -> str:
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
