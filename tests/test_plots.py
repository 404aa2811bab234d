"""DVC's own plots, as ``dvc plots`` draws them in a browser."""

from __future__ import annotations

import re
from pathlib import Path

import vl_convert
from browser import Browser
from clone import TINY, Clone, yaml
from dvc.repo import Repo

BACKBONES = list(TINY["backbones"])


def draw(browser: Browser, page: Path) -> dict[str, str]:
    """Open DVC's page; return what stands in every Vega plot, by the plot's id.

    It takes Vega, Vega-Lite and vegaEmbed from a network; they are given to it in the page.
    """
    html = page.read_text(encoding="utf-8")
    html, count = re.subn(r'<script[^>]*src="https://[^"]*"[^>]*>\s*</script>', "", html)
    assert count == 3
    embed = "window.vegaEmbed = (embed => (e, s, o) => embed(e, s, {...o, renderer: 'svg'}))"
    bundle = f"(() => {{{vl_convert.javascript_bundle()}}})(); {embed}(window.vegaEmbed)"
    page.write_text(html.replace("<head>", f"<head><script>{bundle}</script>", 1), "utf-8")
    browser.open(page, size=(1600, 900))
    browser.driver.set_script_timeout(30)
    browser.driver.execute_async_script(
        "const done = arguments[0]; const look = () => "
        "[...document.querySelectorAll('.vega-embed')].every(e => e.querySelector('svg.marks'))"
        " ? setTimeout(done, 300) : setTimeout(look, 50); look();"
    )
    log = browser.driver.get_log("browser")
    assert [entry["message"] for entry in log if entry["level"] == "SEVERE"] == []
    assert all(image.get_property("naturalWidth") > 0 for image in browser.find("img"))
    return {
        plot.get_attribute("id"): plot.get_property("textContent")
        for plot in browser.find(".vega-embed")
    }


def test_show_draws_every_plot_and_picture(built: Clone, browser: Browser, tmp_path: Path) -> None:
    built.run("dvc", "plots", "show", "--out", str(tmp_path))

    plots = draw(browser, tmp_path / "index.html")

    # Two across the backbones; the learning curves, four live ones and the confusion of each.
    assert len(plots) == 2 + 6 * len(BACKBONES)
    # Four pictures across the backbones and the examples; five of each backbone.
    assert len(browser.find("img")) == 5 + 5 * len(BACKBONES)
    overlaid = [text for text in plots.values() if "of the backbones (rendered photos)" in text]
    assert len(overlaid) == 2
    assert all(name in text for text in overlaid for name in BACKBONES)


def test_diff_draws_both_revisions(built: Clone, browser: Browser, tmp_path: Path) -> None:
    built.run("dvc", "exp", "run", "-S", "train.epochs=3", "-n", "longer")
    built.run("dvc", "plots", "diff", "HEAD", "longer", "--out", str(tmp_path))

    plots = draw(browser, tmp_path / "index.html")

    overlaid = [text for text in plots.values() if "of the backbones (rendered photos)" in text]
    assert len(overlaid) == 2
    for text in overlaid:
        assert all(word in text for word in (*BACKBONES, "HEAD", "longer"))


def test_the_trained_heads_are_artifacts(built: Clone) -> None:
    written = yaml.load(built.root / "dvc.yaml")["artifacts"]
    with Repo(str(built.root)) as repo:
        artifacts = repo.artifacts.read()["dvc.yaml"]

        assert set(artifacts) == set(written) == {"head", "heads"}
        assert artifacts["head"].path == f"data/models/{TINY['selected']}"
        for artifact in artifacts.values():
            assert artifact.type == "model"
            assert "trained head" in artifact.desc
            assert (built.root / artifact.path).is_dir()
