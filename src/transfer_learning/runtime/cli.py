"""What every script and command does around its work: exit codes for bad input and Ctrl-C."""

from __future__ import annotations

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
