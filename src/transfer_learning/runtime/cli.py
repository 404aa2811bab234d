"""What every script and command does around its work: exit codes, and what ends it in one line."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType

from transfer_learning.runtime.errors import UserError

INTERRUPTED = "interrupted: nothing of this stage is kept; run it again to redo it"
# The system's refusals that say something of the machine and nothing of this program.
FULL = {errno.ENOSPC, errno.EDQUOT}
FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
# Folders of what the stages make, by paths relative to the project.
MADE = ("data/", "reports/")
LIMITED = {
    errno.EFBIG: "the file is larger than this system or shell (ulimit -f) allows",
    errno.EMFILE: "too many files are open; raise the limit: ulimit -n 4096",
    errno.EIO: "the disk or its driver failed; see the system's log",
}


def run(main: Callable[[], None], *, interrupted: str = INTERRUPTED) -> None:
    """Run a stage; turn what is not a defect of the program into one line and an exit code.

    Bad input and what the system refuses give 1, Ctrl-C gives 130 and says ``interrupted``.
    """
    # From here on files are open, which an exception closes and removes.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if stage := os.environ.get("DVC_STAGE"):
            # Here, for it takes a moment, and only a stage that DVC runs needs it.
            from transfer_learning.runtime import inputs

            inputs.check(stage)
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if refused := refusal(error):
            sys.exit(f"error: {refused}")
        raise
    except KeyboardInterrupt:
        print(interrupted, file=sys.stderr)
        sys.exit(130)
    finally:
        signal.signal(signal.SIGINT, before)


def expect_interrupts() -> None:
    """Let Ctrl-C end the process at once, in one line: during imports, and after the work.

    An exception would show where in NumPy or TensorFlow it came, or be lost in them.
    """
    # What goes to stderr itself may be withheld at that moment (tensorflow_quiet).
    stderr = os.dup(2)

    def leave(_signal: int, _frame: FrameType | None) -> None:
        # Not print, which may be what was interrupted.
        os.write(stderr, f"{INTERRUPTED}\n".encode())
        os._exit(130)

    signal.signal(signal.SIGINT, leave)


def refusal(error: OSError) -> str | None:
    """Return what the system refused and what helps; None for what looks like a defect."""
    return _missing_input(error) or _refused(error)


def _missing_input(error: OSError) -> str | None:
    """Return what to run where a stage run by hand lacks what another stage makes, else None."""
    place = error.filename if isinstance(error.filename, str) else ""
    if error.errno != errno.ENOENT or not place.startswith(MADE):
        return None
    return f"{place} is missing, which another stage makes; dvc repro runs what is needed"


def _refused(error: OSError) -> str | None:
    place = error.filename if isinstance(error.filename, str) else None
    if error.errno in FULL:
        return (
            f"the disk is full{f' at {place}' if place else ''} (free: {_free(os.curdir)} here, "
            f"{_free(_temporary())} in {_temporary()}, the temporary folder, which TMPDIR names); "
            "make room, and run it again"
        )
    if error.errno in FORBIDDEN and place:
        reason = (error.strerror or "refused").lower()
        # To make or remove a file is a matter of its folder, which is named first.
        folder = Path(place).parent
        shown = f"{folder} {place}" if os.path.lexists(place) else str(folder)
        return (
            f"{place} cannot be written or read ({reason}); see who owns it and whether the disk "
            f"is read-only: ls -ld {shown}"
        )
    if error.errno in LIMITED:
        return f"{place + ': ' if place else ''}{LIMITED[error.errno]}"
    # tempfile's way to say that it could write to none of them.
    if error.errno == errno.ENOENT and "usable temporary directory" in str(error):
        return (
            f"{error.strerror}: they are full or read-only; make room, or name another: "
            "export TMPDIR=FOLDER"
        )
    return None


def _temporary() -> str:
    try:
        return tempfile.gettempdir()
    except OSError:
        return os.environ.get("TMPDIR", "/tmp")


def _free(folder: str) -> str:
    try:
        return f"{shutil.disk_usage(folder).free / 1e6:,.0f} MB"
    except OSError:
        return "unknown"


def item(known: Iterable[object] | None = None) -> str:
    """Return what this run of a stage is for: its argument, or X where DVC runs STAGE@X.

    dvc.yaml's commands do not hold X: DVC would put a key of params.yaml into the shell's command
    as it stands, and the shell would run what is in it before any check.

    Args:
        known: what it can be for, as params.yaml has it; None where the stage finds out.

    Raises:
        UserError: there is no argument, or none of these.
    """
    stage = Path(sys.argv[0]).stem
    name = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("DVC_STAGE", "").rpartition("@")[2]
    names = None if known is None else [str(one) for one in known]
    if name and (names is None or name in names):
        return name
    choices = "" if names is None else f"; params.yaml has {', '.join(names) or 'none'}"
    if name:
        raise UserError(f"there is no {stage}@{name}{choices}")
    raise UserError(
        f"say for which backbone, or resolution in pixels: python -m stages.{stage} NAME; "
        f"dvc repro {stage}@NAME also runs what it needs{choices}"
    )
