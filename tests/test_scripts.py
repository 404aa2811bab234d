"""Text of any script in figures: fonts, order and form of letters, and what no font has."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from transfer_learning.reports import scripts
from transfer_learning.reports.charts import drawing
from transfer_learning.reports.typography import fitted, length, write

# Hebrew, Arabic, Chinese, Japanese, Korean, Hindi, Thai, Bengali, Amharic, emoji.
NAMES = ["ורד", "ياسمين", "向日葵", "バラ園", "장미", "गुलाब", "กุหลาบ", "সূর্যমুখী", "ሱፍ", "🌻🌷"]
# Cuneiform, in no font that is usual.
BOXES = "𒀀𒀁"


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts, "SAID", set())
    # As on a machine without fonts of its own.
    monkeypatch.setattr(scripts, "_of_the_machine", lambda: ())


def ink(text: str) -> np.ndarray:
    """Return how dark each column of the written text is, without empty ones at its ends."""
    page = Image.new("L", (400, 60), 255)
    write(page, (20, 10), text, colour="black")
    columns = (255 - np.asarray(page)).sum(axis=0)
    (seen,) = columns.nonzero()
    assert seen[0] >= 18 and seen[-1] < 20 + length(text) + 3
    return columns[seen[0] : seen[-1] + 1]


@pytest.mark.parametrize("name", NAMES)
def test_the_packages_fonts_have_letters_of_many_scripts(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ink(f"✓ {name} (2)").size > ink("✓ (2)").size
    assert "no font" not in capsys.readouterr().err


def test_hebrew_runs_from_right_to_left() -> None:
    first, both = ink("ש"), ink("של")

    assert np.array_equal(both[-first.size :], first) == scripts.shapes()


def test_arabic_letters_are_joined() -> None:
    assert (ink("بببب").size < 3 * ink("ب").size) == scripts.shapes()


def test_a_mark_before_a_name_stays_on_its_left() -> None:
    alone, marked = ink("שי"), ink("✓ שי")

    assert np.array_equal(marked[-alone.size :], alone) == scripts.shapes()


def test_long_names_of_any_script_are_cut_to_fit() -> None:
    for name in NAMES:
        cut = fitted(40 * name, 120)
        assert cut.endswith("…") and length(cut) <= 120


def test_accents_apart_as_on_macos_are_put_together() -> None:
    assert fitted("Blu\u0308te", 100) == "Blüte"


@pytest.mark.parametrize("text", ["daisy", "Blüte ✓ 91 % → Ωδή", "подсолнух", "a–b…", ""])
def test_what_dejavu_draws_letter_by_letter_is_left_to_pillow(text: str) -> None:
    assert scripts.plain(text)
    assert scripts.isolated(text) == text
    assert scripts.families(text) == ["DejaVu Sans"]


def test_what_no_font_has_is_one_warning_for_all_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number in range(3):
            figure = drawing.page(f"{BOXES} {number}", 50)
            drawing.axes(figure, 100, 10, 100, 30).set_ylabel(BOXES)
            drawing.save(figure, tmp_path / f"{number}.png")
            write(Image.new("RGB", (100, 50)), (5, 5), BOXES)

    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith(f"warning: no font here has '{BOXES}'")
    # Before Python 3.11 one more says that letters are not shaped.
    assert len(said) == (1 if scripts.shapes() else 2)


def test_a_font_of_the_machine_is_used_for_what_no_package_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = (("its own", Path("its-own.ttf")),)
    letters = scripts._letters
    monkeypatch.setattr(scripts, "_of_the_machine", lambda: machine)
    monkeypatch.setattr(
        scripts,
        "_letters",
        lambda path: frozenset(BOXES + "向") if path == machine[0][1] else letters(path),
    )

    assert "its own" in scripts.families(BOXES)
    assert "its own" not in scripts.families("向")


def test_charts_take_the_fonts_that_their_names_need(tmp_path: Path) -> None:
    figure: Figure = drawing.page("向日葵", 50)
    plain: Figure = drawing.page("daisy", 50)

    for item, path in ((figure, tmp_path / "a.png"), (plain, tmp_path / "b.png")):
        drawing.save(item, path)

    assert len(figure.texts[0].get_fontfamily()) == 2
    assert plain.texts[0].get_fontfamily() == ["sans-serif"]
