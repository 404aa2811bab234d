"""All charts: equal bytes, words that are seen whole."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import matplotlib
import pytest
from chart_samples import drawings, words
from matplotlib.figure import Figure
from PIL import Image

from transfer_learning.reports.typography import WIDTH

CHARTS = list(drawings(2))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize(
    ("classes", "backbones", "photos"), [(2, 1, 1), (20, 2, 100), (45, 2, 100)]
)
def test_a_chart_drawn_twice_has_equal_bytes(
    chart: str, classes: int, backbones: int, photos: int, tmp_path: Path
) -> None:
    first, second = tmp_path / "new" / "a.png", tmp_path / "b.png"

    drawings(classes, backbones, photos)[chart](first)
    drawings(classes, backbones, photos)[chart](second)

    with Image.open(first) as picture:
        assert (picture.format, picture.info) == ("PNG", {})
    assert first.read_bytes() == second.read_bytes()
    # Git keeps each version.
    assert first.stat().st_size < 60_000


@pytest.mark.parametrize("chart", CHARTS)
def test_the_users_matplotlib_settings_change_no_chart(chart: str, tmp_path: Path) -> None:
    draw = drawings(2)[chart]

    draw(tmp_path / "a.png")
    settings = {"font.family": "serif", "font.size": 15, "axes.facecolor": "black"}
    with matplotlib.rc_context(settings):
        draw(tmp_path / "b.png")

    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize(
    ("classes", "backbones", "photos"),
    [(2, 1, 1), (5, 2, 100), (11, 3, 500), (20, 6, 2000), (45, 2, 500)],
)
def test_words_cover_no_words_and_stay_on_the_page(
    chart: str, classes: int, backbones: int, photos: int, tmp_path: Path, drawn: list[Figure]
) -> None:
    drawings(classes, backbones, photos)[chart](tmp_path / "chart.png")

    boxes = words(drawn[0])
    page = drawn[0].bbox
    outside = [
        text
        for text, box in boxes
        if box.x0 < 0 or box.y0 < 0 or box.x1 > page.width or box.y1 > page.height
    ]
    assert not outside
    # The box of a slanted name is larger than the name; their own test is below.
    level = [(text, box) for text, box in boxes if text.get_rotation() != 45]
    assert not [
        (one.get_text(), other.get_text())
        for (one, a), (other, b) in combinations(level, 2)
        if a.overlaps(b)
    ]
    (title,) = [text.get_text() for text, _ in boxes if "(synthetic" in text.get_text()]
    assert title.split()[-1] == "photos)"


@pytest.mark.parametrize("chart", ["curves", "strength_path", "per_class", "abstain"])
def test_the_key_covers_no_axes(chart: str, tmp_path: Path, drawn: list[Figure]) -> None:
    drawings(2, 6)[chart](tmp_path / "chart.png")

    (key,) = drawn[0].legends
    assert not [axes for axes in drawn[0].axes if axes.bbox.overlaps(key.get_window_extent())]


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_is_as_wide_as_a_phone_shows_well(chart: str, tmp_path: Path) -> None:
    drawings(12, 6)[chart](tmp_path / "chart.png")

    with Image.open(tmp_path / "chart.png") as picture:
        assert picture.width == WIDTH
