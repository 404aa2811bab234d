"""The console script ``transfer-learning``: one word per command."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from transfer_learning.commands import predict_options, serve
from transfer_learning.runtime import cli

# By option of sweep: what it varies.
SWEPT = {
    "head": "dense,logistic",
    "learning-rate": "of dense heads",
    "dropout": "of dense heads",
    "epochs": "of dense heads",
    "train-seed": "of dense heads: train.seed",
    "strength": "of logistic heads",
}


def main() -> None:
    """Run the command that the command line names."""
    cli.expect_interrupts()
    parser = argparse.ArgumentParser(prog="transfer-learning", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("check", help="check params.yaml, all of it, and mend dvc.lock")
    command.set_defaults(run=_check)

    command = commands.add_parser(
        "predict", help="say what photos show, with the classifier that make export made"
    )
    predict_options.add(command)
    command.set_defaults(run=_predict)

    command = commands.add_parser(
        "mend", help="remove outputs and cached copies that are damaged; dvc repro rebuilds them"
    )
    command.set_defaults(run=_mend)

    command = commands.add_parser(
        "clean-cache", help="free what DVC's cache keeps and no branch, tag or experiment has"
    )
    command.add_argument("--force", action="store_true", help="without a question")
    command.set_defaults(run=_clean_cache)

    command = commands.add_parser("preset", help="put presets/NAME.yaml in force")
    command.add_argument("name", metavar="NAME")
    command.set_defaults(run=_preset)

    command = commands.add_parser("photos", help="set params.yaml to a folder of your photos")
    command.add_argument("folder", metavar="FOLDER", help="it holds a folder for each class")
    command.set_defaults(run=_photos)

    command = commands.add_parser("doctor", help="what this machine will use, and how fast it is")
    command.set_defaults(run=_doctor)

    command = commands.add_parser("receipt", help="write reports/receipt.json: what is here")
    command.set_defaults(run=_receipt)

    command = commands.add_parser(
        "verify", help="compare what is here with what is committed (exit codes: docs/verify.md)"
    )
    command.add_argument(
        "--against", metavar="REVISION|RECEIPT", default="HEAD", help="what with (HEAD)"
    )
    command.set_defaults(run=_verify)

    command = commands.add_parser(
        "reproduce", help="build twice from nothing, in unlike surroundings, and verify"
    )
    command.add_argument("--dirty", action="store_true", help="the working tree, not HEAD")
    command.add_argument("--params", type=Path, metavar="FILE", help="instead of params.yaml")
    command.set_defaults(run=_reproduce)

    command = commands.add_parser(
        "resplit", help="competitors on random splits of the photos, from cached features"
    )
    command.add_argument("--splits", type=int, metavar="N", default=20, help="how many (20)")
    command.add_argument("--seed", type=int, default=0, help="of the first one (0)")
    command.set_defaults(run=_resplit)

    command = commands.add_parser(
        "sweep",
        help="heads with many settings, from cached features; the best, and how to build it",
        description="VALUES are a list, as 0.001,0.01, or a range, as 0.001..0.01.",
        allow_abbrev=False,
    )
    _add_sweep_options(command)
    command.set_defaults(run=_sweep)

    command = commands.add_parser("serve", help="answer photos over HTTP, with a page to try it")
    serve.add_options(command)
    command.set_defaults(run=serve.run)

    options = parser.parse_args()
    cli.run(lambda: sys.exit(options.run(options)))


def _add_sweep_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--heads", type=int, metavar="N", help="how many (100)")
    command.add_argument("--seed", type=int, default=0, help="of the draws (0)")
    command.add_argument("--grid", action="store_true", help="every combination, no draws")
    command.add_argument(
        "--competitor", action="append", default=[], metavar="NAME", help="of these alone (all)"
    )
    for option, what in SWEPT.items():
        command.add_argument(f"--{option}", metavar="VALUES", help=what)


# Each imports what it runs: a command should not wait for DVC or an engine that another needs.
# What they return is the exit code.


def _check(_: argparse.Namespace) -> int:
    from transfer_learning.commands import check, mend

    for line in mend.mend():
        print(line)
    print(check.report())
    return 0


def _predict(options: argparse.Namespace) -> int:
    from transfer_learning.commands import predict

    return predict.run(options)


def _mend(_: argparse.Namespace) -> int:
    from transfer_learning.commands import damaged, mend

    for line in [*mend.mend(), *(damaged.remove() or ["every byte is as DVC recorded it"])]:
        print(line)
    return 0


def _clean_cache(options: argparse.Namespace) -> int:
    from transfer_learning.commands import clean_cache

    for line in clean_cache.run(force=options.force, ask=sys.stdin.isatty()):
        print(line)
    return 0


def _preset(options: argparse.Namespace) -> int:
    from transfer_learning.commands import preset

    print(preset.apply(options.name))
    return 0


def _photos(options: argparse.Namespace) -> int:
    from transfer_learning.commands import own_photos

    print(own_photos.apply(options.folder))
    return 0


def _doctor(_: argparse.Namespace) -> int:
    from transfer_learning.commands import doctor

    return doctor.run()


def _receipt(_: argparse.Namespace) -> int:
    from transfer_learning.commands import receipt

    print(receipt.write())
    print(receipt.result())
    return 0


def _verify(options: argparse.Namespace) -> int:
    from transfer_learning.commands import verify

    return verify.run(options.against)


def _resplit(options: argparse.Namespace) -> int:
    from transfer_learning.commands import resplit

    print(resplit.run(options.splits, options.seed))
    return 0


def _sweep(options: argparse.Namespace) -> int:
    from transfer_learning.commands import sweep

    axes = {
        option.removeprefix("train-").replace("-", "_"): text
        for option in SWEPT
        if (text := getattr(options, option.replace("-", "_"))) is not None
    }
    asked = sweep.Options(options.heads, options.seed, options.grid, options.competitor, axes)
    return sweep.run(asked)


def _reproduce(options: argparse.Namespace) -> int:
    from transfer_learning.commands import reproduce

    return reproduce.run(dirty=options.dirty, params=options.params)
