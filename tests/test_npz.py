"""Files of arrays, whose bytes are the same on every machine."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from transfer_learning.runtime import npz
from transfer_learning.runtime.errors import UserError

ARRAYS = {
    "numbers": np.arange(6, dtype=np.float32).reshape(2, 3),
    "names": np.array(["daisy", "tülip"]),
    "none": np.empty((0, 4), np.int64),
}


def test_numpy_reads_what_was_written(tmp_path: Path) -> None:
    npz.write(tmp_path / "a.npz", **ARRAYS)

    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        assert list(file) == list(ARRAYS)
        for name, array in ARRAYS.items():
            assert file[name].dtype == array.dtype
            np.testing.assert_array_equal(file[name], array)


def test_the_bytes_are_the_same_on_every_python(tmp_path: Path) -> None:
    npz.write(tmp_path / "a.npz", **ARRAYS)

    digest = hashlib.sha256((tmp_path / "a.npz").read_bytes()).hexdigest()
    assert digest == "8fbc3cb5eb411b746eebe60cd0ccc2e8ca293aaf8adb963686f93c2ae56ea57c"


def test_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        npz.write(tmp_path / "a.npz", objects=np.array([{}]))


def test_what_was_written_is_read_by_name(tmp_path: Path) -> None:
    npz.write(tmp_path / "a.npz", **ARRAYS)

    names, numbers = npz.read(tmp_path / "a.npz", "names", "numbers")

    np.testing.assert_array_equal(names, ARRAYS["names"])
    np.testing.assert_array_equal(numbers, ARRAYS["numbers"])


def test_stored_rows_are_those_of_the_array(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).random((50, 7), np.float32)
    npz.write(tmp_path / "a.npz", names=np.array(["ü"] * 50), numbers=numbers)

    names, stored = npz.stored(tmp_path / "a.npz", "names", "numbers")

    order = np.array([49, 0, 7, 7])
    assert (len(stored), stored.shape, stored.dtype) == (50, (50, 7), np.float32)
    np.testing.assert_array_equal(np.asarray(stored), numbers)
    np.testing.assert_array_equal(stored[10:20], numbers[10:20])
    np.testing.assert_array_equal(stored[45:99], numbers[45:])
    np.testing.assert_array_equal(stored[order], numbers[order])
    np.testing.assert_array_equal(stored[numbers[:, 0] > 0.5], numbers[numbers[:, 0] > 0.5])
    np.testing.assert_array_equal(names[48:], ["ü", "ü"])


def test_a_damaged_byte_is_found_before_any_row_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    npz.write(path, **ARRAYS)
    content = bytearray(path.read_bytes())
    content[content.index(np.float32(5).tobytes())] ^= 1
    path.write_bytes(content)

    with pytest.raises(UserError, match=r"a\.npz is damaged \(the checksum of numbers\.npy"):
        npz.stored(path, "numbers")


def test_an_array_written_in_blocks_has_the_same_bytes(tmp_path: Path) -> None:
    numbers = ARRAYS["numbers"]
    whole = npz.Streamed(numbers.shape, numbers.dtype, iter([numbers[:1], numbers[1:]]))
    npz.write(tmp_path / "a.npz", numbers=numbers)
    npz.write(tmp_path / "b.npz", numbers=whole)

    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with pytest.raises(ValueError, match="1 rows came of an array of 2"):
        npz.write(
            tmp_path / "c.npz", numbers=npz.Streamed(numbers.shape, numbers.dtype, [numbers[:1]])
        )
