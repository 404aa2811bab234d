"""Many heads with other settings, from cached features: ``make sweep N=100``.

No stage: it looks for settings, and changes no result.  What it finds, ``dvc exp run -S`` builds.
"""

from __future__ import annotations

import hashlib
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.commands.resplit import cached_features
from transfer_learning.config import params, paths, yaml_file
from transfer_learning.config.params import Params, Train
from transfer_learning.config.paths import REPORTS
from transfer_learning.evaluation import sweep
from transfer_learning.evaluation.sweep import Tried, Wanted
from transfer_learning.features.features import Features
from transfer_learning.heads import space
from transfer_learning.photos import dataset
from transfer_learning.reports import sweep_page
from transfer_learning.reports.charts import tried as chart
from transfer_learning.runtime import csv_files, files, hardware
from transfer_learning.runtime.errors import UserError
from transfer_learning.runtime.progress import progress_bar

TABLE, FIGURE, PAGE = (REPORTS / f"sweep.{kind}" for kind in ("csv", "png", "md"))
HEADS, MOST = 100, 100_000
INTERRUPTED = 130


@dataclass(frozen=True)
class Options:
    """What a person asks for; ``axes`` is the text for each key that is given."""

    heads: int | None = None
    seed: int = 0
    grid: bool = False
    competitors: Sequence[str] = ()
    axes: dict[str, str] = field(default_factory=dict)


def run(options: Options) -> int:
    """Learn the heads that are not in reports/sweep.csv yet; write it, its figure and its page.

    Returns:
        The exit code: 130 where Ctrl-C ended it; what was done by then is kept.

    Raises:
        UserError: an option is wrong, or features are missing.
    """
    settings = params.load()
    names = _competitors(settings, options)
    chosen = _settings(settings.train, options, len(names))
    hardware.hide_gpu()
    features = {name: cached_features(name)[:2] for name in names}
    made_of = {name: _made_of(name) for name in names}
    wanted = [
        Wanted(name, _of_competitor(item, settings.train, name), made_of[name])
        for item in chosen
        for name in names
    ]
    if not options.grid:
        del wanted[options.heads or HEADS :]
    known = {item.wanted: item for item in sweep.read(TABLE)}
    done = {key: known[key] for item in wanted if (key := sweep.asked(item)) in known}
    code = _learn(wanted, done, features)
    tried = list({key: done[key] for item in wanted if (key := sweep.asked(item)) in done}.values())
    sweep.write(TABLE, tried)
    if tried:
        print(_report(tried, settings, len(features[names[0]][1].labels)))
    if code:
        print(
            f"interrupted: {len(tried)} of {len(wanted)} heads are in {TABLE}; the same command "
            "goes on from there",
            file=sys.stderr,
        )
    return code


def _competitors(settings: Params, options: Options) -> list[str]:
    for name in options.competitors:
        if name not in settings.competitors:
            raise UserError(
                f"--competitor {name}: there are only {', '.join(settings.competitors)}"
            )
    return list(dict.fromkeys(options.competitors)) or settings.competitors


def _settings(train: Train, options: Options, competitors: int) -> list[Train]:
    """Return the settings to try, each with every competitor."""
    given = {key: space.axis(key, text, train) for key, text in options.axes.items()}
    if options.grid:
        if options.heads is not None:
            raise UserError("--heads: a grid has a head for each combination; leave --heads out")
        found = list(space.grid({**space.GRID, **given}, train))
        if len(found) * competitors > MOST:
            raise UserError(f"the grid has more than {MOST:,} heads; list fewer values")
        return found
    heads = HEADS if options.heads is None else options.heads
    if not 1 <= heads <= MOST:
        raise UserError(f"--heads {heads}: give 1 to {MOST:,}")
    if options.seed < 0:
        raise UserError(f"--seed {options.seed}: give 0 or more")
    draws = space.draws({**space.RANDOM, **given}, train, options.seed)
    return list(islice(draws, -(-heads // competitors)))


def _of_competitor(chosen: Train, now: Train, name: str) -> Train:
    """Return the section ``train`` with which ``name`` has the head that is chosen."""
    if name in now.heads:
        heads = now.heads | {name: chosen.head}
        chosen = space.changed(chosen, head=now.head, heads=heads)
    # params.yaml may ask for a refit only where a head is logistic.
    kinds = {chosen.head, *chosen.heads.values()}
    return chosen if "logistic" in kinds else space.changed(chosen, refit=False)


def _made_of(name: str) -> str:
    """Return a digest of the features and of the code that learns heads from them."""
    digest = hashlib.sha256()
    code = Path(space.__file__).parent.glob("*.py")
    for path in (*(paths.features(name) / f"{part}.npz" for part in ("train", "valid")), *code):
        digest.update(path.name.encode() + files.sha256(path).encode())
    return digest.hexdigest()[:12]


def _learn(
    wanted: list[Wanted],
    done: dict[tuple[Any, ...], Tried],
    features: dict[str, tuple[Features, Features]],
) -> int:
    """Learn what is not done, note it there and in the table; return the exit code."""
    sweep.write(TABLE, done.values())
    missing = {key: item for item in wanted if (key := sweep.asked(item)) not in done}
    bar = progress_bar(total=len(done) + len(missing), what="sweep", unit="head")
    bar.update(len(done))
    try:
        with bar:
            for key, item in missing.items():
                done[key] = sweep.learn(item, *features[item.competitor])
                csv_files.append_row(TABLE, sweep.cells(done[key]))
                bar.update()
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _report(tried: list[Tried], settings: Params, photos: int) -> str:
    """Write figure and page; return what is to be said."""
    costs = {
        name: BackboneInfo.read(paths.backbone(name)).multiply_adds
        for name in {item.competitor for item in tried}
    }
    ranked = sweep.ranked(tried, costs)
    synthetic = dataset.DatasetInfo.read().synthetic
    note = " (synthetic photos)" * synthetic
    command = shlex.join(experiment(ranked[0], settings))
    chart.draw(FIGURE, ranked, title=f"{len(ranked)} heads: validation accuracy by settings{note}")
    page = sweep_page.page(ranked, command, photos=photos, synthetic=synthetic)
    files.write_text(PAGE, page)
    found = sweep_page.found(ranked, command, photos=photos)
    return f"{found}\nIn {TABLE}, {FIGURE.name} and {PAGE.name}: all {len(ranked)} heads."


def experiment(tried: Tried, settings: Params) -> list[str]:
    """Return the command that builds a head that was tried, and selects it."""
    now = settings.train
    keys = ("learning_rate", "dropout", "epochs", "seed", "strength")
    given = {key: value for key in keys if (value := getattr(tried, key)) is not None}
    then = _of_competitor(space.changed(now, head=tried.head, **given), now, tried.competitor)
    there = yaml_file.parse(paths.PARAMS)
    changes = [
        (["train", key], getattr(then, key))
        for key in ("head", *keys, "refit")
        if getattr(then, key) != getattr(now, key)
    ]
    if then.heads != now.heads:
        changes.append((["train", "heads", tried.competitor], tried.head))
    if settings.selected != tried.competitor:
        changes.append((["selected"], tried.competitor))
    command = ["dvc", "exp", "run"]
    for path, value in changes:
        command += ["-S", f"{'' if _has(there, path) else '+'}{'.'.join(path)}={_text(value)}"]
    return command


def _has(values: Any, path: list[str]) -> bool:
    for part in path:
        if not isinstance(values, dict) or part not in values:
            return False
        values = values[part]
    return True


def _text(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
