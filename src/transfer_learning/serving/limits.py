"""What one request and all of them together may take.

Each is an option of ``transfer-learning serve``, with the text in ``help`` behind it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from transfer_learning.runtime.errors import UserError


def _limit(default: float, text: str) -> Any:
    return dataclasses.field(default=default, metadata={"help": text})


@dataclass(frozen=True)
class Limits:
    """The limits, in the units of their names; MB are 10⁶ bytes."""

    photo_mb: float = _limit(20.0, "MB of a photo's file")
    megapixels: float = _limit(100.0, "megapixels of a photo")
    request_mb: float = _limit(50.0, "MB of a request's body")
    photos: int = _limit(64, "photos in a request")
    waiting: int = _limit(128, "photos that wait or are in work, of all requests")
    held_mb: float = _limit(256.0, "MB of bodies in memory, of all requests")
    connections: int = _limit(500, "connections at once")
    header_seconds: float = _limit(10.0, "seconds for a request's header")
    upload_seconds: float = _limit(30.0, "seconds for its body, and more while it comes")
    upload_kb: float = _limit(32.0, "kB of body a second that earn more time")
    idle_seconds: float = _limit(15.0, "seconds an idle connection is kept")
    finish_seconds: float = _limit(30.0, "seconds that requests have to end after SIGTERM")

    def __post_init__(self) -> None:
        """Refuse limits under which nothing would be answered.

        Raises:
            UserError: a limit is not positive, or holds no request that another one allows.
        """
        for name, value in dataclasses.asdict(self).items():
            # NaN is not greater than 0 either.
            if not value > 0:
                raise UserError(f"--{option(name)} is {value}: it should be greater than 0")
        for small, large in (
            ("photo_mb", "request_mb"),
            ("request_mb", "held_mb"),
            ("photos", "waiting"),
        ):
            if getattr(self, small) > getattr(self, large):
                raise UserError(
                    f"--{option(small)} is {getattr(self, small):g}, more than --{option(large)}, "
                    f"{getattr(self, large):g}: make one smaller or the other larger"
                )

    @property
    def photo_bytes(self) -> int:
        """Return the bytes that a photo's file may have."""
        return int(self.photo_mb * 1e6)

    @property
    def request_bytes(self) -> int:
        """Return the bytes that a request's body may have."""
        return int(self.request_mb * 1e6)

    @property
    def request_seconds(self) -> float:
        """Return how long the longest request may take: its upload, and a minute for the answer."""
        return self.upload_seconds + self.request_mb * 1e3 / self.upload_kb + 60


def option(name: str) -> str:
    """Return the command line's name of a limit."""
    return name.replace("_", "-")
