"""Numbers in words."""

from __future__ import annotations

import pytest

from transfer_learning.evaluation import wording


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (0.004, "0 %"), (0.125, "12 %"), (0.999, "100 %"), (1, "100 %")]
)
def test_shares_are_whole_percent_where_little_room_is(share: float, text: str) -> None:
    assert wording.whole_percent(share) == text


def test_a_share_and_its_interval_have_one_decimal() -> None:
    assert wording.percent(0.9125) == "91.2 %"
    assert wording.interval((0.8376, 0.95)) == "83.8 to 95.0"


@pytest.mark.parametrize(("share", "text"), [(0.025, "+2.5"), (-0.1234, "-12.3"), (0.0, "+0.0")])
def test_a_difference_has_its_sign(share: float, text: str) -> None:
    assert wording.points(share) == text


@pytest.mark.parametrize(
    ("p", "text"),
    [(1.0, "1.00"), (0.1, "0.10"), (0.0547, "0.055"), (0.001, "0.001"), (0.00099, "< 0.001")],
)
def test_a_p_value_in_words(p: float, text: str) -> None:
    assert wording.p_text(p) == text


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [(1, "photo", "1 photo"), (0, "class", "0 classes"), (1200, "photo", "1,200 photos")],
)
def test_a_count_agrees_with_its_noun(number: int, noun: str, text: str) -> None:
    assert wording.count(number, noun) == text


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (7, "7"),
        (1500, "1.5 thousand"),
        (300_774_272, "301 million"),
        (5_700_000_000, "5.7 billion"),
    ],
)
def test_large_numbers_are_said_in_words(number: int, words: str) -> None:
    assert wording.large(number) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (2.88, "2.9 times the"),
        (1.04, "as much"),
        (0.35, "about a third of the"),
        (0.5, "about half the"),
        (0.43, "43 % of the"),
        (0.03, "3 % of the"),
        (12.3, "12 times the"),
        (1234.5, "1,234 times the"),
    ],
)
def test_a_ratio_is_said_as_people_say_it(value: float, words: str) -> None:
    assert wording.ratio(value) == words


@pytest.mark.parametrize(
    "text",
    ["91.0_%", "(likely 87.6–93.5_%)", "p_=_0.18", "p_<_0.001", "224_×_224", "260_px", "8.9_MB",
     "2.9_times the", "4.0_points (95_% 0.1 to", "301_million", "367_photos", "91 daisies"],
)  # fmt: skip
def test_a_number_and_its_unit_are_not_parted(text: str) -> None:
    assert wording.unbroken(text.replace("_", " ")) == text.replace("_", "\N{NO-BREAK SPACE}")
