"""Sweeps: what is drawn, what is kept, and the command that builds the best head bit by bit."""

from __future__ import annotations

import csv
import hashlib
import json
import shlex
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from clone import TINY, Clone
from matplotlib.figure import Figure

from transfer_learning.commands import sweep as command
from transfer_learning.config import params
from transfer_learning.config.params import Train
from transfer_learning.evaluation import sweep
from transfer_learning.evaluation.sweep import Tried, Wanted
from transfer_learning.features.features import Features
from transfer_learning.heads import space
from transfer_learning.reports import sweep_page
from transfer_learning.reports.charts import tried as chart
from transfer_learning.runtime.errors import UserError

SETTINGS = Train(epochs=2, batch_size=8, dropout=0.5, learning_rate=0.01, seed=0)
LOGISTIC = Tried(
    "net", "logistic", None, None, None, None, None, 31.6, False, "made", 0.92, 0.31, "ab"
)
DENSE = Tried("net", "dense", 0.001, 0.5, 6, 32, 1, None, False, "made", 0.92, 0.35, "cd")


def photos(count: int, *, seed: int) -> Features:
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    features = rng.normal(0, 0.5, (count, 5)).astype(np.float32)
    features[np.arange(count), labels] += 2
    return Features(features, labels, labels.astype(str), np.array(["a", "b", "c"]))


def set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the folder one where the features of ``net`` and ``other`` are built."""
    monkeypatch.chdir(tmp_path)
    raw = {key: TINY[key] for key in ("dataset", "preprocess", "resolutions", "extract")}
    backbones = {
        "net": {"handle": "m", "resolution": 32},
        "other": {"handle": "m", "resolution": 224},
    }
    raw |= {"backbones": backbones, "train": SETTINGS.model_dump(include=set(TINY["train"]))}
    raw["selected"] = "net"
    (tmp_path / "params.yaml").write_text(json.dumps(raw))
    monkeypatch.setattr(command, "_report", lambda *_: "found")
    for name in backbones:
        for number, split in enumerate(("train", "valid", "test")):
            photos(24, seed=number).write(Path(f"data/features/{name}/{split}.npz"))


def rows() -> list[dict[str, str]]:
    with command.TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_draws_lie_in_the_space_repeat_and_grow_without_change() -> None:
    drawn = list(islice(space.draws(space.RANDOM, SETTINGS, seed=3), 60))

    assert drawn[:20] == list(islice(space.draws(space.RANDOM, SETTINGS, seed=3), 20))
    assert drawn[:20] != list(islice(space.draws(space.RANDOM, SETTINGS, seed=4), 20))
    dense = [item for item in drawn if item.head == "dense"]
    logistic = [item for item in drawn if item.head == "logistic"]
    assert min(len(dense), len(logistic)) > 15
    assert all(1e-4 <= item.learning_rate <= 1e-2 for item in dense)
    assert {item.epochs for item in dense} == {3, 6, 12}
    assert all(1 <= (item.strength or 0) <= 1e5 for item in logistic)
    # What a logistic head does not take stays as it is, or the command would change it.
    assert {item.epochs for item in logistic} == {SETTINGS.epochs}


def test_a_grid_is_every_combination_once() -> None:
    given = {
        "head": space.axis("head", "dense,logistic", SETTINGS),
        "learning_rate": space.axis("learning_rate", "0.1,0.01", SETTINGS),
        "dropout": space.axis("dropout", "0", SETTINGS),
        "epochs": space.axis("epochs", "1..3", SETTINGS),
        "strength": space.axis("strength", "10,1e2", SETTINGS),
    }

    found = list(space.grid({**space.GRID, **given}, SETTINGS))

    dense = [(item.learning_rate, item.epochs) for item in found if item.head == "dense"]
    assert dense == [(rate, count) for rate in (0.1, 0.01) for count in (1, 2, 3)]
    assert [item.strength for item in found if item.head == "logistic"] == [10, 100]


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("head", "dense,forest", "--head dense,forest: 'forest'"),
        ("epochs", "1.5", "--epochs 1.5: '1.5': input should be a whole number"),
        ("dropout", "0.2,1", "'1': input should be less than 1"),
        ("learning_rate", "fast", "--learning-rate fast: 'fast': input should be a number"),
        ("learning_rate", "0.1..0.01", "the smaller one first"),
        ("dropout", "0..0.5", "a range begins above 0"),
        ("seed", "-1", "--train-seed -1"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_option(key: str, text: str, words: str) -> None:
    with pytest.raises(UserError) as error:
        space.axis(key, text, SETTINGS)

    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (command.Options(heads=0), "--heads 0"),
        (command.Options(seed=-1), "--seed -1"),
        (command.Options(competitors=["rose"]), "--competitor rose: there are only net, other"),
        (command.Options(heads=5, grid=True), "leave --heads out"),
        (command.Options(grid=True, axes={"strength": "1..10"}), "--strength 1..10: a grid has no"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_learnt(
    options: command.Options, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(tmp_path, monkeypatch)

    with pytest.raises(UserError, match=words):
        command.run(options)

    assert not command.TABLE.exists()


def test_missing_features_say_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(tmp_path, monkeypatch)
    Path("data/features/other/valid.npz").unlink()

    with pytest.raises(UserError, match="run make repro first"):
        command.run(command.Options(heads=2))


def test_every_competitor_gets_the_same_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(tmp_path, monkeypatch)

    code = command.run(command.Options(heads=5, axes={"head": "logistic"}))

    found = rows()
    assert code == 0
    assert [row["competitor"] for row in found] == ["net", "other", "net", "other", "net"]
    assert found[0]["strength"] == found[1]["strength"] != found[2]["strength"]
    assert {row["epochs"] for row in found} == {""}


def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up(tmp_path, monkeypatch)
    options = command.Options(heads=6, axes={"head": "logistic"})
    learn, learnt = sweep.learn, []

    def interrupted(*arguments: object) -> Tried:
        if len(learnt) == 3:
            raise KeyboardInterrupt
        learnt.append(learn(*arguments))  # type: ignore[arg-type]
        return learnt[-1]

    monkeypatch.setattr(sweep, "learn", interrupted)
    stopped = command.run(options)
    kept = rows()
    monkeypatch.setattr(sweep, "learn", lambda *arguments: learnt.append(1) or learn(*arguments))
    went_on = command.run(options)

    assert (stopped, went_on) == (130, 0)
    assert len(kept) == 3
    assert "3 of 6 heads are in reports/sweep.csv" in capsys.readouterr().err
    assert rows()[:3] == kept
    assert (len(rows()), len(learnt)) == (6, 6)


def test_other_features_are_learnt_from_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(tmp_path, monkeypatch)
    options = command.Options(heads=4, axes={"head": "logistic"})
    command.run(options)
    before = rows()

    photos(24, seed=9).write(Path("data/features/other/train.npz"))
    command.run(options)

    assert [new == old for new, old in zip(rows(), before, strict=True)] == [True, False] * 2


def test_a_table_survives_its_file_and_a_damaged_one_is_as_good_as_none(tmp_path: Path) -> None:
    path = tmp_path / "sweep.csv"

    sweep.write(path, [LOGISTIC, DENSE])

    assert sweep.read(path) == [LOGISTIC, DENSE]
    assert sweep.read(tmp_path / "none.csv") == []
    path.write_text("competitor,head\nnet,forest\n")
    assert sweep.read(path) == []


def test_the_best_is_the_most_accurate_then_the_surest_then_the_cheapest() -> None:
    cheap = replace(LOGISTIC, competitor="cheap")
    accurate = replace(DENSE, valid_accuracy=0.93, valid_log_loss=9.0)

    ranked = sweep.ranked([DENSE, LOGISTIC, cheap, accurate], {"net": 2, "cheap": 1})

    assert ranked == [accurate, cheap, LOGISTIC, DENSE]


@pytest.mark.parametrize("refit", [False, True])
def test_validation_is_measured_before_a_refit(refit: bool) -> None:
    settings = space.changed(SETTINGS, head="logistic", strength=10.0, refit=refit)
    train_set, valid_set = photos(24, seed=1), photos(12, seed=2)

    once, plain = (
        sweep.learn(Wanted("net", item, "made"), train_set, valid_set)
        for item in (settings, space.changed(settings, refit=False))
    )

    assert once.refit is refit
    assert once.valid_log_loss == plain.valid_log_loss
    assert (once.sha256 != plain.sha256) is refit


def test_the_page_says_what_is_best_how_it_is_built_and_how_far_to_trust_it() -> None:
    text = sweep_page.page([LOGISTIC, DENSE], "dvc exp run", photos=150, synthetic=True)

    assert "2 heads on the cached features of net." in text
    assert "Best on validation: net, logistic, strength 31.6: 92.0 % of 150 photos" in text
    assert "(1 other as accurate, with a higher log loss)" in text
    assert "```sh\ndvc exp run\n```" in text
    assert "The best of 2 on the same photos looks better than it is" in text
    assert "| net | dense | learning rate 0.001, dropout 0.5, 6 epochs, seed 1 | 92.0 |" in text
    assert "Synthetic data" in text


def test_the_chart_has_a_panel_for_each_varied_setting_and_rings_the_best(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    others = [replace(DENSE, learning_rate=0.01, valid_accuracy=0.8), replace(LOGISTIC, strength=2)]

    chart.draw(tmp_path / "sweep.png", [LOGISTIC, DENSE, *others], title="")

    rates, strengths = drawn[0].axes
    assert rates.get_xlabel() == "learning rate (dense)"
    assert list(rates.lines[0].get_xdata()) == [0.001, 0.01]
    assert list(rates.lines[0].get_ydata()) == [0.92, 0.8]
    assert list(strengths.lines[0].get_xdata()) == [31.6, 2]
    assert list(strengths.lines[-1].get_xdata()) == [31.6]
    assert np.isnan(rates.lines[-1].get_xdata()[0])


@pytest.mark.parametrize("head", ["dense", "logistic"])
def test_the_printed_command_builds_the_best_head_bit_by_bit(built: Clone, head: str) -> None:
    if head == "logistic":
        # A head of its own for this one, and a refit: the command must say so.
        train = TINY["train"] | {
            "heads": {"tiny": "dense", "mobilenet_v2": "logistic"},
            "refit": True,
        }
        built.write_params(TINY | {"train": train})
    found = built.run(
        "transfer-learning", "sweep", "--heads", "4", "--head", head, "--competitor", "tiny"
    ).stdout  # fmt: skip
    words = shlex.split(found.split("test photos: ")[1].splitlines()[0])
    best = found.split("sha256 ")[1][:64]

    # The stage alone, in place of all that come after it.
    built.run(*words, "train@tiny")

    file = built.root / "data/models/tiny/head.npz"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == best
    chosen = params.load(built.root / "params.yaml")
    assert chosen.selected == "tiny"
    assert chosen.train.head_of("tiny") == head
    for name in ("csv", "png", "md"):
        assert (built.root / f"reports/sweep.{name}").is_file()
    assert built.run("git", "status", "--porcelain", "reports/sweep.csv").stdout == ""
