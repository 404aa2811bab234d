"""Serve the exported classifier: ``transfer-learning serve``."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from transfer_learning.config import paths
from transfer_learning.runtime.errors import UserError
from transfer_learning.serving.limits import Limits, option


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    command.add_argument("--host", default="127.0.0.1", help="address to listen at (127.0.0.1)")
    command.add_argument("--port", type=int, default=8000, help="0 takes a free one (8000)")
    command.add_argument(
        "--model", type=Path, default=paths.EXPORT, metavar="FOLDER", help="(data/export)"
    )
    command.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a host name that it is reached by, such as a reverse proxy's; * for all",
    )
    limits = command.add_argument_group("limits")
    for field in dataclasses.fields(Limits):
        limits.add_argument(
            f"--{option(field.name)}",
            type=type(field.default),
            default=field.default,
            metavar="N",
            help=f"{field.metadata['help']} ({field.default:g})",
        )


def run(options: argparse.Namespace) -> int:
    """Serve until a signal ends it; return the exit code.

    Raises:
        UserError: what it needs is not installed, or an option is wrong.
    """
    limits = Limits(
        **{field.name: getattr(options, field.name) for field in dataclasses.fields(Limits)}
    )
    try:
        from transfer_learning.serving import server
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package == "transfer_learning":
            raise
        raise UserError(
            f"serving needs {package}, which is not installed: make setup EXTRA=serve"
        ) from None
    names = tuple(options.allow_host)
    return server.run(
        options.model, host=options.host, port=options.port, names=names, limits=limits
    )
