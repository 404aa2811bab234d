"""What happens when a unit fails: it is tried again, and in the end one line says what is wrong."""

from __future__ import annotations

import sys
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from transfer_learning.runtime import cli, files
from transfer_learning.runtime.errors import UserError, clipped, one_line
from transfer_learning.work.units import PhotoError, Unit

TRIES = 3
# Characters of an error's text in a message; all of it is in TRACE.
SAID = 200
TRACE = "failed.txt"


@dataclass(frozen=True)
class Failure:
    """Why a unit was not done, in a form that any process can read.

    ``said`` is the error, ``photo`` the one that was in work where that is known, ``trace`` the
    way to it in the code; ``user`` is set where trying again would not help.
    """

    said: str
    photo: str | None = None
    trace: str = ""
    user: UserError | None = None


def attempt(work: Callable[[], None]) -> Failure | None:
    """Do the work; return why it failed, or None where it did not."""
    try:
        work()
    except Exception as error:
        return _failure(error)
    return None


def _failure(error: Exception) -> Failure:
    trace = "".join(traceback.format_exception(error))
    photo = None
    if isinstance(error, PhotoError) and isinstance(error.__cause__, Exception):
        photo, error = str(error), error.__cause__
    said = clipped(one_line(f"{type(error).__name__}: {error}"), SAID)
    user = error if isinstance(error, UserError) else None
    # What the system refuses, such as a full disk, is said where it was refused.
    if isinstance(error, OSError) and (refused := cli.refusal(error)):
        user = UserError(refused)
    return Failure(said, photo, trace, user)


class Tries:
    """How often each unit of a stage has failed."""

    def __init__(self, stage: str, folder: Path) -> None:
        self._stage, self._folder = stage, folder
        self._failed: Counter[str] = Counter()

    def count(self, unit: Unit, failure: Failure) -> None:
        """Count a failure of a unit that will be tried again.

        Raises:
            UserError: it will not; the message names the stage, the unit and the photo.
        """
        if failure.user:
            raise failure.user
        self._failed[unit.name] += 1
        where = f"{self._stage}: {unit.name}" + (
            f", photo {failure.photo}" if failure.photo else ""
        )
        if self._failed[unit.name] < TRIES:
            print(f"{where}: tried again after {failure.said}", file=sys.stderr)
            return
        trace = self._folder / TRACE
        files.write_text(trace, failure.trace or f"{failure.said}\n")
        raise UserError(
            f"{where}: failed {TRIES} times, at last with {failure.said} ({trace} has all of it); "
            "what is done is kept, and the next run goes on after it"
        )
