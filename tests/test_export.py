"""An exported classifier: its formats agree, work without this project, and have fixed bytes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import artifacts
import exports
import numpy as np
import pytest
from exports import CLASSES, PHOTOS, SIDES, python
from photo_kinds import DEEP, KINDS
from test_network_files import onnx_file

from transfer_learning.backbones import file_network
from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.classifier import manifest
from transfer_learning.classifier.classifier import Answer, Classifier
from transfer_learning.config.params import Backbone as BackboneSettings
from transfer_learning.evaluation.predictions import Prediction
from transfer_learning.export import comparison, golden, litert_format, page
from transfer_learning.export.comparison import Expected
from transfer_learning.export.parts import Backbone
from transfer_learning.photos import records
from transfer_learning.photos.pixels import array, open_photo
from transfer_learning.photos.records import Record
from transfer_learning.runtime.errors import UserError


def answers(folder: Path, photos: dict[str, bytes]) -> dict[str, Answer]:
    classifier = Classifier.load(folder)
    found = dict(classifier.classify(photos.items()))
    classifier.close()
    return found


def expected(folder: Path) -> Expected:
    """What the pipeline would say of ``PHOTOS``, of which every other is right."""
    found = answers(folder, PHOTOS)
    rows = [
        Prediction(name, answer.label if index % 2 else "another", answer.label, ())
        for index, (name, answer) in enumerate(found.items())
    ]
    return Expected(rows, np.array([item.probabilities for item in found.values()]), CLASSES)


def test_every_format_answers_every_kind_of_photo_as_the_pipeline_does(
    exported: Path, tmp_path: Path
) -> None:
    photos = tmp_path / "test.tfrecord"
    records.write(photos, (Record(name, 0, photo) for name, photo in PHOTOS.items()))

    found = {
        item.format.name: item
        for item in comparison.compare(exported, [photos], expected(exported))
    }

    assert list(found) == [item.name for item in comparison.FORMATS]
    for item in found.values():
        assert item.accuracy == 0.5
        assert item.changed == 0
        assert item.largest < (1e-4 if item.format.exact else 0.05)
    assert found["LiteRT float16"].size < found["LiteRT float32"].size


def test_the_saved_model_answers_from_bytes_and_pixels_of_any_size(exported: Path) -> None:
    from transfer_learning.runtime.tensorflow_quiet import tf

    module = tf.saved_model.load(str(exported / "saved_model"))
    serve = module.signatures["serving_default"]
    names = [name for name in KINDS if "PNG" in name or name in ("grey JPEG", "progressive JPEG")]
    known = answers(exported, KINDS)

    ((name, tensor),) = serve.structured_input_signature[1].items()
    found = serve(image_bytes=tf.constant([KINDS[kind] for kind in names]))
    pixels = array(open_photo(KINDS["CMYK JPEG"]))
    other = module.signatures["pixels"](pixels=np.stack([pixels, pixels[::-1]]))

    # TensorFlow Serving's JSON gives bytes, {"b64": …}, to inputs whose names end so.
    assert (name, tensor.dtype, tensor.shape.as_list()) == ("image_bytes", tf.string, [None])
    for index, kind in enumerate(names):
        assert found["label"][index].numpy().decode() == known[kind].label
        np.testing.assert_allclose(
            found["probabilities"][index], known[kind].probabilities, atol=1e-5, err_msg=kind
        )
        assert found["score"][index] == max(found["probabilities"][index])
    np.testing.assert_allclose(
        other["probabilities"][0], known["CMYK JPEG"].probabilities, atol=1e-5
    )


def test_the_saved_model_refuses_a_photo_of_16_bits_and_what_is_none(exported: Path) -> None:
    from transfer_learning.runtime.tensorflow_quiet import tf

    serve = tf.saved_model.load(str(exported / "saved_model")).signatures["serving_default"]

    with pytest.raises(tf.errors.InvalidArgumentError, match="more than 8 bits"):
        serve(image_bytes=tf.constant([KINDS["PNG"], DEEP]))
    for photo in (b"", b"text", KINDS["PNG"][:50]):
        with pytest.raises(tf.errors.InvalidArgumentError):
            serve(image_bytes=tf.constant([photo]))


# Runs a script of the export as a person does who has nothing of this project.
RUN = """
import runpy, sys

# None makes an import of the name raise ImportError.
sys.modules["transfer_learning"] = None
for script in sys.argv[1:]:
    sys.argv = script.split()
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as exit:
        print("exit", int(exit.code))
"""


def test_the_golden_photos_are_checked_without_anything_of_this_project(
    exported: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(exported, tmp_path / "elsewhere"))
    wrong = Path(shutil.copytree(exported, tmp_path / "wrong"))
    listed = json.loads((folder / "golden/golden.json").read_text(encoding="utf-8"))
    listed["photos"][2]["probabilities"][0] += 0.2
    (wrong / "golden/golden.json").write_text(json.dumps(listed), encoding="utf-8")
    scripts = [
        f"{folder}/check_tensorflow.py",
        f"{folder}/check_litert.py",
        f"{folder}/check_litert.py litert/float16.tflite",
        f"{wrong}/check_tensorflow.py",
        f"{wrong}/check_litert.py",
    ]

    done = python("-c", RUN, *scripts, PYTHONIOENCODING="utf-8", PYTHONPATH="")

    assert done.returncode == 0, done.stderr.decode()
    said = [line.rpartition(", ")[2] for line in done.stdout.decode().splitlines()]
    good = ["as expected"] * golden.PHOTOS
    bad = ["as expected"] * 2 + ["NOT as expected"] + ["as expected"] * 2
    assert said == [*good, "exit 0"] * 3 + [*bad, "exit 1"] * 2


def test_an_export_has_the_same_bytes_in_another_process(exported: Path, tmp_path: Path) -> None:
    exports.write_apart(tmp_path, PYTHONHASHSEED="7")

    first, second = manifest.read(exported), manifest.read(tmp_path / "export")
    assert first == second
    assert "saved_model/saved_model.pb" in first.files
    manifest.check(tmp_path / "export", first)
    assert len(first.files) > 15


def test_litert_files_say_how_to_prepare_pixels_and_name_the_classes(exported: Path) -> None:
    for name in (litert_format.FLOAT32, litert_format.FLOAT16):
        found = litert_format.read_metadata(exported / name)

        assert found["labels"] == list(CLASSES)
        assert [item["side"] for item in found["inputs"]] == list(SIDES.values())
        assert (found["method"], found["antialias"]) == ("bilinear", False)


def test_a_network_for_openvino_alone_has_no_format_of_tensorflow(tmp_path: Path) -> None:
    source = onnx_file(tmp_path / "network.onnx")
    settings = BackboneSettings(handle=str(source), resolution=32)
    info = file_network.fetch("dino", settings, [source], tmp_path / "dino")
    info.write(tmp_path / "dino")
    competitor = exports.gathered({"dino": Backbone(tmp_path / "dino", info)})

    done = exports.put(competitor, tmp_path / "export")

    assert list(done.left_out) == ["SavedModel", "LiteRT"]
    assert not (tmp_path / "export/saved_model").exists()
    (answer,) = answers(tmp_path / "export", {"a": KINDS["PNG"]}).values()
    assert answer.label in CLASSES
    text = page.page(done.manifest, [], done.left_out, photos=0)
    assert "- LiteRT: TensorFlow cannot run" in text
    assert "There is no LiteRT" in (tmp_path / "export/model_card.md").read_text(encoding="utf-8")


def test_a_network_that_only_tensorflow_runs_is_answered_by_tensorflow(tmp_path: Path) -> None:
    artifacts.saved_model(artifacts.Unknown(), tmp_path / "odd", features=3)
    info = BackboneInfo.read(tmp_path / "odd")
    competitor = exports.gathered({"odd": Backbone(tmp_path / "odd", info)})

    done = exports.put(competitor, tmp_path / "export")
    classifier = Classifier.load(tmp_path / "export")
    answer = classifier.answer(KINDS["PNG"])
    classifier.close()

    assert list(done.left_out) == ["OpenVINO IR", "LiteRT"]
    assert classifier.engine == "tensorflow"
    assert isinstance(answer, Answer)


def test_one_other_answer_ends_the_export_and_names_the_photo(
    exported: Path, tmp_path: Path
) -> None:
    photos = tmp_path / "test.tfrecord"
    records.write(photos, (Record(name, 0, photo) for name, photo in PHOTOS.items()))
    folder = Path(shutil.copytree(exported, tmp_path / "copy"))
    known = expected(folder)
    rows = list(known.rows)
    answer = rows[3].predicted
    rows[3] = Prediction("the/photo.jpg", "a", "another answer", ())

    with pytest.raises(UserError) as caught:
        comparison.compare(folder, [photos], Expected(rows, known.probabilities, CLASSES))

    assert f"predict, serve answers {answer!r} to the/photo.jpg, and" in str(caught.value)
    # Nobody can use it.
    assert not (folder / manifest.FILE).exists()


@pytest.mark.parametrize(
    ("found", "words"),
    [
        # Two classes that are as probable may change places; others may not.
        ([[0.49, 0.51, 0.0], [0.9, 0.1, 0.0]], None),
        ([[0.51, 0.49, 0.0], [0.4, 0.6, 0.0]], "more than rounding explains"),
    ],
)
def test_coarser_weights_may_change_no_answer_that_was_clear(
    found: list, words: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known = np.array([[0.5, 0.5, 0.0], [0.9, 0.1, 0.0]])
    rows = [Prediction(str(i), "no class", CLASSES[0], ()) for i in range(2)]
    (tmp_path / "litert").mkdir()
    (tmp_path / litert_format.FLOAT16).touch()
    monkeypatch.setattr(comparison, "_answers", lambda *_: np.array(found))

    def compared() -> list[comparison.Compared]:
        return comparison.compare(tmp_path, [Path("none")], Expected(rows, known, CLASSES))

    if words:
        with pytest.raises(UserError, match=words):
            compared()
    else:
        assert [item.changed for item in compared()] == [1]


def test_the_golden_photos_are_of_as_many_classes_as_there_are() -> None:
    photos = [(label, bytes([index])) for index, label in enumerate([1, 1, 1, 0, 1, 2, 1, 1])]

    found = golden.chosen(photos, CLASSES)

    assert [item.encoded[0] for item in found] == [0, 3, 5, 1, 2]
    assert found[1].true == CLASSES[0]


def test_differences_are_said_in_powers_of_ten() -> None:
    assert page.below(0) == "below 0.0001"
    assert page.below(9e-5) == "below 0.0001"
    assert page.below(0.0123) == "below 0.1"


def test_the_card_has_the_sections_of_mitchell_and_others(exported: Path) -> None:
    card = (exported / "model_card.md").read_text(encoding="utf-8")

    sections = [line.removeprefix("## ") for line in card.splitlines() if line.startswith("## ")]
    assert sections == [
        "Model details", "Intended use", "Factors", "Metrics", "Evaluation data", "Training data",
        "Quantitative analyses", "Ethical considerations", "Caveats and recommendations",
    ]  # fmt: skip
    assert "first | a test's | 32 | 6 | MIT" in card
    assert CLASSES[2] in card
    assert "ynthetic" not in card
