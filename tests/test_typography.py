"""Words in figures: as much as fits, one line or several."""

from __future__ import annotations

import pytest

from transfer_learning.reports.typography import TITLE, fitted, font, wrapped


@pytest.mark.parametrize("name", ["daisy", "$x_1$ <b>", "Ромашка"])
def test_a_name_that_fits_stays_as_it_is(name: str) -> None:
    assert fitted(name, font().getlength(name)) == name


def test_a_name_that_is_too_wide_loses_its_end() -> None:
    name = "Water-Hyacinth_in_the_pond"

    cut = fitted(name, 100)

    assert cut.endswith("…")
    assert name.startswith(cut[:-1])
    assert font().getlength(cut) <= 100
    # Another letter would not have fitted.
    assert font().getlength(name[: len(cut)] + "…") > 100


def test_line_breaks_in_a_name_become_spaces() -> None:
    assert fitted("lily of\nthe  valley", 500) == "lily of the valley"


def test_a_title_breaks_between_words_and_keeps_them_all() -> None:
    title = "one backbone and another " * 5

    lines = wrapped(title, 300, size=TITLE)

    assert " ".join(lines).split() == title.split()
    assert all(font(TITLE).getlength(line) <= 300 for line in lines)
    # The next line's first word would not have fitted.
    assert font(TITLE).getlength(f"{lines[0]} {lines[1].split()[0]}") > 300


def test_a_word_that_is_wider_than_the_line_is_cut() -> None:
    (line,) = wrapped("a" * 200, 300)

    assert line.endswith("a…")
    assert font().getlength(line) <= 300
