"""Fixtures that several test modules share, and the marks that follow from them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browser as chromium
import clone as tiny
import pytest
import rendered_pages

# A test that asks for the fixture bears the mark, and is left out of `make quick`.
MARKS = {"browser": "browser", "clone": "dvc"}


DRILLS = Path(__file__).parent / "drills"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if DRILLS in item.path.parents:
            item.add_marker("drill")
        for fixture, mark in MARKS.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(mark)
                # One process of pytest-xdist runs them all, since the fixture is made per process.
                item.add_marker(pytest.mark.xdist_group(mark))


@pytest.fixture(scope="session")
def browser(tmp_path_factory) -> Iterator[chromium.Browser]:
    with chromium.start(tmp_path_factory.mktemp("browser")) as started:
        yield started


@pytest.fixture(scope="session")
def clone(tmp_path_factory) -> tiny.Clone:
    """The project on tiny parameters, built once: about a minute."""
    return tiny.build(tmp_path_factory.mktemp("clone"))


@pytest.fixture
def built(clone: tiny.Clone) -> Iterator[tiny.Clone]:
    """The built clone; whatever a test changes is put back, the outputs from DVC's cache."""
    yield clone
    clone.run("git", "reset", "-q", "--hard")
    clone.run("git", "clean", "-fdq")
    clone.run("dvc", "checkout", "--force", check=False)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Collect the charts that are saved, as matplotlib's figures."""
    # Here, for no other tests need matplotlib.
    from transfer_learning.reports.charts import drawing

    collected: list[Any] = []
    save = drawing.save

    def collect(figure: Any, path: Path) -> None:
        save(figure, path)
        collected.append(figure)

    monkeypatch.setattr(drawing, "save", collect)
    return collected


@pytest.fixture(scope="session")
def plain(tmp_path_factory) -> str:
    return rendered_pages.plain(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory) -> str:
    return rendered_pages.synthetic(tmp_path_factory.mktemp("synthetic"))


@pytest.fixture(scope="session")
def hostile(tmp_path_factory) -> str:
    return rendered_pages.hostile(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="session")
def full(tmp_path_factory) -> str:
    return rendered_pages.full(tmp_path_factory.mktemp("full"))
