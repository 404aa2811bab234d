"""Backbones as functions: the packages' reference features, and the user's SavedModels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from artifacts import PACKAGES, reference_features, reference_images

from transfer_learning import backbones
from transfer_learning.backbones import artifact, freeze, openvino_network, saved_model
from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config.params import Backbone
from transfer_learning.runtime.errors import UserError
from transfer_learning.runtime.openvino_quiet import openvino
from transfer_learning.runtime.tensorflow_quiet import tf

TOLERANCE = 1e-4


@pytest.fixture(scope="session")
def fetched(package: Callable[[str], Path]) -> dict[str, Path]:
    """Return the artifacts of the known packages by network."""
    return {network: package(network) for network in PACKAGES}


@pytest.fixture(scope="session")
def extractors(fetched: dict[str, Path]) -> dict[str, backbones.Extractor]:
    return {network: backbones.load(folder) for network, folder in fetched.items()}


@pytest.mark.parametrize("network", PACKAGES)
def test_a_package_reproduces_the_reference_features(
    network: str, extractors: dict[str, backbones.Extractor]
) -> None:
    expected = reference_features(network)

    features = np.asarray(extractors[network](reference_images(network)))

    assert features.dtype == np.float32
    assert features.shape == expected.shape
    assert np.abs(features - expected).max() < TOLERANCE


@pytest.mark.parametrize("network", PACKAGES)
def test_features_of_an_image_do_not_depend_on_the_rest_of_the_batch(
    network: str, extractors: dict[str, backbones.Extractor]
) -> None:
    images = reference_images(network)
    together = np.asarray(extractors[network](images))
    alone = np.concatenate([np.asarray(extractors[network](image[None])) for image in images])
    assert np.abs(together - alone).max() < TOLERANCE


def test_every_network_gives_as_many_features_as_its_artifact_says(
    fetched: dict[str, Path], extractors: dict[str, backbones.Extractor]
) -> None:
    for network, folder in fetched.items():
        info = BackboneInfo.read(folder)
        images = np.zeros((1, info.resolution, info.resolution, 3), np.float32)
        assert info.features == 1280
        assert extractors[network](images).shape == (1, 1280)


def test_mobilenet_v2_has_as_many_parameters_as_keras_counts(fetched: dict[str, Path]) -> None:
    assert BackboneInfo.read(fetched["mobilenet_v2"]).parameters == 2_257_984


def test_a_network_refuses_images_of_another_size(
    extractors: dict[str, backbones.Extractor],
) -> None:
    with pytest.raises((TypeError, ValueError)):
        extractors["mobilenet_v2"](np.zeros((1, 96, 96, 3), np.float32))


def test_a_folder_that_is_no_artifact_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        backbones.load(tmp_path)


# The user's own SavedModels


class Pooled(tf.Module):
    """Images of 32 × 32 pixels to 5 features each."""

    def __init__(self) -> None:
        super().__init__()
        values = np.arange(15, dtype=np.float32).reshape(3, 5)
        self.kernel = tf.Variable(values)

    @tf.function(input_signature=[tf.TensorSpec([None, 32, 32, 3], tf.float32)])
    def __call__(self, images):
        return tf.reduce_mean(images, [1, 2]) @ self.kernel


class NotPooled(tf.Module):
    """Images to feature maps, as a network without its last pooling gives them."""

    @tf.function(input_signature=[tf.TensorSpec([None, 32, 32, 3], tf.float32)])
    def __call__(self, images):
        return images * 2.0


class WithoutCall(tf.Module):
    """Has a serving signature and cannot be called."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = tf.Variable([2.0, 3.0, 4.0])

    @tf.function(input_signature=[tf.TensorSpec([None, 32, 32, 3], tf.float32)])
    def serve(self, images):
        return {"features": tf.reduce_mean(images, [1, 2]) * self.scale}


def described(
    source: Path, folder: Path, *, resolution: int = 32, sha256: str | None = None
) -> BackboneInfo:
    """Do what the pipeline does with the path of a SavedModel."""
    artifact.copy_saved_model(source, folder)
    backbone = Backbone(handle=str(source), resolution=resolution, sha256=sha256)
    return saved_model.describe("mine", backbone, folder, licence="the user's own")


def saved(module: tf.Module, folder: Path, **options: object) -> Path:
    tf.saved_model.save(module, str(folder), **options)
    return folder


def test_a_saved_model_becomes_a_backbone(tmp_path: Path) -> None:
    source = saved(Pooled(), tmp_path / "model")
    folder = tmp_path / "artifact"
    images = np.random.default_rng(0).random((3, 32, 32, 3), dtype=np.float32)

    info = described(source, folder)
    info.write(folder)
    features = np.asarray(backbones.load(folder)(images))

    assert info == BackboneInfo(
        handle=str(source),
        network="saved_model",
        resolution=32,
        features=5,
        parameters=15,
        sha256=artifact.files_sha256(source),
        licence="the user's own",
        multiply_adds=0,
        file_bytes=sum(path.stat().st_size for path in source.rglob("*") if path.is_file()),
    )
    expected = images.mean(axis=(1, 2)) @ np.arange(15, dtype=np.float32).reshape(3, 5)
    np.testing.assert_allclose(features, expected, rtol=1e-4)


def test_a_saved_model_with_a_serving_signature_only_becomes_a_backbone(tmp_path: Path) -> None:
    module = WithoutCall()
    source = saved(module, tmp_path / "model", signatures=module.serve)
    folder = tmp_path / "artifact"
    images = np.random.default_rng(0).random((3, 32, 32, 3), dtype=np.float32)

    info = described(source, folder)
    info.write(folder)
    features = np.asarray(backbones.load(folder)(images))

    assert (info.features, info.parameters) == (3, 3)
    np.testing.assert_allclose(features, images.mean(axis=(1, 2)) * [2, 3, 4], rtol=1e-4)


def test_a_saved_model_that_returns_feature_maps_is_refused(tmp_path: Path) -> None:
    source = saved(NotPooled(), tmp_path / "model")
    with pytest.raises(UserError) as caught:
        described(source, tmp_path / "artifact")
    assert str(source) in str(caught.value)
    assert "(2, 32, 32, 3)" in str(caught.value)
    assert "give the network's feature_vector module" in str(caught.value)


def test_a_saved_model_for_another_input_size_is_refused(tmp_path: Path) -> None:
    source = saved(Pooled(), tmp_path / "model")
    with pytest.raises(UserError) as caught:
        described(source, tmp_path / "artifact", resolution=48)
    assert str(source) in str(caught.value)
    assert "48 × 48" in str(caught.value)
    assert "in user code" not in str(caught.value)


def test_a_serving_signature_for_another_input_size_is_refused(tmp_path: Path) -> None:
    module = WithoutCall()
    source = saved(module, tmp_path / "model", signatures=module.serve)
    with pytest.raises(UserError) as caught:
        described(source, tmp_path / "artifact", resolution=48)
    assert str(source) in str(caught.value)
    assert "48 × 48" in str(caught.value)


class TwoInputs(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, 32, 32, 3], name=name) for name in "ab"])
    def serve(self, a, b):
        return {"features": tf.reduce_mean(a + b, [1, 2])}


def test_a_serving_signature_with_two_inputs_is_refused(tmp_path: Path) -> None:
    module = TwoInputs()
    source = saved(module, tmp_path / "model", signatures=module.serve)
    with pytest.raises(UserError) as caught:
        described(source, tmp_path / "artifact")
    assert str(source) in str(caught.value)
    assert "2 inputs" in str(caught.value)


class Named(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, 32, 32, 3], tf.float32)])
    def __call__(self, images):
        return {"features": tf.reduce_mean(images, [1, 2])}


class OneImage(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([1, 32, 32, 3], tf.float32)])
    def __call__(self, images):
        return tf.reduce_mean(images, [1, 2])


class Bytes(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, 32, 32, 3], tf.uint8)])
    def __call__(self, images):
        return tf.reduce_mean(tf.cast(images, tf.float32), [1, 2])


class ChannelsFirst(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, 3, 32, 32], tf.float32)])
    def __call__(self, images):
        return tf.reduce_mean(images, [2, 3])


class Coarse(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, 32, 32, 3], tf.float32)])
    def __call__(self, images):
        return tf.cast(tf.reduce_mean(images, [1, 2]), tf.float16)


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (Named, "returns a dict"),
        (Coarse, "returns float16 (2, 3)"),
        (OneImage, "does not take"),
        (Bytes, "does not take"),
        (ChannelsFirst, "does not take"),
    ],
)
def test_a_saved_model_that_is_no_function_of_a_batch_to_vectors_is_refused(
    module: type[tf.Module], reason: str, tmp_path: Path
) -> None:
    source = saved(module(), tmp_path / "model")
    with pytest.raises(UserError) as caught:
        described(source, tmp_path / "artifact")
    assert f"{source} {reason}" in str(caught.value)


class AnySize(tf.Module):
    """Takes images of any size, and scalars besides, as Hub modules do."""

    def __init__(self) -> None:
        super().__init__()
        images = tf.TensorSpec([None, None, None, 3], tf.float32)
        for training in (True, False):
            momentum = tf.TensorSpec([], tf.float32)
            self.__call__.get_concrete_function(images, training, momentum)

    @tf.function
    def __call__(self, images, training=None, momentum=0.99):
        return tf.reduce_mean(images, [1, 2]) * (momentum if training else 2.0)


@pytest.mark.parametrize("resolution", [32, 48])
def test_a_saved_model_of_any_size_is_called_as_not_in_training(
    resolution: int, tmp_path: Path
) -> None:
    source = saved(AnySize(), tmp_path / "model")
    folder = tmp_path / "artifact"

    described(source, folder, resolution=resolution).write(folder)
    features = backbones.load(folder)(np.full((2, resolution, resolution, 3), 0.25, np.float32))

    np.testing.assert_allclose(features, np.full((2, 3), 0.5), rtol=1e-5)


def test_the_files_of_a_saved_model_must_have_the_sha256(tmp_path: Path) -> None:
    source = saved(Pooled(), tmp_path / "model")
    digest = artifact.files_sha256(source)
    described(source, tmp_path / "right", sha256=digest)

    with pytest.raises(UserError) as caught:
        described(source, tmp_path / "wrong", sha256="0" * 64)

    assert f"params.yaml: backbones.mine.sha256 is {'0' * 64}" in str(caught.value)
    assert digest in str(caught.value)


@pytest.mark.parametrize("module", [Pooled, WithoutCall])
def test_a_frozen_graph_gives_the_same_features(module: type[tf.Module], tmp_path: Path) -> None:
    kept = module()
    signatures = getattr(kept, "serve", None)
    source = saved(kept, tmp_path / "model", signatures=signatures)
    folder = tmp_path / "artifact"
    described(source, folder).write(folder)
    images = np.random.default_rng(0).random((3, 32, 32, 3), dtype=np.float32)

    freeze.write_frozen_graph(backbones.load(folder), tmp_path / "frozen.pb")
    model = openvino.Core().read_model(tmp_path / "frozen.pb")
    features = openvino.Core().compile_model(model, "CPU", openvino_network.FLOAT32)(images)[0]

    np.testing.assert_allclose(features, backbones.load(folder)(images), atol=1e-5)


def test_a_frozen_graph_is_the_same_bytes_whatever_was_built_before(tmp_path: Path) -> None:
    source, folder = saved(Pooled(), tmp_path / "model"), tmp_path / "artifact"
    described(source, folder).write(folder)
    graph = tf.compat.v1.GraphDef()

    files = [tmp_path / f"{number}.pb" for number in range(3)]
    for file in files:
        freeze.write_frozen_graph(backbones.load(folder), file)
    graph.ParseFromString(files[0].read_bytes())

    assert len({file.read_bytes() for file in files}) == 1
    done: set[str] = set()
    for node in graph.node:
        assert {name.strip("^").partition(":")[0] for name in node.input} <= done
        done.add(node.name)
    assert len(done) > 3


def test_a_saved_model_without_call_and_signature_is_refused(tmp_path: Path) -> None:
    source = saved(tf.Module(), tmp_path / "model")
    with pytest.raises(UserError) as caught:
        described(source, tmp_path / "artifact")
    assert str(source) in str(caught.value)
    assert "serving_default" in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"no model at all", b"\xff" * 64], ids=["empty", "text", "bytes"]
)
def test_a_saved_model_that_cannot_be_read_is_refused(content: bytes, tmp_path: Path) -> None:
    source = tmp_path / "model"
    source.mkdir()
    (source / "saved_model.pb").write_bytes(content)
    with pytest.raises(UserError) as caught:
        described(source, tmp_path / "artifact")
    assert str(source) in str(caught.value)
    assert "cannot be loaded as a SavedModel" in str(caught.value)
