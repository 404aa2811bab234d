"""The page in headless Chromium: what it shows."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
import report_folder
from browser import PHONE, Browser
from chart_samples import STRENGTHS
from rendered_pages import VERDICT, render, shown
from selenium.webdriver.support.wait import WebDriverWait


def embedded(encoded: bytes) -> str:
    return base64.b64encode(encoded).decode()


def test_every_photo_and_figure_is_embedded_once(tmp_path: Path) -> None:
    inputs = report_folder.build(tmp_path)
    figures = sorted(inputs.reports.rglob("*.png"))
    for number, path in enumerate(figures):
        path.write_bytes(path.read_bytes() + bytes([number]) * 64)

    html = render(inputs)

    assert len(figures) == 15
    assert {html.count(embedded(path.read_bytes())) for path in figures} == {1}
    test, training = inputs.pictures.test.values(), list(inputs.pictures.training.values())
    # The section on the photos shows some of these too, of its own.
    html = html.partition('id="photos-data"')[2]
    assert {html.count(embedded(photo)) for photo in test} == {1}
    assert len(test) == 8
    # Ten are on the map, and near to test photo 7 are 7 to 11.
    assert [html.count(embedded(photo)) for photo in training] == 12 * [1] + 8 * [0]


def test_the_page_of_400_photos_and_two_backbones_stays_below_5_megabytes(tmp_path: Path) -> None:
    inputs = report_folder.build(tmp_path, copies=50)
    photos = {id: number.to_bytes(5_000, "big") for number, id in enumerate(inputs.pictures.test)}

    html = render(replace(inputs, pictures=replace(inputs.pictures, test=photos)))

    figures = 15 * 70_000 * 4 / 3
    assert len(html.encode()) + figures < 5_000_000


def test_equal_inputs_give_equal_bytes(tmp_path: Path) -> None:
    first = render(report_folder.build(tmp_path / "a"))
    second = render(report_folder.build(tmp_path / "b"))

    assert first == second


def test_synthetic_data_and_the_verdict_are_on_the_first_screen(
    browser: Browser, synthetic: str
) -> None:
    browser.open(synthetic, size=PHONE)

    banner, verdict = browser.one(".synthetic"), browser.one(".verdict")
    assert banner.text.startswith("Synthetic data. The photos are drawn by this project")
    assert verdict.text == VERDICT
    for item in (banner, verdict):
        assert item.rect["y"] + item.rect["height"] < PHONE[1]
    assert browser.driver.title.endswith("(synthetic data)")


def test_real_data_is_not_called_synthetic(plain: str) -> None:
    assert "Synthetic data" not in plain
    assert "synthetic data" not in plain


def unbroken(text: str) -> str:
    """Return the text with usual spaces for the no-break ones between numbers and units."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_the_backbones_stand_side_by_side_with_interval_and_cost(
    browser: Browser, plain: str
) -> None:
    browser.open(plain)

    lines = [unbroken(item.text) for item in browser.find(".measures tr")]
    assert lines[0] == "measure small selected large what it is"
    for line in (
        "Accuracy 62.5 % 75.0 % share of the test photos that are right",
        "95 % interval 30.6 to 86.3 % 30.6 to 86.3 % of the accuracy on photos like these (Wilson)",
        "Right 5 of 8 6 of 8 test photos",
        "Multiply-adds 301 million 301 million for one photo",
        "Weights 8.9 MB 8.9 MB file size",
        "Features 1,280 (5.1 kB) 1,280 (5.1 kB) numbers for one photo",
        "Engine openvino, float32 openvino, float32 that computed the features",
    ):
        assert line in lines


def test_a_pair_is_compared_in_numbers_and_words(browser: Browser, tmp_path: Path) -> None:
    inputs = report_folder.build(tmp_path)

    browser.open(render(inputs))

    cells = [unbroken(item.text) for item in browser.find("[aria-label^=Pairs] tbody tr > *")]
    assert cells == [
        *("small", "large", "4", "1", "2", "1", "+12.5", "−42.0 to +60.6", "1.00"),
        inputs.comparison.pairs[0].verdict,
    ]


def test_one_backbone_alone_is_compared_with_none(browser: Browser, tmp_path: Path) -> None:
    html = render(report_folder.build(tmp_path, backbones=("small",)))

    browser.open(html)

    assert browser.find("[aria-label^=Pairs]") == []
    assert browser.find("select[name=agreement]") == []
    assert "disagree" not in browser.one("main").text
    assert shown(browser) == [3, 2, 7]


@pytest.mark.parametrize(
    ("start", "numbers"),
    [
        ("Test accuracy with its 95 % interval", "small 62.5 % (30.6 to 86.3 %); large 75.0 %"),
        ("F1 of every class", "small: lowest daisy 0.60, highest tulips 0.80; large: lowest"),
        # Surest four of small: 0.95 (wrong), 0.90, 0.80, 0.70; of large 0.99, 0.95, 0.90, 0.85.
        (
            "Accuracy on the photos kept",
            "small: 62.5 % on all, 75.0 % on the more confident half; "
            "large: 75.0 % on all, 100.0 %",
        ),
        ("Photos on which the backbones disagree", "disagree on 3 of 8 test photos."),
        (
            "Learning curves over 2 epochs",
            "training accuracy from 0.50 to 0.80, validation accuracy from 0.60 to 0.70, "
            "training loss from 1.50 to 0.50, validation loss from 1.25 to 0.75.",
        ),
        (
            "Confusion matrix",
            "5 of 8 test photos are right. Most frequent mistake: daisy taken for roses, 2 times.",
        ),
        ("Reliability diagram", "0.123 as trained, 0.057 with temperature 1.37."),
        ("The first 8 test photos", "5 right, 3 wrong."),
        (
            "The most confident mistakes",
            "Of 3 wrong photos the most confident is daisy/3.jpg: daisy, predicted roses with 95",
        ),
    ],
)
def test_a_figures_alternative_text_says_what_is_seen(start: str, numbers: str, plain: str) -> None:
    texts = map(unescape, re.findall(r'alt="([^"]*)"', plain))

    assert numbers in next(text for text in texts if text.startswith(start))


def test_the_figure_of_a_logistic_head_is_described_by_its_strengths(tmp_path: Path) -> None:
    html = render(report_folder.build(tmp_path, path=STRENGTHS))

    assert html.count("From the left to the right the regularisation gets weaker") == 2
    assert "over 21 strengths of regularisation from 100000 to 1: chosen is 1000, with" in html
    assert "Learning curves" not in html


def test_a_backbone_without_mistakes_is_described(browser: Browser, tmp_path: Path) -> None:
    inputs = report_folder.build(tmp_path)
    predictions = inputs.reports / "small/predictions.csv"
    text = predictions.read_text()
    for number, (wrong, true) in {2: ("roses", "daisy"), 3: ("roses", "daisy")}.items():
        text = text.replace(f"{number}.jpg,{true},{wrong}", f"{number}.jpg,{true},{true}")
    predictions.write_text(text.replace("7.jpg,tulips,daisy", "7.jpg,tulips,tulips"))

    html = render(inputs)

    assert "No test photo is wrong." in html


def test_credits_stand_at_the_photo_and_in_a_list_of_the_photos_shown(
    browser: Browser, tmp_path: Path
) -> None:
    lines = {
        "daisy/0.jpg": "Ann, CC BY 2.0",
        "train/17.jpg": "Bob, CC BY 2.0",
        "train/20.jpg": "Cy, CC BY 2.0",
    }
    html = render(report_folder.build(tmp_path, credits=lines))

    browser.open(html, state="#gallery?result=any")

    assert "Ann, CC BY 2.0" in browser.one("#photos li").text
    browser.one("summary").click()
    # Of the training photos 20 are shown as examples: 0 to 19.
    assert browser.one("summary").text == "Credits of 2 photos shown on this page"
    listed = browser.one(".credits").text.split("\n")
    assert listed == ["daisy/0.jpg: Ann, CC BY 2.0", "train/17.jpg: Bob, CC BY 2.0"]


def test_the_data_is_summed_up(browser: Browser, full: str) -> None:
    browser.open(full)

    text = browser.one("#data").text
    assert "29 photos found, 28 kept, 1 rejected; 3 classes." in text
    assert "counted 20 0 8" in text
    assert "slice train[25%:] train[10%:25%] train[:10%]" in text
    assert "sweet alyssum 6 0 1" in text
    assert "width 320 500 500" in text
    assert "image file is truncated" in text
    assert "@ONLINE {flowers," in text


def test_parameters_software_and_commands_of_the_run_are_there(
    browser: Browser, plain: str
) -> None:
    browser.open(plain)

    lines = browser.one("#run").text.split("\n")
    for line in (
        "make repro",
        "dvc exp run -S selected=large -n large",
        "dvc metrics diff HEAD large",
        "dataset.source folder",
        "dataset.folder.path photos",
        "dataset.folder.classes null",
        "backbones.large.handle pypi:large==1.0",
        "extract.precision float32",
        "train.learning_rate 0.001",
        "selected small",
    ):
        assert line in lines
    assert any(line.startswith("Python 3.") for line in lines)
    assert any(line.startswith("numpy ") for line in lines)


def test_parameters_of_sources_that_are_not_used_are_left_out(browser: Browser, plain: str) -> None:
    # They rerun no stage when they change, so the page could not keep up with them.
    browser.open(plain)

    assert "dataset.rendered" not in browser.one("#run").text
    assert "dataset.tfds" not in browser.one("#run").text


def test_of_many_classes_the_most_frequent_mistakes_lead_to_their_photos(
    browser: Browser, tmp_path: Path
) -> None:
    browser.open(render(report_folder.build(tmp_path, classes=[f"class {n}" for n in range(41)])))

    captions = [item.text for item in browser.find("#details caption")]
    assert captions[0].startswith("By class: the 20 with the lowest F1 of 41")
    assert captions[1].startswith("The most frequent mistakes")
    link = browser.find("#details td a[data-filter]")[0]
    browser.js("arguments[0].click()", link)

    # class 0 taken for class 1 by the first backbone: two of the four photos of class 0.
    WebDriverWait(browser.driver, 10).until(lambda _: shown(browser) == [2, 3])


def test_a_class_without_test_photos_has_dashes_for_its_scores(tmp_path: Path) -> None:
    # The fifth class of the sample has none.
    html = render(report_folder.build(tmp_path, classes=[f"class {n}" for n in range(5)]))

    row = f'class="long"><bdi>class 4</bdi></th><td>0</td>{3 * "<td>–</td>"}'
    assert html.count(row) == 2


def test_what_weakens_the_figures_is_in_the_pages_head(tmp_path: Path) -> None:
    html = render(report_folder.build(tmp_path, warnings=("only 8 test photos; add some",)))

    head = html[: html.index("</header>")]
    assert "<li>only 8 test photos; add some</li>" in head


def test_the_advice_alone_is_bold_and_numbers_keep_their_units(tmp_path: Path) -> None:
    words = "Use small. Right on 96.0 % of 8 test photos. large is no better (91.0 %, p = 0.18)."
    html = render(report_folder.build(tmp_path, verdict=words))

    bold, rest = "<strong>Use small.</strong>", words.removeprefix("Use small.")
    for part in ("96.0 %", "p = 0.18", "91.0 %"):
        rest = rest.replace(part, part.replace(" ", "\N{NO-BREAK SPACE}"))
    assert f'<p class="verdict">{bold}{rest}</p>' in html
