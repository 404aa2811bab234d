"""What a request, or one of its photos, is answered where there is no prediction."""

from __future__ import annotations


class Problem(Exception):
    """A status of HTTP and its reason, one line for a person.

    Attributes:
        retry_after: for 503, seconds after which it is worth another try.
    """

    def __init__(self, status: int, reason: str, *, retry_after: int | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after

    def headers(self) -> dict[str, str]:
        """Return the headers that go with the status."""
        found = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        # What is still to come of a body that is given up is not worth a connection.
        return found | ({"Connection": "close"} if self.status == 408 else {})
