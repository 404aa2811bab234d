"""What every script and command does around its work: exit codes for bad input and Ctrl-C."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from transfer_learning.runtime.errors import UserError


def run(main: Callable[[], None]) -> None:
    """Run a stage; turn bad input into one short message and exit code 1, Ctrl-C into 130."""
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        print(
            "interrupted: nothing of this stage is kept; run it again to redo it", file=sys.stderr
        )
        sys.exit(130)


def item() -> str:
    """Return what this run of a stage is for: its argument, or X where DVC runs STAGE@X.

    dvc.yaml's commands do not hold X: DVC would put a key of params.yaml into the shell's command
    as it stands, and the shell would run what is in it before any check.
    """
    if len(sys.argv) > 1:
        return sys.argv[1]
    name = os.environ.get("DVC_STAGE", "").rpartition("@")[2]
    if not name:
        raise UserError("name the backbone, or the resolution in pixels")
    return name
