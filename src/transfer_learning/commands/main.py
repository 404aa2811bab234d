"""The console script ``transfer-learning``: one word per command."""

from __future__ import annotations

import argparse
import sys

from transfer_learning.commands import check, preset
from transfer_learning.runtime import cli


def main() -> None:
    """Run the command that the command line names."""
    parser = argparse.ArgumentParser(prog="transfer-learning", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("check", help="check params.yaml, all of it")
    command.set_defaults(run=lambda _: print(check.report()))

    command = commands.add_parser("preset", help="put presets/NAME.yaml in force")
    command.add_argument("name", metavar="NAME")
    command.set_defaults(run=lambda options: print(preset.apply(options.name)))

    command = commands.add_parser("doctor", help="what this machine will use, and how fast it is")
    command.set_defaults(run=lambda _: _doctor())

    options = parser.parse_args()
    cli.run(lambda: options.run(options))


def _doctor() -> None:
    # Here, because it loads the engines, which the other commands do without.
    from transfer_learning.commands import doctor

    sys.exit(doctor.run())
