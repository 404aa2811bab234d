"""Work in order: results in the order of the items, and never more under way than allowed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from transfer_learning.runtime.parallel import ordered


def test_results_come_in_the_order_of_the_items() -> None:
    def slow_for_the_first(number: int) -> int:
        time.sleep(0.02 if number % 4 == 0 else 0)
        return number * number

    with ThreadPoolExecutor(4) as executor:
        found = list(ordered(executor, slow_for_the_first, range(20), ahead=8))

    assert found == [number * number for number in range(20)]


@pytest.mark.parametrize("ahead", [1, 3])
def test_no_more_items_are_taken_than_are_allowed_ahead(ahead: int) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(10):
            taken.append(number)
            yield number

    with ThreadPoolExecutor(2) as executor:
        for done, _ in enumerate(ordered(executor, str, items(), ahead=ahead)):
            assert len(taken) <= done + ahead
    assert taken == list(range(10))


def test_an_error_comes_in_its_turn() -> None:
    with ThreadPoolExecutor(2) as executor:
        results = ordered(executor, lambda number: 1 // number, [1, 1, 0, 1])

        assert [next(results), next(results)] == [1, 1]
        with pytest.raises(ZeroDivisionError):
            next(results)


def test_no_items_give_no_results() -> None:
    with ThreadPoolExecutor(1) as executor:
        assert list(ordered(executor, str, [])) == []
