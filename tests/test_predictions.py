"""The CSV tables: order, layout, and names that CSV must quote."""

from __future__ import annotations

from pathlib import Path

from transfer_learning.evaluation.predictions import (
    ClassScore,
    Prediction,
    read_class_scores,
    read_predictions,
    write_class_scores,
    write_predictions,
)
from transfer_learning.heads import history
from transfer_learning.heads.history import Epoch
from transfer_learning.reports.markdown import markdown
from transfer_learning.runtime.csv_files import stack, write_rows

AWKWARD = ['Möhre, "wild"', "雏菊\nzweite Zeile"]


def test_predictions_are_sorted_by_id_with_three_decimals(tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"
    predictions = [
        Prediction("b.jpg", "rose", "daisy", (2 / 3, 1 / 3)),
        Prediction("a.jpg", "rose", "rose", (0.0, 1.0)),
    ]

    write_predictions(path, predictions, ["daisy", "rose"])

    assert path.read_bytes() == (
        b"id,true,predicted,p_daisy,p_rose\n"
        b"a.jpg,rose,rose,0.000,1.000\n"
        b"b.jpg,rose,daisy,0.667,0.333\n"
    )


def test_the_order_given_does_not_change_the_file(tmp_path: Path) -> None:
    predictions = [Prediction(f"{n}.jpg", "rose", "rose", (1.0,)) for n in (3, 10, 2)]

    write_predictions(tmp_path / "a.csv", predictions, ["rose"])
    write_predictions(tmp_path / "b.csv", predictions[::-1], ["rose"])

    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_awkward_ids_and_class_names_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"
    predictions = [
        Prediction('a, "b"/Gänse.jpg', AWKWARD[0], AWKWARD[1], (0.25, 0.75)),
        Prediction("ß;\t'.jpg", AWKWARD[1], AWKWARD[1], (0.5, 0.5)),
    ]

    write_predictions(path, predictions, AWKWARD)

    assert read_predictions(path) == predictions


def test_a_prediction_is_correct_when_it_names_the_true_class() -> None:
    assert Prediction("a", "rose", "rose", ()).correct
    assert not Prediction("a", "rose", "tulip", ()).correct


def test_epochs_come_back_with_four_decimals(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"

    history.write(path, [Epoch(1, 0.5, 0.25, 0.1234564, 1e-9), Epoch(2, 1.0, 0.75, 0.5, 0.25)])

    assert path.read_text(encoding="utf-8") == (
        "epoch,accuracy,val_accuracy,loss,val_loss\n"
        "1,0.5000,0.2500,0.1235,0.0000\n"
        "2,1.0000,0.7500,0.5000,0.2500\n"
    )
    assert history.read(path) == [
        Epoch(1, 0.5, 0.25, 0.1235, 0.0),
        Epoch(2, 1.0, 0.75, 0.5, 0.25),
    ]


def test_class_scores_keep_the_order_of_the_classes_and_come_back(tmp_path: Path) -> None:
    path = tmp_path / "per_class.csv"
    scores = [ClassScore(AWKWARD[1], 3, 0.5, 0.25, 0.125), ClassScore("a", 0, None, None, None)]

    write_class_scores(path, scores)

    assert path.read_text(encoding="utf-8").startswith("class,photos,precision,recall,f1\n")
    assert path.read_text(encoding="utf-8").endswith("\na,0,–,–,–\n")
    assert read_class_scores(path) == scores


def test_stacked_files_keep_their_cells_and_name_their_lines(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.csv", ["epoch", "loss"], [(1, 0.5), (2, 0.25)])
    write_rows(tmp_path / "b.csv", ["epoch", "loss"], [(1, 0.75)])

    stack(tmp_path / "all.csv", {"z": tmp_path / "a.csv", "b": tmp_path / "b.csv"}, "backbone")

    assert (tmp_path / "all.csv").read_text(encoding="utf-8") == (
        "backbone,epoch,loss\nz,1,0.500000\nz,2,0.250000\nb,1,0.750000\n"
    )


def test_a_markdown_table_escapes_what_would_break_its_cells() -> None:
    lines = markdown(["class", "F1"], [["a|b\nc", "0.5"], ["d", "1"]])

    assert lines == ["| class | F1 |", "| --- | --- |", r"| a\|b c | 0.5 |", "| d | 1 |"]
