"""A classifier read from its folder: answers, refusals, order, threads, and tampering."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from exports import CLASSES, PHOTOS, SIDES, python
from photo_kinds import DEEP

from transfer_learning.classifier.classifier import AHEAD, Answer, Classifier, Refused
from transfer_learning.classifier.manifest import FILE
from transfer_learning.runtime import hardware
from transfer_learning.runtime.errors import UserError


@pytest.fixture(scope="module")
def classifier(exported: Path) -> Iterator[Classifier]:
    found = Classifier.load(exported)
    yield found
    found.close()


@pytest.fixture
def copy(exported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "copy"))


def refusal(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        Classifier.load(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_answers_come_in_order_with_calibrated_probabilities(classifier: Classifier) -> None:
    found = dict(classifier.classify(PHOTOS.items()))

    assert list(found) == list(PHOTOS)
    assert classifier.engine == "openvino"
    assert len({answer.label for answer in found.values()}) > 1
    for answer in found.values():
        assert isinstance(answer, Answer)
        assert answer.probabilities.dtype == np.float64
        assert answer.probabilities.sum() == pytest.approx(1)
        assert answer.label == CLASSES[answer.probabilities.argmax()]
        assert answer.score == answer.probabilities.max()
        assert answer.sure == (answer.score >= 0.7)


def test_broken_photos_are_refused_alone(classifier: Classifier) -> None:
    good = PHOTOS["PNG"]
    photos = [
        (1, good),
        (2, b"text"),
        (3, FileNotFoundError(2, "No such file or directory")),
        (4, DEEP),
        (5, good[:200]),
        (6, b""),
        (7, good),
    ]

    found = dict(classifier.classify(photos))

    assert [key for key, answer in found.items() if isinstance(answer, Refused)] == [2, 3, 4, 5, 6]
    assert found[3] == Refused("no such file or directory")
    assert found[6] == Refused("an empty file")
    np.testing.assert_array_equal(found[1].probabilities, found[7].probabilities)


def test_a_photo_beyond_the_limit_is_refused(exported: Path) -> None:
    small = Classifier.load(exported, megapixels=0.001)

    answer = small.answer(PHOTOS["PNG"])
    small.close()

    assert answer == Refused("it has 0.002867 megapixels, and 0.001 are allowed")


def test_an_answer_is_the_same_bit_by_bit_whatever_it_is_asked_with(
    classifier: Classifier,
) -> None:
    alone = {name: classifier.answer(photo).probabilities for name, photo in PHOTOS.items()}
    order = list(PHOTOS) * 5
    np.random.default_rng(0).shuffle(order)

    for name, answer in classifier.classify((name, PHOTOS[name]) for name in order):
        np.testing.assert_array_equal(answer.probabilities, alone[name])


def test_several_threads_may_ask_at_once(classifier: Classifier) -> None:
    alone = {name: classifier.answer(photo).probabilities for name, photo in PHOTOS.items()}
    wrong: list[str] = []

    def ask() -> None:
        for name, answer in classifier.classify(list(PHOTOS.items()) * 3):
            if not np.array_equal(answer.probabilities, alone[name]):
                wrong.append(name)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []


def test_photos_are_taken_as_they_are_asked_for(classifier: Classifier) -> None:
    taken = 0

    def photos() -> Iterator[tuple[int, bytes]]:
        nonlocal taken
        for index in range(10_000):
            taken += 1
            yield index, PHOTOS["PNG"]

    answers = classifier.classify(photos())
    first = [next(answers)[0] for _ in range(3)]
    answers.close()

    assert first == [0, 1, 2]
    assert taken <= AHEAD * hardware.cores() + len(first)
    assert isinstance(classifier.answer(PHOTOS["PNG"]), Answer)


def test_no_export_names_the_command_that_makes_one(tmp_path: Path) -> None:
    assert "make export" in refusal(tmp_path)


def test_an_export_of_another_version_is_refused(copy: Path) -> None:
    described = json.loads((copy / FILE).read_text())
    (copy / FILE).write_text(json.dumps(described | {"version": 99}))

    assert "is of version 99" in refusal(copy)


@pytest.mark.parametrize("name", ["head.npz", "openvino/network.xml", "openvino/network.bin"])
def test_a_file_that_was_tampered_with_is_named(name: str, copy: Path) -> None:
    path = copy / name
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    changed = refusal(copy)
    path.unlink()
    missing = refusal(copy)

    assert name in changed
    assert "not the file" in changed
    assert f"{name} is missing" in missing


def test_a_damaged_description_is_named(copy: Path) -> None:
    (copy / FILE).write_text("{")

    assert FILE in refusal(copy)


def test_where_openvino_has_no_network_tensorflow_answers(
    classifier: Classifier, copy: Path
) -> None:
    described = json.loads((copy / FILE).read_text())
    described["files"] = {
        name: digest for name, digest in described["files"].items() if "openvino" not in name
    }
    (copy / FILE).write_text(json.dumps(described))

    other = Classifier.load(copy)
    found = dict(other.classify(PHOTOS.items()))
    other.close()

    assert other.engine == "tensorflow"
    for name, answer in classifier.classify(PHOTOS.items()):
        np.testing.assert_allclose(found[name].probabilities, answer.probabilities, atol=1e-5)


def test_it_needs_neither_tensorflow_nor_scikit_learn(exported: Path) -> None:
    code = (
        "import sys; from pathlib import Path; "
        "from transfer_learning.classifier.classifier import Classifier; "
        f"c = Classifier.load(Path({str(exported)!r})); "
        f"print(c.answer(Path({str(exported)!r}, 'golden/1.jpg').read_bytes()).label); "
        "print([n for n in ('tensorflow', 'sklearn', 'scipy', 'matplotlib') if n in sys.modules])"
    )

    done = python("-c", code, PYTHONIOENCODING="utf-8")

    assert done.returncode == 0, done.stderr
    label, modules = done.stdout.decode().splitlines()
    assert label in CLASSES
    assert modules == "[]"


def test_the_members_are_those_of_the_head(classifier: Classifier) -> None:
    members = classifier.manifest.members

    assert {item.name: item.resolution for item in members} == SIDES
    assert len(classifier.manifest.revision) == 12
