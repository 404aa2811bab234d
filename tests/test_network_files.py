"""Networks from .onnx and .xml files: what they take, what they give, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from transfer_learning import backbones
from transfer_learning.backbones import handles, openvino_network
from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.backbones.fetch import fetch
from transfer_learning.config import params
from transfer_learning.config.params import Backbone, Input
from transfer_learning.features.engine import open_engine
from transfer_learning.photos import records
from transfer_learning.runtime import files, nvidia
from transfer_learning.runtime.errors import UserError
from transfer_learning.runtime.openvino_quiet import openvino

SIDE = 32
KERNEL = np.arange(15, dtype=np.float32).reshape(3, 5)
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
PIXELS = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), np.uint8)
IMAGES = PIXELS.astype(np.float32) / 255


def onnx_file(
    path: Path,
    *,
    layout: str = "NCHW",
    kind: int = TensorProto.FLOAT,
    shape: tuple[int | str, ...] | None = None,
    keep_sides: bool = False,
    pooled: bool = True,
    outputs: tuple[str, ...] = ("features",),
) -> Path:
    """Write ``mean over height and width @ KERNEL`` as an ONNX file."""
    nchw = layout == "NCHW"
    shape = shape or (("N", 3, SIDE, SIDE) if nchw else ("N", SIDE, SIDE, 3))
    axes = [2, 3] if nchw else [1, 2]
    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats", "axes"], ["means"], keepdims=0),
        helper.make_node("MatMul", ["means", "kernel"], ["vectors"]),
    ]
    last = "vectors" if pooled else "floats"
    if keep_sides:
        nodes.append(helper.make_node("Unsqueeze", [last, "sides"], ["maps"]))
        last = "maps"
    nodes += [helper.make_node("Identity", [last], [name]) for name in outputs]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", kind, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [
            numpy_helper.from_array(np.array(axes, np.int64), "axes"),
            numpy_helper.from_array(np.array([2, 3], np.int64), "sides"),
            numpy_helper.from_array(KERNEL, "kernel"),
        ],
    )
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)
    return path


def fetched(path: Path, folder: Path, **keys: Any) -> BackboneInfo:
    backbone = Backbone(handle=str(path), resolution=SIDE, **keys)
    handles.check_handle("mine", backbone)
    return fetch("mine", backbone, folder)


def refusal(path: Path, folder: Path, **keys: Any) -> str:
    with pytest.raises(UserError) as caught:
        fetched(path, folder, **keys)
    assert not folder.exists()
    return str(caught.value)


def expected(images: np.ndarray) -> np.ndarray:
    return images.mean((1, 2)) @ KERNEL


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.UINT8])
def test_a_network_gets_images_as_it_takes_them(kind: int, layout: str, tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "tiny.onnx", layout=layout, kind=kind)

    fetched(path, tmp_path / "artifact")
    features = np.asarray(backbones.load(tmp_path / "artifact")(IMAGES))

    assert features.dtype == np.float32
    right = expected(PIXELS if kind == TensorProto.UINT8 else IMAGES)
    np.testing.assert_allclose(features, right, rtol=1e-3 if kind == TensorProto.FLOAT16 else 1e-5)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_the_stated_normalisation_is_applied(layout: str, tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "tiny.onnx", layout=layout)

    fetched(path, tmp_path / "artifact", input=Input(scale=2.0, mean=MEAN, std=STD))
    features = backbones.load(tmp_path / "artifact")(IMAGES)

    right = expected((2 * IMAGES - np.array(MEAN)) / np.array(STD))
    np.testing.assert_allclose(features, right, rtol=1e-4, atol=1e-4)


def test_an_artifact_says_what_the_file_is_and_keeps_its_bytes(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "tiny.onnx")

    info = fetched(path, tmp_path / "artifact", sha256=files.sha256(path))

    assert info == BackboneInfo(
        handle=str(path),
        network="openvino_file",
        resolution=SIDE,
        features=5,
        parameters=15,
        sha256=files.sha256(path),
        licence="the user's own",
        multiply_adds=15,
        file_bytes=path.stat().st_size,
    )
    assert BackboneInfo.read(tmp_path / "artifact") == info
    names = sorted(file.name for file in (tmp_path / "artifact").iterdir())
    assert names == ["backbone.json", "interface.json", "network.onnx"]
    assert (tmp_path / "artifact" / "network.onnx").read_bytes() == path.read_bytes()


def test_an_xml_with_its_bin_becomes_the_same_backbone(tmp_path: Path) -> None:
    model = openvino.Core().read_model(onnx_file(tmp_path / "tiny.onnx"))
    openvino.save_model(model, tmp_path / "tiny.xml", compress_to_fp16=False)

    info = fetched(tmp_path / "tiny.xml", tmp_path / "artifact")
    features = backbones.load(tmp_path / "artifact")(IMAGES)

    np.testing.assert_allclose(features, expected(IMAGES), rtol=1e-5)
    assert (info.features, info.parameters) == (5, 15)
    for suffix in (".xml", ".bin"):
        kept = tmp_path / "artifact" / f"network{suffix}"
        assert kept.read_bytes() == (tmp_path / f"tiny{suffix}").read_bytes()


def test_the_pixels_of_records_go_through_the_file_without_tensorflow(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "tiny.onnx", kind=TensorProto.UINT8)
    fetched(path, tmp_path / "artifact")
    photos = [records.Record(f"{i}.jpg", 0, image.tobytes()) for i, image in enumerate(PIXELS)]
    records.write_shards(tmp_path, "test", photos, photos=len(photos))

    opened = open_engine(tmp_path / "artifact", "float32")
    features = opened.extract(records.shards(tmp_path, "test"), ("a",), lambda count: None)

    assert opened.name == "openvino"
    # No pixel's value is lost on its way through [0, 1].
    np.testing.assert_allclose(features.features, expected(PIXELS), rtol=1e-6)


def test_fetching_and_loading_need_no_tensorflow(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "tiny.onnx")
    program = (
        "import sys; from pathlib import Path; from transfer_learning import backbones;"
        "from transfer_learning.backbones.fetch import fetch;"
        "from transfer_learning.config.params import Backbone;"
        "source, target = map(Path, sys.argv[1:]);"
        f"fetch('mine', Backbone(handle=str(source), resolution={SIDE}), target);"
        "backbones.load(target);"
        "print([name for name in sys.modules if name.split('.')[0] in ('tensorflow', 'keras')])"
    )
    command = [sys.executable, "-c", program, str(path), str(tmp_path / "artifact")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_vector_with_sides_of_one_pixel_is_a_vector(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "tiny.onnx", keep_sides=True)

    info = fetched(path, tmp_path / "artifact")

    assert info.features == 5
    found = backbones.load(tmp_path / "artifact")(IMAGES)
    np.testing.assert_allclose(found, expected(IMAGES), rtol=1e-5)


def test_of_several_outputs_the_named_one_is_taken(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "tiny.onnx", outputs=("pooled", "logits"))

    said = refusal(path, tmp_path / "artifact")
    unknown = refusal(path, tmp_path / "artifact", output="features")
    info = fetched(path, tmp_path / "artifact", output="logits")

    assert "pooled" in said
    assert "logits" in said
    assert "set backbones.mine.output" in said
    assert "backbones.mine.output is 'features'" in unknown
    assert info.features == 5


def test_an_input_of_unknown_layout_names_the_key_that_says_it(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "tiny.onnx", shape=("N", "A", "B", "C"))

    said = refusal(path, tmp_path / "artifact")
    fetched(path, tmp_path / "artifact", input=Input(layout="NCHW"))

    assert "backbones.mine.input.layout" in said
    found = backbones.load(tmp_path / "artifact")(IMAGES)
    np.testing.assert_allclose(found, expected(IMAGES), rtol=1e-5)


def test_normalisation_of_a_network_for_uint8_is_refused(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "tiny.onnx", kind=TensorProto.UINT8)
    said = refusal(path, tmp_path / "artifact", input=Input(mean=MEAN))
    assert "remove scale, mean and std from backbones.mine.input" in said


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ({"pooled": False}, "returns (2, 3, 32, 32) for two images"),
        ({"shape": ("N", 3, 64, 64)}, "does not take 32 × 32 images as NCHW"),
        ({"layout": "NHWC", "shape": ("N", 32, 3)}, "does not take images"),
        ({"kind": TensorProto.INT32}, "neither float nor uint8"),
    ],
)
def test_a_file_that_is_no_function_of_images_to_vectors_is_refused(
    made: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    path = onnx_file(tmp_path / "tiny.onnx", **made)
    said = refusal(path, tmp_path / "artifact")
    assert str(path) in said
    assert reason in said


def test_weights_in_other_files_are_refused(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "one.onnx")
    split = tmp_path / "two.onnx"
    onnx.save(
        onnx.load(path), split, save_as_external_data=True, location="weights", size_threshold=0
    )
    said = refusal(split, tmp_path / "artifact")
    assert str(split) in said
    assert "external data" in said


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "tiny.onnx")
    path.write_bytes(path.read_bytes()[:-60])
    assert f"OpenVINO cannot read {path}" in refusal(path, tmp_path / "artifact")


def test_another_sha256_names_the_key_and_the_right_one(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "tiny.onnx")
    said = refusal(path, tmp_path / "artifact", sha256="0" * 64)
    assert f"params.yaml: backbones.mine.sha256 is {'0' * 64}" in said
    assert files.sha256(path) in said


@pytest.mark.parametrize(("name", "missing"), [("a.onnx", "a.onnx"), ("b.xml", "b.bin")])
def test_a_missing_file_is_named(name: str, missing: str, tmp_path: Path) -> None:
    (tmp_path / "b.xml").write_text("<net/>")
    with pytest.raises(UserError) as caught:
        handles.check_handle("mine", Backbone(handle=str(tmp_path / name), resolution=32))
    assert "params.yaml: backbones.mine.handle" in str(caught.value)
    assert f"no file {tmp_path / missing}" in str(caught.value)


def test_what_a_file_takes_can_be_stated_only_of_a_file() -> None:
    with pytest.raises(UserError, match=r"params.yaml: backbones.mine.input is only for"):
        handles.check_handle(
            "mine", Backbone(handle="https://hub.example/m/1", resolution=32, input=Input())
        )


def test_openvino_counts_a_files_multiply_adds(tmp_path: Path) -> None:
    info = fetched(onnx_file(tmp_path / "tiny.onnx"), tmp_path / "artifact")
    assert openvino_network.multiply_adds(tmp_path / "artifact", info) == KERNEL.size


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("{std: [1, 0, 1]}", "backbones.mine.input.std"),
        ("{mean: [0.5]}", "backbones.mine.input.mean"),
        ("{layout: HWC}", "backbones.mine.input.layout"),
        ("{means: [0, 0, 0]}", "backbones.mine.input.means"),
    ],
)
def test_a_wrong_statement_of_the_input_names_its_key(line: str, key: str, tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    text = (Path(__file__).parents[1] / "params.yaml").read_text()
    mine = f"  mine: {{handle: tiny.onnx, resolution: 224, input: {line}}}\n"
    path.write_text(text.replace("backbones:\n", "backbones:\n" + mine))
    with pytest.raises(UserError, match=rf"params.yaml: {key}"):
        params.load(path)


def test_a_gpu_that_is_not_used_for_a_file_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = onnx_file(tmp_path / "tiny.onnx")
    fetched(path, tmp_path / "artifact")
    monkeypatch.setattr(nvidia, "look", lambda: nvidia.Gpu(usable=True))

    opened = open_engine(tmp_path / "artifact", "float32")

    assert opened.name == "openvino"
    assert f"{path} is a file that OpenVINO runs: on the CPU, not on the GPU" in (
        capsys.readouterr().out
    )
