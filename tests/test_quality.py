"""What the stage quality finds: planted cases of each kind, none where there are none."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from imports import SRC
from PIL import Image
from test_copies import CHANGES, jpeg, photo, table

from transfer_learning.features.features import Features
from transfer_learning.photos.dataset import (
    Correction,
    DatasetInfo,
    Grouping,
    PhotoEntry,
    SplitSummary,
)
from transfer_learning.photos.looks import Looks
from transfer_learning.quality import labels, neighbours
from transfer_learning.quality.findings import Findings, shown
from transfer_learning.quality.inspection import inspect
from transfer_learning.reports import quality_page

CLASSES = ("daisy", "roses", "tulips")
EACH = 24
WIDTH = 40


def features(truth: Sequence[int], seed: int, copied: Sequence[tuple[int, int]] = ()) -> np.ndarray:
    """Features of photos around the centre of their true class; copies are nearly equal."""
    rng = np.random.default_rng(seed)
    centres = 3 * rng.random((len(CLASSES), WIDTH))
    found = np.abs(centres[list(truth)] + 0.6 * rng.standard_normal((len(truth), WIDTH)))
    for number, original in copied:
        found[number] = found[original] * (1 + 0.02 * rng.standard_normal(WIDTH))
    return found.astype(np.float32)


def dataset(given: Sequence[int], classes: Sequence[str] = CLASSES) -> DatasetInfo:
    """Photos of which every sixth is a test photo, and the one after it a validation photo."""
    splits = [
        "test" if i % 6 == 0 else "valid" if i % 6 == 1 else "train" for i in range(len(given))
    ]
    photos = tuple(
        PhotoEntry(f"{classes[label]}/{i}.jpg", label, split, 180, 120)
        for i, (label, split) in enumerate(zip(given, splits, strict=True))
    )
    counts = tuple(given.count(label) for label in range(len(classes)))
    empty = tuple(0 for _ in classes)
    return DatasetInfo(
        source="folder",
        synthetic=False,
        classes=tuple(classes),
        found=len(photos),
        splits={
            "train": SplitSummary("train", len(given), len(given), counts),
            "valid": SplitSummary("train", 0, 0, empty),
            "test": SplitSummary("train", 0, 0, empty),
        },
        rejected=(),
        photos=photos,
    )


def run(info: DatasetInfo, files: Sequence[bytes], backbones: Sequence[np.ndarray]) -> Findings:
    ids = np.array([item.id for item in info.photos])
    given = np.array([item.label for item in info.photos])

    def reader(vectors: np.ndarray):
        return lambda: Features(vectors.copy(), given, ids, np.array(info.classes))

    looked = replace(table(list(files)), ids=ids)
    return inspect(info, looked, {f"b{n}": reader(item) for n, item in enumerate(backbones)})


TRUTH = [label for label in range(3) for _ in range(EACH)]
FILES = [jpeg(photo(seed)) for seed in range(len(TRUTH))]


@pytest.fixture(scope="module")
def clean() -> Findings:
    return run(dataset(TRUTH), FILES, [features(TRUTH, seed) for seed in (0, 1)])


def test_nothing_is_found_where_there_is_nothing(clean: Findings) -> None:
    assert (clean.pairs, clean.suspects, clean.odd, clean.common) == ((), (), (), {})
    assert clean.photos == len(TRUTH)
    assert shown(clean, 10) == [item.photo.id for item in clean.outliers]


@pytest.mark.parametrize("change", CHANGES)
def test_a_planted_copy_is_found_by_its_greys(change: str) -> None:
    files = [*FILES]
    files[30] = CHANGES[change](photo(4))
    copied = [(30, 4)]

    found = run(dataset(TRUTH), files, [features(TRUTH, seed, copied) for seed in (0, 1)])

    (pair,) = found.pairs
    assert {pair.first.id, pair.second.id} == {"daisy/4.jpg", "roses/30.jpg"}
    assert pair.leaks
    assert pair.disagrees
    assert pair.likeness == ("mirrored" if change == "mirrored" else "same picture")
    assert pair.apart < 0.5


def test_equal_files_come_first_and_leaks_before_the_rest() -> None:
    files = [*FILES]
    # Train with train; train with test; train with train and another label.
    copies = [(5, 4), (6, 2), (27, 3), (9, 8)]
    for number, original in copies[:3]:
        files[number] = FILES[original]
    files[9] = CHANGES["re-encoded"](photo(8))

    found = run(dataset(TRUTH), files, [features(TRUTH, seed, copies) for seed in (0, 1)])

    said = [(pair.first.id, pair.likeness, pair.leaks, pair.disagrees) for pair in found.pairs]
    assert said == [
        ("daisy/2.jpg", "same bytes", True, False),
        ("daisy/3.jpg", "same bytes", False, True),
        ("daisy/4.jpg", "same bytes", False, False),
        ("daisy/8.jpg", "same picture", False, False),
    ]
    assert found.leaks == [found.pairs[0]]
    assert found.disagreements == [found.pairs[1]]


def test_what_all_backbones_find_near_is_a_pair_and_what_one_does_is_none() -> None:
    both = [features(TRUTH, seed, [(30, 4)]) for seed in (0, 1)]
    one = [both[0], features(TRUTH, 1)]

    (pair,) = run(dataset(TRUTH), FILES, both).pairs
    assert pair.likeness == "near"
    assert run(dataset(TRUTH), FILES, one).pairs == ()
    # One backbone alone needs the greys' word too.
    assert run(dataset(TRUTH), FILES, both[:1]).pairs == ()


def test_equal_greys_of_things_that_no_backbone_finds_alike_are_no_pair() -> None:
    files = [*FILES]
    files[30] = CHANGES["re-encoded"](photo(4))

    assert run(dataset(TRUTH), files, [features(TRUTH, seed) for seed in (0, 1)]).pairs == ()


def test_wrong_labels_are_suspect_with_the_right_class_and_the_nearest_photos() -> None:
    given = [*TRUTH]
    for number, label in ((4, 1), (30, 2), (50, 0)):
        given[number] = label

    found = run(dataset(given), FILES, [features(TRUTH, seed) for seed in (0, 1)])

    assert {(item.photo.id, item.suggested) for item in found.suspects} == {
        ("roses/4.jpg", "daisy"),
        ("tulips/30.jpg", "roses"),
        ("daisy/50.jpg", "tulips"),
    }
    for item in found.suspects:
        assert item.other > item.given
        assert len(item.nearest) == 3
        assert all(near.split == "train" for near in item.nearest)
        assert [near.label for near in item.nearest].count(item.suggested) >= 2


def test_confident_learning_by_hand() -> None:
    # Means of each class's own probability: 0.6 and 0.7.
    given = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    first = np.array([0.9, 0.9, 0.8, 0.25, 0.15, 0.1, 0.1, 0.2, 0.45, 0.65])
    judged = labels.judge(np.column_stack([first, 1 - first]), given)

    # 3 and 4 reach class 1's 0.7 (0.75 and 0.85), 9 reaches class 0's 0.6, 8 reaches neither.
    assert np.flatnonzero(judged.suspect).tolist() == [3, 4, 9]
    assert judged.suggested.tolist() == [1] * 5 + [0] * 5
    assert judged.margin[4] == pytest.approx(-0.7)
    assert judged.ranking()[:4].tolist() == [4, 3, 9, 8]


def test_a_class_with_one_photo_is_neither_judged_nor_suggested() -> None:
    given = [0] * EACH + [1] * EACH + [2]
    truth = [*given]
    vectors = [features(truth, seed) for seed in (0, 1)]

    found = run(dataset(given), FILES[: len(given)], vectors)

    assert found.suspects == ()
    assert "tulips (1)" in found.advice[0]
    assert "24.0 times" in found.advice[1]


def test_two_classes_of_which_one_has_one_photo() -> None:
    given = [0] * 11 + [1]

    found = run(dataset(given, CLASSES[:2]), FILES[:12], [features(given, 0)])

    assert found.suspects == ()


def test_what_stays_in_its_file_gives_the_same_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [*TRUTH]
    given[5] = 2
    files = [*FILES]
    files[40] = CHANGES["resized"](photo(3))
    vectors = features(TRUTH, 0, copied=[(40, 3)])
    info = dataset(given)
    looked = replace(table(files), ids=np.array([item.id for item in info.photos]))
    looked.write(tmp_path)
    held = Features(vectors, np.array(given), looked.ids, np.array(CLASSES))
    held.write(tmp_path / "b.npz")
    expected = inspect(info, looked, {"b": lambda: held})
    monkeypatch.setattr("transfer_learning.features.features.RESIDENT", 0)
    monkeypatch.setattr("transfer_learning.photos.looks.RESIDENT", 0)

    found = inspect(info, Looks.read(tmp_path), {"b": lambda: Features.read(tmp_path / "b.npz")})

    assert found == expected
    assert {(pair.first.id, pair.second.id) for pair in found.pairs}
    assert found.suspects


def test_labels_of_many_photos_are_judged_by_what_some_teach(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vectors, given = features(TRUTH, 0), np.array(TRUTH)
    monkeypatch.setattr(labels, "LEARNT", 48)

    found = labels.probabilities(vectors, given, 3)

    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (found.argmax(axis=1) == given).mean() > 0.9


@pytest.mark.parametrize("photos", [3, 5, 6, 7, 12])
def test_few_photos(photos: int) -> None:
    given = [number % 2 for number in range(photos)]

    found = run(
        dataset(given, CLASSES[:2]), FILES[:photos], [features(given, seed) for seed in (0, 1)]
    )

    assert found.photos == photos
    assert found.pairs == ()


def test_all_photos_equal() -> None:
    given = [number % 3 for number in range(40)]
    same = np.ones((40, WIDTH), np.float32)

    found = run(dataset(given), [FILES[0]] * 40, [same, same])

    # Each but the first is a copy of the first; nearest neighbours add at most MOST of each photo.
    assert 39 <= len(found.pairs) <= 40 * (neighbours.MOST + 1)
    assert all(pair.apart == 0 for pair in found.pairs)
    assert found.outliers == ()
    assert quality_page.page(found)


def test_features_of_zeros_are_let_pass() -> None:
    given = [number % 2 for number in range(12)]

    found = run(dataset(given, CLASSES[:2]), FILES[:12], [np.zeros((12, WIDTH), np.float32)])

    assert found.photos == 12


def test_outliers_are_far_for_every_backbone() -> None:
    vectors = [features(TRUTH, seed) for seed in (0, 1)]
    rng = np.random.default_rng(5)
    for item in vectors:
        item[20] = 8 * rng.random(WIDTH) * (rng.random(WIDTH) < 0.2)
    vectors[0][40] = 8 * rng.random(WIDTH) * (rng.random(WIDTH) < 0.2)

    found = run(dataset(TRUTH), FILES, vectors)

    assert [item.photo.id for item in found.outliers] == ["daisy/20.jpg"]
    assert found.outliers[0].far > 1


ODD = {
    "dark": Image.eval(photo(7), lambda level: level // 6),
    "white": Image.eval(photo(7), lambda level: 255 - level // 6),
    "blurred": photo(7).resize((18, 12)).resize((180, 120), Image.Resampling.BICUBIC),
    "grey": photo(7).convert("L").convert("RGB"),
    "one colour": Image.new("RGB", (180, 120), (90, 140, 60)),
}


@pytest.mark.parametrize("fault", ODD)
def test_an_odd_photo_is_named_with_its_fault(fault: str) -> None:
    files = [*FILES]
    files[13] = jpeg(ODD[fault])

    found = run(dataset(TRUTH), files, [features(TRUTH, 0)])

    assert [(item.photo.id, item.fault) for item in found.odd] == [("daisy/13.jpg", fault)]


def test_a_tiny_photo_is_named() -> None:
    info = dataset(TRUTH)
    tiny = replace(info.photos[13], width=90, height=60)
    info = replace(info, photos=(*info.photos[:13], tiny, *info.photos[14:]))

    found = run(info, FILES, [features(TRUTH, 0)])

    assert [(item.photo.id, item.fault, item.value) for item in found.odd] == [
        ("daisy/13.jpg", "tiny", 60)
    ]


def test_a_fault_of_most_photos_is_said_once() -> None:
    files = [jpeg(photo(seed).convert("L").convert("RGB")) for seed in range(len(TRUTH))]

    found = run(dataset(TRUTH), files, [features(TRUTH, 0)])

    assert found.odd == ()
    assert found.common == {"grey": len(TRUTH)}
    assert "72 of 72 photos are nearly grey" in quality_page.page(found)


@pytest.mark.parametrize("photos", [2_500, 4_000])
def test_references_find_the_near_photos_of_many(photos: int) -> None:
    rng = np.random.default_rng(0)
    vectors = np.abs(rng.standard_normal((photos, 64))).astype(np.float32)
    planted = [(int(a), int(b)) for a, b in rng.permutation(photos)[:200].reshape(-1, 2)]
    for number, original in planted:
        vectors[number] = vectors[original] * (1 + 0.1 * rng.standard_normal(64))

    found = neighbours.search(neighbours.unit(vectors))

    assert set(map(tuple, np.sort(planted, axis=1).tolist())) == set(
        map(tuple, found.near.tolist())
    )


def test_the_nearest_are_in_order_and_never_itself() -> None:
    vectors = neighbours.unit(np.array([[1, 0], [1, 0.1], [1, 0.3], [0, 1]], np.float32))

    found = neighbours.nearest(vectors, np.array([0, 3]), np.array([0, 1, 2, 3]), 2)

    assert found == [[1, 2], [2, 1]]


def test_the_same_bytes_each_time_on_any_number_of_threads(tmp_path: Path) -> None:
    script = (
        "import sys; sys.path[:0] = ['tests']; import test_quality as t; from pathlib import Path\n"
        "given = [*t.TRUTH]; given[4] = 1\n"
        "vectors = [t.features(t.TRUTH, seed, [(30, 8)]) for seed in (0, 1)]\n"
        "found = t.run(t.dataset(given), t.FILES, vectors)\n"
        "found.write(Path(sys.argv[1]))\n"
        "t.quality_page.write_rows(Path(sys.argv[1]) / 'quality.csv', found)\n"
        "assert 'tensorflow' not in sys.modules"
    )
    root = Path(__file__).parents[1]
    for threads in ("1", "2"):
        subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / threads)], cwd=root, check=True,
            env={"PYTHONPATH": str(SRC), "OMP_NUM_THREADS": threads},
        )  # fmt: skip

    for name in ("findings.json", "quality.csv"):
        first, second = ((tmp_path / threads / name).read_bytes() for threads in ("1", "2"))
        assert first == second
        assert first.count(b"\n") > 3


def test_the_pages_name_every_finding(clean: Findings, tmp_path: Path) -> None:
    given = [*TRUTH]
    given[4] = 1
    files = [*FILES]
    files[6], files[13] = FILES[2], jpeg(ODD["dark"])
    info = replace(
        dataset(given),
        corrections=(
            Correction("daisy/90.jpg", "exclude", "daisy", "", "dark"),
            Correction("daisy/1.jpg", "relabel", "roses", "daisy", ""),
        ),
        grouping=Grouping(groups=2, photos=5, moved=3),
    )

    found = run(info, files, [features(TRUTH, seed, [(6, 2)]) for seed in (0, 1)])
    page = quality_page.page(found)
    quality_page.write_rows(tmp_path / "quality.csv", found)
    rows = (tmp_path / "quality.csv").read_text().splitlines()

    assert (
        "| daisy/2.jpg | train | daisy | daisy/6.jpg | test | daisy | the same file; a leak |"
        in page
    )
    assert "| roses/4.jpg | train | roses | daisy |" in page
    assert "| daisy/13.jpg | train" not in page
    assert "excluded 1 photo and gave 1 photo another label" in page
    assert "kept 5 photos of 2 groups of copies together, for which 3 photos moved" in page
    assert len(rows) == 1 + sum(
        len(items) for items in (found.pairs, found.suspects, found.outliers, found.odd)
    )
    assert "No two photos show the same." in quality_page.page(clean)
    assert Findings.read(_written(found, tmp_path)) == found


def _written(found: Findings, folder: Path) -> Path:
    found.write(folder)
    return folder


def test_the_figure_is_drawn_with_and_without_findings(clean: Findings, tmp_path: Path) -> None:
    given = [*TRUTH]
    given[4] = 1
    found = run(dataset(given), FILES, [features(TRUTH, seed, [(30, 8)]) for seed in (0, 1)])
    thumbnails = dict.fromkeys(shown(found, 10), FILES[0])

    quality_page.draw(tmp_path / "some.png", found, thumbnails)
    quality_page.draw(tmp_path / "none.png", clean, {})

    heights = []
    for name in ("some", "none"):
        with Image.open(io.BytesIO((tmp_path / f"{name}.png").read_bytes())) as image:
            heights.append(image.height)
    assert heights[0] > heights[1] > 0
