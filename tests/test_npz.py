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


LOCKED = (
    "schema: '2.0'\nstages:\n  extract@b:\n    cmd: x\n    outs:\n    - path: data/features/b\n"
)


def test_a_flipped_bit_is_harmless_or_named_with_file_stage_and_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dvc.lock").write_text(LOCKED, encoding="utf-8")
    path = Path("data/features/b/a.npz")
    path.parent.mkdir(parents=True)
    npz.write(path, **ARRAYS)
    good, refused = path.read_bytes(), 0

    for place in range(0, len(good), 3):
        flipped = bytearray(good)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(flipped)
        try:
            arrays = npz.read(path, *ARRAYS)
        except UserError as error:
            refused += 1
            assert str(error).startswith(f"{path} is damaged (")
            assert "extract@b writes it" in str(error)
            assert "transfer-learning mend" in str(error)
        else:
            for array, expected in zip(arrays, ARRAYS.values(), strict=True):
                np.testing.assert_array_equal(array, expected)

    assert refused > 50
