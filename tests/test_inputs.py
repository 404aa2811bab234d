"""What a stage reads is compared with what DVC recorded of it."""

import hashlib
import json
from pathlib import Path

import pytest

from transfer_learning.runtime import inputs
from transfer_learning.runtime.errors import UserError

TABLE = Path("reports/b/metrics.json")
FOLDER = Path("data/dataset")
ARRAYS = Path("data/features/b")


@pytest.fixture(autouse=True)
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three outputs, and a stage that reads them."""
    monkeypatch.chdir(tmp_path)
    for folder in (TABLE.parent, FOLDER, ARRAYS):
        folder.mkdir(parents=True)
    TABLE.write_bytes(b"{}")
    (FOLDER / "dataset.json").write_bytes(b"[1]")
    (ARRAYS / "test.npz").write_bytes(b"arrays")
    # As DVC hashes a folder.
    listed = [{"md5": hashlib.md5(b"[1]").hexdigest(), "relpath": "dataset.json"}]
    md5s = {
        TABLE: hashlib.md5(b"{}").hexdigest(),
        FOLDER: hashlib.md5(json.dumps(listed).encode()).hexdigest() + ".dir",
        ARRAYS: "0" * 32 + ".dir",
    }
    stages = {
        f"writer of {path.name}": {"outs": [{"path": str(path), "md5": md5, "size": 6}]}
        for path, md5 in md5s.items()
    }
    read = ["reports/b", "data/dataset/dataset.json", "data/features"]
    stages["reader"] = {"deps": [{"path": path} for path in read]}
    Path("dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": stages}), encoding="utf-8")


def test_what_is_as_recorded_passes_and_arrays_are_left_to_their_reader() -> None:
    (ARRAYS / "test.npz").write_bytes(b"others")

    inputs.check("reader")


def test_arrays_and_records_of_another_size_are_named() -> None:
    (ARRAYS / "test.npz").write_bytes(b"cut")

    with pytest.raises(UserError, match="data/features/b is damaged"):
        inputs.check("reader")


@pytest.mark.parametrize(("changed", "named"), [(TABLE, TABLE), (FOLDER / "dataset.json", FOLDER)])
def test_a_changed_byte_is_named_with_file_or_folder_and_writer(changed: Path, named: Path) -> None:
    changed.write_bytes(b"[]!")

    with pytest.raises(UserError) as caught:
        inputs.check("reader")

    assert str(caught.value).startswith(f"{named} is damaged (it has other bytes than DVC recorded")
    assert f"writer of {named.name} writes it" in str(caught.value)


def test_a_missing_file_is_left_to_its_reader() -> None:
    TABLE.unlink()

    inputs.check("reader")


@pytest.mark.parametrize("stage", ["another stage", "writer of metrics.json"])
def test_a_stage_that_reads_none_of_them_or_is_new_passes(stage: str) -> None:
    TABLE.write_bytes(b"[]")

    inputs.check(stage)
