"""How far two versions of a file may be apart, and what is said of it."""

import io

import numpy as np
import pytest
from PIL import Image

from transfer_learning.commands.differences import compare


def texts(path, old, new):
    return compare(path, old.encode(), new.encode(), stage="evaluate@b")


@pytest.mark.parametrize(
    ("path", "old", "new", "within"),
    [
        ("p.csv", "a.jpg,0.500000,1\n", "a.jpg,0.500900,1\n", True),
        ("p.csv", "a.jpg,0.500,1\n", "a.jpg,0.501,1\n", True),
        ("p.csv", "a.jpg,0.500000,1\n", "a.jpg,0.502000,1\n", False),
        ("p.csv", "a.jpg,0.500000,1\n", "a.jpg,0.500000,2\n", False),
        ("p.csv", "a.jpg,daisy\n", "a.jpg,rose\n", False),
        ("m.json", '{"accuracy": 0.91}', '{"accuracy": 0.92}', False),
        ("m.json", '{"p": 1e-05}', '{"p": 0.00002}', True),
        ("history.csv", "1,0.940000", "1,0.946667", True),
        ("history.csv", "1,0.940000", "1,0.960000", False),
        ("s.md", "97.3 % of photos", "97.4 % of photos", True),
        ("s.md", "97.3 % of photos", "97.5 % of photos", False),
        ("s.md", "openvino 2026.4.1, Python 3.11.7", "tensorflow 2.21.0, Python 3.12.1", True),
        ("extraction.json", '{"precision": "float32"}', '{"precision": "bfloat16"}', False),
        ("i.html", '<img src="data:image/png;base64,AAA=">', '<img src="data:image/png;base64,B">',
         True),
    ],
)  # fmt: skip
def test_numbers_may_differ_a_little_and_words_not(path, old, new, within):
    assert texts(path, old, new).within is within


def test_the_largest_difference_is_named_with_its_line():
    found = texts("p.csv", "a,0.1\nb,0.2\nc,0.3\n", "a,0.1001\nb,0.2005\nc,0.3\n")

    assert found.text == "2 numbers differ, most in line 2: 0.2 became 0.2005 (allowed 1e-03)"


def test_the_first_other_line_is_named():
    assert texts("p.csv", "a,1\nb,2\n", "a,1\nc,2\n").text == "line 2: “b,2” became “c,2”"
    assert texts("p.csv", "a,1\n", "a,1\nc,2\n").text == "line 2: “” became “c,2”"


@pytest.mark.parametrize("stage", ["fetch", "preprocess@224", "backbone@b"])
def test_what_must_be_the_same_bits_may_not_differ_in_one(stage):
    assert not compare("d.json", b"0.10", b"0.11", stage=stage).within
    assert compare("d.json", b"0.10", b"0.10", stage=stage) is None


def png(pixels, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", **options)
    return file.getvalue()


def test_pictures_are_compared_by_pixels():
    picture = np.random.default_rng(0).integers(0, 250, (32, 32, 3), dtype=np.uint8)
    line_moved = picture.copy()
    line_moved[3, :4] += 5
    old = png(picture)

    stored_otherwise = compare("a.png", old, png(picture, compress_level=0), stage="plot@b")
    nearly = compare("a.png", old, png(line_moved), stage="plot@b")
    other = compare("a.png", old, png(255 - picture), stage="plot@b")
    larger = compare("a.png", old, png(picture[:, :16]), stage="plot@b")

    assert (stored_otherwise.within, stored_otherwise.text) == (
        True, "the same pixels, stored otherwise",
    )  # fmt: skip
    assert nearly.within and nearly.text.startswith("4 pixels differ")
    assert not other.within
    assert (larger.within, larger.text) == (False, "32 × 32 pixels became 16 × 32")


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def test_weights_may_move_further_than_features():
    old, new = (npz(kernel=np.float32([1, x])) for x in (0.5, 0.51))

    assert compare("head.npz", old, new, stage="train@b").within
    assert not compare("f.npz", old, new, stage="extract@b").within


def test_a_changed_label_is_a_difference_however_equal_the_features():
    old, new = (npz(features=np.float32([[1]]), labels=np.int64([x])) for x in (0, 1))

    found = compare("f.npz", old, new, stage="extract@b")

    assert (found.within, found.text) == (False, "labels: 1 of 1 values differ")


@pytest.mark.parametrize(
    ("path", "right"),
    [("f.npz", npz(a=[1])), ("a.png", png(np.zeros((2, 2), np.uint8))), ("m.json", b"{}")],
)
def test_a_damaged_file_is_a_difference(path, right):
    found = compare(path, right, b"\xff", stage="evaluate@b")

    assert not found.within
    assert found.text.startswith("cannot be read: ")
