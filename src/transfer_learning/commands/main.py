"""The console script ``transfer-learning``: one word per command."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from transfer_learning.runtime import cli


def main() -> None:
    """Run the command that the command line names."""
    cli.expect_interrupts()
    from transfer_learning.commands import check, damaged, mend, preset, receipt, reproduce, verify

    def checked() -> None:
        for line in mend.mend():
            print(line)
        print(check.report())

    def mended() -> None:
        for line in mend.mend():
            print(line)
        for line in damaged.remove() or ["every byte is as DVC recorded it"]:
            print(line)

    parser = argparse.ArgumentParser(prog="transfer-learning", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("check", help="check params.yaml, all of it, and mend dvc.lock")
    command.set_defaults(run=lambda _: checked())

    command = commands.add_parser(
        "mend", help="remove outputs and cached copies that are damaged; dvc repro rebuilds them"
    )
    command.set_defaults(run=lambda _: mended())

    command = commands.add_parser("preset", help="put presets/NAME.yaml in force")
    command.add_argument("name", metavar="NAME")
    command.set_defaults(run=lambda options: print(preset.apply(options.name)))

    command = commands.add_parser("receipt", help="write reports/receipt.json: what is here")
    command.set_defaults(run=lambda _: print(receipt.write()))

    command = commands.add_parser(
        "verify", help="compare what is here with what is committed (exit codes: docs/verify.md)"
    )
    command.add_argument(
        "--against", metavar="REVISION|RECEIPT", default="HEAD", help="what with (HEAD)"
    )
    command.set_defaults(run=lambda options: sys.exit(verify.run(options.against)))

    command = commands.add_parser(
        "reproduce", help="build twice from nothing, in unlike surroundings, and verify"
    )
    command.add_argument("--dirty", action="store_true", help="the working tree, not HEAD")
    command.add_argument("--params", type=Path, metavar="FILE", help="instead of params.yaml")
    command.set_defaults(
        run=lambda options: sys.exit(reproduce.run(dirty=options.dirty, params=options.params))
    )

    options = parser.parse_args()
    cli.run(lambda: options.run(options))
