"""Files of arrays, whose bytes are the same on every machine."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from transfer_learning.runtime import npz

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
