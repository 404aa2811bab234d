"""``finetuned`` in params.yaml, what cannot be tuned, and what is said of what was."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import tunings
from ruamel.yaml import YAML

from transfer_learning.config import params
from transfer_learning.evaluation.significance import Pair
from transfer_learning.evaluation.verdict import worth
from transfer_learning.finetuning import checks, history
from transfer_learning.finetuning.history import TunedEpoch
from transfer_learning.photos import records
from transfer_learning.runtime.errors import UserError

PROJECT = Path(__file__).parents[1]
PLAIN = YAML(typ="safe", pure=True).load(PROJECT / "params.yaml")


def with_entry(name: str = "tuned", **keys: Any) -> dict[str, Any]:
    values = copy.deepcopy(PLAIN)
    values["finetuned"] = {name: {"from": "mobilenet_v2"} | keys}
    return values


def error_of(values: dict[str, Any]) -> str:
    with pytest.raises(UserError) as caught:
        checks.check(params.parse(values))
    return str(caught.value)


def test_an_entry_needs_nothing_but_its_source() -> None:
    parsed = params.parse(with_entry())

    checks.check(parsed)
    assert parsed.competitors == [*parsed.backbones, "tuned"]
    assert parsed.tuned_from == {"tuned": "mobilenet_v2"}
    assert parsed.frozen == [*parsed.backbones]


def test_a_tuned_backbone_may_be_joined_and_selected_and_have_a_head() -> None:
    values = with_entry() | {
        "joined": {"both": ["tuned", "mobilenet_v2"], "plain": ["mobilenet_v2"]},
        "selected": "tuned",
    }
    values["train"]["heads"] = {"tuned": "logistic"}

    parsed = params.parse(values)

    assert parsed.competitors == [*parsed.backbones, "tuned", "both", "plain"]
    # What a tuned backbone is part of has seen the photos too.
    assert parsed.frozen == [*parsed.backbones, "plain"]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"from": "resnet"}, "finetuned.tuned.from is 'resnet', but backbones has only "),
        ({"epochs": 0}, "finetuned.tuned.epochs is 0: "),
        ({"epochs": "8"}, "finetuned.tuned.epochs is '8': "),
        ({"batch_size": 2.5}, "finetuned.tuned.batch_size is 2.5: "),
        ({"learning_rate": 0}, "finetuned.tuned.learning_rate is 0: "),
        ({"learning_rate": float("inf")}, "finetuned.tuned.learning_rate is inf: "),
        ({"warmup": -1}, "finetuned.tuned.warmup is -1: "),
        ({"warmup": 9}, "finetuned.tuned.warmup is 9 epochs, but finetuned.tuned.epochs is 8"),
        ({"weight_decay": -0.1}, "finetuned.tuned.weight_decay is -0.1: "),
        ({"unfreeze": 0}, "finetuned.tuned.unfreeze"),
        ({"unfreeze": "some"}, "finetuned.tuned.unfreeze"),
        ({"label_smoothing": 1}, "finetuned.tuned.label_smoothing is 1: "),
        ({"patience": 0}, "finetuned.tuned.patience is 0: "),
        ({"seed": -1}, "finetuned.tuned.seed is -1: "),
        ({"precision": "float16"}, "finetuned.tuned.precision is 'float16': "),
        ({"augment": {"crop": 0}}, "finetuned.tuned.augment.crop is 0: "),
        ({"augment": {"flip": 1}}, "finetuned.tuned.augment.flip is 1: "),
        ({"augment": {"colour": 1}}, "finetuned.tuned.augment.colour is 1: "),
        ({"augment": {"color": 0.1}}, "finetuned.tuned.augment.color is not a known key"),
        ({"lr": 1}, "finetuned.tuned.lr is not a known key"),
    ],
)  # fmt: skip
def test_a_wrong_key_is_named(keys: dict[str, Any], message: str) -> None:
    assert f"params.yaml: {message}" in error_of(with_entry(**keys))


def test_a_missing_source_is_named() -> None:
    values = with_entry()
    del values["finetuned"]["tuned"]["from"]

    assert error_of(values) == "params.yaml: finetuned.tuned.from is missing"


@pytest.mark.parametrize(
    ("name", "joined", "message"),
    [
        ("mobilenet_v2", {}, "backbones and finetuned both have mobilenet_v2; rename one"),
        ("both", {"both": ["mobilenet_v2"]}, "finetuned and joined both have both; rename one"),
        ("Mobilenet_V2", {}, "which differ only in case"),
        ("best", {}, "a competitor is called best"),
        ("a/b", {}, "finetuned.a/b"),
    ],
)
def test_names_are_competitors_names(name: str, joined: dict[str, Any], message: str) -> None:
    assert message in error_of(with_entry(name) | {"joined": joined})


@pytest.mark.parametrize(
    ("handle", "reason"),
    [
        ("keras:ResNet50", "is kept as one graph whose weights are constants"),
        ("models/dinov2.onnx", "is a file that OpenVINO runs, which computes no gradients"),
        ("models/net.xml", "is a file that OpenVINO runs"),
    ],
)
def test_what_cannot_be_tuned_says_why_before_anything_is_fetched(handle: str, reason: str) -> None:
    values = with_entry()
    values["backbones"]["mobilenet_v2"]["handle"] = handle

    message = error_of(values)

    assert f"finetuned.tuned.from is mobilenet_v2 ({handle}), which {reason}" in message
    assert "so it cannot be tuned; tune a pypi: network or a TF2 SavedModel" in message


def test_a_saved_models_blocks_are_not_known() -> None:
    values = with_entry(unfreeze=3)
    values["backbones"]["mobilenet_v2"]["handle"] = "https://tfhub.dev/google/bit/m-r50x1/1"

    assert "finetuned.tuned.unfreeze is 3, but https://tfhub" in error_of(values)


class Candidate:
    multiply_adds = 1

    def __init__(self, right: int) -> None:
        self.metrics = type("Metrics", (), {"right": right, "accuracy": right / 100})()


@pytest.mark.parametrize("order", [("tuned", "frozen"), ("frozen", "tuned")])
@pytest.mark.parametrize(
    ("tuned", "p", "words"),
    [
        (95, 0.2, "Tuning frozen is not shown to be worth it: 95.0 % as tuned, 90.0 % frozen (p ="),
        (99, 0.01, "Tuning frozen was worth it: tuned is better by 9.0 points"),
        (80, 0.01, "Tuning frozen was not worth it: tuned is worse by 10.0 points"),
    ],
)
def test_the_verdict_says_whether_tuning_was_worth_it(
    order: tuple[str, str], tuned: int, p: float, words: str
) -> None:
    difference = (tuned - 90) / 100 * (1 if order[1] == "tuned" else -1)
    pair = Pair(*order, 80, 5, 5, 10, difference, (difference - 0.01, difference + 0.01), p, p)
    candidates: dict[str, Any] = {"tuned": Candidate(tuned), "frozen": Candidate(90)}

    assert worth(candidates, [pair], "tuned", "frozen").startswith(words)


def test_the_epochs_are_read_as_they_were_written_also_where_rounding_makes_losses_equal(
    tmp_path: Path,
) -> None:
    epochs = [
        TunedEpoch(0, None, None, 0.400001, 0.5),
        TunedEpoch(1, 0.9, 0.6, 0.4, 0.75),
        TunedEpoch(2, 0.8, 0.7, 0.4, 0.625),
    ]

    history.write(tmp_path / "tuning.csv", epochs)
    read, kept = history.read(tmp_path / "tuning.csv")

    assert history.best(epochs) is epochs[1]
    assert kept == epochs[1]
    assert read == [TunedEpoch(0, None, None, 0.4, 0.5), *epochs[1:]]


def test_a_photo_lies_where_it_is_said_to(tmp_path: Path) -> None:
    shards = records.shards(tunings.write_photos(tmp_path), "train")

    places, photos = list(records.locate(shards)), list(records.read(shards))

    assert len(places) == tunings.TRAIN
    for place, photo in zip(places, photos, strict=True):
        whole = place.path.read_bytes()
        assert whole[place.offset : place.offset + place.length] == photo.image
        assert (place.id, place.label) == (photo.id, photo.label)


def test_a_damaged_record_file_is_noticed_before_it_is_learnt_from(tmp_path: Path) -> None:
    (shard,) = records.shards(tunings.write_photos(tmp_path), "train")
    damaged = bytearray(shard.read_bytes())
    damaged[5_000] ^= 1
    shard.write_bytes(damaged)

    with pytest.raises(UserError, match="checksum"):
        list(records.locate([shard]))
