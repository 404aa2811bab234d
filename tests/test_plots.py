"""What DVC itself shows of a built project: its plots in headless Chromium, and its artifacts."""

import csv
import io
import re
from collections import Counter
from pathlib import Path

import dvc.api
import pytest
import vl_convert
from clone import TINY, Clone
from dvc.repo import Repo
from selenium.webdriver.support.wait import WebDriverWait

B = tuple(TINY["backbones"])
# Revisions, and for how long their heads are trained.
EPOCHS = {"HEAD": 2, "longer": 3}
# DVC's page calls vegaEmbed for every plot; this one draws SVG, whose marks can be looked at.
SNIPPET = """
window.plots = [];
window.vegaEmbed = (target, spec) =>
  plots.push(vegaEmbed(target, spec, {renderer: "svg", actions: false}));
"""
MEASURES = ("accuracy", "loss")
# Without the source of the photos, which may be another one in another revision.
TITLES = [
    *(f"Validation {measure} of the backbones" for measure in MEASURES),
    *(f"Learning curves of {name}" for name in B),
    *(f"Confusion of {name}" for name in B),
]
PICTURES = {
    *(f"reports/{name}.png" for name in ("abstain", "comparison", "disagreements", "examples")),
    "reports/learning_curve.png",
    "reports/quality.png",
    "reports/per_class.png",
    *(
        f"reports/{name}/{figure}.png"
        for name in B
        for figure in ("confusion", "curves", "most_wrong", "predictions", "reliability")
    ),
}


@pytest.fixture(scope="module")
def vega() -> str:
    # 5.8 is the nearest that there is to the 5.2 of DVC's page.
    bundle = vl_convert.javascript_bundle(SNIPPET, vl_version="5.8")
    return f"(() => {{{bundle}}})();"


def offline(page: Path, vega: str) -> Path:
    """Put Vega in the place of the scripts that DVC's page takes from a network."""
    html, scripts = re.subn(
        r'<script src="https://[^"]*"></script>', "", page.read_text(encoding="utf-8")
    )
    assert scripts == 3
    page.with_name("vega.js").write_text(vega, encoding="utf-8")
    page.write_text(
        html.replace("<body>", '<body><script src="vega.js"></script>'), encoding="utf-8"
    )
    return page


@pytest.fixture(scope="module")
def show(clone: Clone, vega: str, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("show")
    clone.run("dvc", "plots", "show", "--out", str(folder))
    return offline(folder / "index.html", vega)


@pytest.fixture(scope="module")
def diff(clone: Clone, vega: str, tmp_path_factory) -> Path:
    # In a folder of its own the experiment leaves the clone as it is.
    clone.run("dvc", "exp", "run", "--temp", "-S", "train.epochs=3", "--name", "longer")
    folder = tmp_path_factory.mktemp("diff")
    clone.run("dvc", "plots", "diff", "HEAD", "longer", "--out", str(folder))
    return offline(folder / "index.html", vega)


def draw(browser, page: Path) -> list:
    """Open the page; return its Vega plots, drawn."""
    browser.open(page)
    outcomes = browser.driver.execute_async_script(
        "const done = arguments[0];"
        "Promise.allSettled(plots).then(all => done(all.map(one => one.status)))"
    )
    drawn = browser.find("svg.marks")
    assert outcomes == ["fulfilled"] * len(drawn)
    return drawn


def texts(browser, plot, role: str) -> list[str]:
    return browser.js(
        "[...arguments[0].querySelectorAll(`.role-${arguments[1]} text`)]"
        ".map((text) => text.textContent)",
        plot,
        role,
    )


def marks(browser, plot, kind: str) -> list[dict[str, str]]:
    """Return what the marks of this kind stand for, as they tell a screen reader."""
    labels = browser.js(
        "[...arguments[0].querySelectorAll(`.mark-${arguments[1]}.role-mark > path`)]"
        ".filter((path) => path.getBoundingClientRect().width && path.getAttribute('aria-label'))"
        ".map((path) => path.getAttribute('aria-label'))",
        plot,
        kind,
    )
    return [dict(part.split(": ", 1) for part in label.split("; ")) for label in labels]


def table(clone: Clone, path: str, rev: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(dvc.api.read(path, repo=str(clone.root), rev=rev))))


@pytest.mark.parametrize("command", ["show", "diff"])
def test_every_plot_is_drawn_under_its_title(command: str, browser, request) -> None:
    plots = draw(browser, request.getfixturevalue(command))

    assert [texts(browser, plot, "title-text")[-1] for plot in plots] == TITLES
    for plot in plots:
        kind = "rect" if "Confusion" in texts(browser, plot, "title-text")[-1] else "line"
        assert marks(browser, plot, kind)


@pytest.mark.parametrize("command", ["show", "diff"])
def test_the_browser_reports_no_error(command: str, browser, request) -> None:
    draw(browser, request.getfixturevalue(command))

    assert [e for e in browser.driver.get_log("browser") if e["level"] == "SEVERE"] == []


@pytest.mark.parametrize("measure", MEASURES)
def test_the_overlay_has_a_line_per_backbone_and_revision(
    measure: str, browser, clone: Clone, diff: Path
) -> None:
    title = f"Validation {measure} of the backbones"

    plot = draw(browser, diff)[TITLES.index(title)]

    lines = Counter((mark["rev"], mark["backbone"]) for mark in marks(browser, plot, "line"))
    assert lines == {(rev, name): 1 for rev in EPOCHS for name in B}
    points = {
        (mark["rev"], mark["backbone"], mark["epoch"]): float(mark[f"validation {measure}"])
        for mark in marks(browser, plot, "symbol")
    }
    assert points == {
        (rev, row["backbone"], row["epoch"]): float(row[f"val_{measure}"])
        for rev in EPOCHS
        for row in table(clone, "reports/curves.csv", rev)
    }
    assert len(points) == len(B) * sum(EPOCHS.values())
    assert texts(browser, plot, "axis-title") == ["epoch", f"validation {measure}"]
    assert texts(browser, plot, "legend-label") == [*B, *EPOCHS]


def test_learning_curves_show_training_beside_validation(browser, clone: Clone, diff: Path) -> None:
    plot = draw(browser, diff)[TITLES.index("Learning curves of tiny")]

    lines = Counter((mark["rev"], mark["photos"]) for mark in marks(browser, plot, "line"))
    # One of accuracy, one of loss.
    assert lines == {(rev, photos): 2 for rev in EPOCHS for photos in ("training", "validation")}
    values = Counter(
        (mark["rev"], mark["photos"], mark["epoch"], float(mark["value"]))
        for mark in marks(browser, plot, "symbol")
    )
    assert values == Counter(
        (rev, photos, row["epoch"], float(row[prefix + measure]))
        for rev in EPOCHS
        for row in table(clone, "reports/tiny/history.csv", rev)
        for photos, prefix in (("training", ""), ("validation", "val_"))
        for measure in MEASURES
    )
    assert texts(browser, plot, "title-text")[:2] == ["accuracy", "loss"]


def test_epochs_are_whole_numbers_from_1(browser, diff: Path) -> None:
    plots = draw(browser, diff)

    for plot, title in zip(plots, TITLES, strict=True):
        if not title.startswith("Confusion"):
            panels = 2 if title.startswith("Learning") else 1
            assert texts(browser, plot, "axis-label")[: 3 * panels] == ["1", "2", "3"] * panels
            assert {mark["epoch"] for mark in marks(browser, plot, "symbol")} == {"1", "2", "3"}


def test_the_rows_of_a_confusion_matrix_are_shares_of_the_true_class(
    browser, clone: Clone, diff: Path
) -> None:
    plot = draw(browser, diff)[TITLES.index("Confusion of tiny")]

    # The template's second layer of squares, for the pointer, repeats the classes.
    cells = Counter(
        (mark["true class"], mark["predicted class"], round(float(mark["percent_of_y"]), 6))
        for mark in marks(browser, plot, "rect")
        if "true" not in mark and mark["percent_of_y"] != "0"
    )
    expected = Counter()
    for rev in EPOCHS:
        predictions = table(clone, "reports/tiny/predictions.csv", rev)
        photos = Counter(row["true"] for row in predictions)
        pairs = Counter((row["true"], row["predicted"]) for row in predictions)
        expected.update(
            (true, predicted, round(count / photos[true], 6))
            for (true, predicted), count in pairs.items()
        )
    assert cells == expected


@pytest.mark.parametrize(("command", "revisions"), [("show", 1), ("diff", 2)])
def test_every_picture_of_every_revision_is_there(
    command: str, revisions: int, browser, request
) -> None:
    browser.open(request.getfixturevalue(command))
    # Large pictures may be decoded after the page's load.
    WebDriverWait(browser.driver, 30).until(
        lambda _: browser.js(
            "document.images.length > 0 && [...document.images].every((image) => image.complete)"
        )
    )

    names = Counter(
        browser.js(
            "[...document.images].filter((image) => image.naturalWidth > 0)"
            ".map((image) => image.parentElement.parentElement.firstElementChild.textContent)"
        )
    )
    assert names == dict.fromkeys(PICTURES, revisions)


def test_the_artifacts_are_models_with_a_description(clone: Clone) -> None:
    with Repo(str(clone.root)) as repo:
        artifacts = repo.artifacts.read()["dvc.yaml"]

    assert {name: (one.path, one.type) for name, one in artifacts.items()} == {
        "head": ("data/selected", "model"),
        "heads": ("data/models", "model"),
    }
    assert "selected backbone" in artifacts["head"].desc
    assert "all backbones" in artifacts["heads"].desc


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("head", ["head.npz"]),
        ("heads", ["mobilenet_v2/head.npz", "tiny/head.npz"]),
    ],
)
def test_a_registered_head_is_got_by_its_version(
    name: str, files: list[str], clone: Clone, tmp_path: Path
) -> None:
    clone.run("git", "tag", "--annotate", f"{name}@v1.0.0", "--message", "registered")

    out = tmp_path / name
    clone.run("dvc", "artifacts", "get", ".", name, "--rev", "v1.0.0", "--out", str(out))

    got = sorted(out.rglob("*.npz"))
    models = clone.root / "data/models" / ("mobilenet_v2" if name == "head" else "")
    assert [str(path.relative_to(out)) for path in got] == files
    for path, file in zip(got, files, strict=True):
        assert path.read_bytes() == (models / file).read_bytes()


def test_no_picture_is_cut_and_without_a_network_the_page_says_why_graphs_are_missing(
    clone: Clone, browser, tmp_path: Path
) -> None:
    clone.run("dvc", "plots", "show", "--out", str(tmp_path))
    page = tmp_path / "index.html"
    html = re.sub(r'<script src="https://[^"]*"></script>', "", page.read_text(encoding="utf-8"))
    page.write_text(html, encoding="utf-8")

    browser.open(page, size=(400, 900))

    assert "could not be reached" in browser.one("#offline").text
    wide = browser.js(
        "[...document.images].filter((one) => one.getBoundingClientRect().right > 400)"
    )
    assert len(browser.find("img")) == len(PICTURES)
    assert wide == []


def test_with_a_network_nothing_is_said_of_it(show: Path, browser) -> None:
    browser.open(show)

    assert not browser.one("#offline").is_displayed()
