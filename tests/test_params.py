"""``params.yaml``: the project's own loads, and everything wrong has one clear error."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from transfer_learning.config.params import PARAMS, load
from transfer_learning.runtime.errors import UserError

Key = tuple[str | int, ...]


def read_yaml() -> dict[str, Any]:
    return YAML(typ="safe", pure=True).load(PARAMS)


def keys_of(section: dict[str, Any], above: Key = ()) -> Iterator[Key]:
    for name, value in section.items():
        yield (*above, name)
        if isinstance(value, dict):
            yield from keys_of(value, (*above, name))


def dotted(key: Key) -> str:
    return ".".join(map(str, key))


def write(params: dict[str, Any], folder: Path) -> Path:
    path = folder / "params.yaml"
    YAML(typ="safe", pure=True).dump(params, path)
    return path


def edited(folder: Path, key: str, value: Any) -> Path:
    """Write the project's params with ``key`` (dotted) set to ``value``."""
    params = read_yaml()
    *above, name = key.split(".")
    section = params
    for part in above:
        section = section[part]
    section[name] = value
    return write(params, folder)


def error_of(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        load(path)
    return str(caught.value)


# They have a default.
OPTIONAL = [
    ("dataset", "tfds", "try_gcs"),
    ("dataset", "stratify"),
    ("dataset", "group_duplicates"),
    ("extract",),
    ("extract", "precision"),
    ("finetuned",),
    ("joined",),
]
ALL_KEYS = list(keys_of(read_yaml()))
# Any name may be a backbone's: ``backbones`` itself has neither fixed nor unknown keys.
FIXED_KEYS = [key for key in ALL_KEYS if not (key[0] == "backbones" and len(key) == 2)]


def section_keys() -> list[Key]:
    params = read_yaml()
    found: list[Key] = [()]
    for key in ALL_KEYS:
        value: Any = params
        for part in key:
            value = value[part]
        if isinstance(value, dict) and key not in (("backbones",), ("finetuned",), ("joined",)):
            found.append(key)
    return found


def test_the_projects_own_file_loads_with_the_values_written_in_it() -> None:
    params = load()

    assert params.model_dump(exclude_unset=True) == read_yaml()


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("dataset", None, "None"),
        ("dataset.source", 1, "1"),
        ("dataset.rendered", [], "[]"),
        ("dataset.rendered.images_per_class", "200", "'200'"),
        ("dataset.rendered.seed", True, "True"),
        ("dataset.folder.path", None, "None"),
        ("dataset.folder.path", 7, "7"),
        ("dataset.folder.classes", "roses", "'roses'"),
        ("dataset.tfds.name", None, "None"),
        ("dataset.tfds.data_dir", 3, "3"),
        ("dataset.splits", "train", "'train'"),
        ("dataset.splits.train", 75, "75"),
        ("dataset.splits.valid", None, "None"),
        ("preprocess.method", False, "False"),
        ("preprocess.antialias", "no", "'no'"),
        ("preprocess.antialias", 0, "0"),
        ("preprocess.antialias", None, "None"),
        ("resolutions", 224, "224"),
        ("resolutions", None, "None"),
        ("backbones", ["mobilenet_v2"], "['mobilenet_v2']"),
        ("backbones.mobilenet_v2", None, "None"),
        ("backbones.mobilenet_v2.handle", 1, "1"),
        ("backbones.mobilenet_v2.resolution", "224", "'224'"),
        ("backbones.mobilenet_v2.resolution", 224.0, "224.0"),
        ("backbones.mobilenet_v2.sha256", 7, "7"),
        ("dataset.tfds.try_gcs", "no", "'no'"),
        ("extract", None, "None"),
        ("extract.precision", 32, "32"),
        ("train", None, "None"),
        ("train.epochs", "six", "'six'"),
        ("train.epochs", "6", "'6'"),
        ("train.epochs", 6.0, "6.0"),
        ("train.epochs", True, "True"),
        ("train.epochs", None, "None"),
        ("train.batch_size", 32.5, "32.5"),
        ("train.batch_size", 32.0, "32.0"),
        ("train.batch_size", True, "True"),
        ("train.dropout", "0.5", "'0.5'"),
        ("train.dropout", True, "True"),
        ("train.dropout", None, "None"),
        ("train.learning_rate", "fast", "'fast'"),
        ("train.learning_rate", False, "False"),
        ("train.learning_rate", None, "None"),
        ("train.seed", 0.5, "0.5"),
        ("train.seed", False, "False"),
        ("train.head", "linear", "'linear'"),
        ("train.heads", "logistic", "'logistic'"),
        ("train.strength", "path", "'path'"),
        ("train.strength", 0, "0"),
        ("train.refit", 1, "1"),
        ("selected", None, "None"),
        ("selected", 2, "2"),
    ],
)
def test_a_value_of_the_wrong_type_is_named_with_what_was_found(
    key: str, value: Any, found: str, tmp_path: Path
) -> None:
    path = edited(tmp_path, key, value)

    assert f"params.yaml: {key} is {found}: input should be" in error_of(path)


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("dataset.rendered.images_per_class", 0, "0"),
        ("dataset.rendered.seed", -1, "-1"),
        ("dataset.folder.max_megapixels", 0, "0"),
        ("dataset.folder.max_megapixels", 1001, "1001"),
        ("dataset.folder.path", "", "''"),
        ("dataset.tfds.name", "", "''"),
        ("dataset.source", "kaggle", "'kaggle'"),
        ("preprocess.method", "linear", "'linear'"),
        ("resolutions", [], "[]"),
        ("backbones", {}, "{}"),
        ("backbones.mobilenet_v2.handle", "", "''"),
        ("backbones.mobilenet_v2.resolution", 31, "31"),
        ("backbones.mobilenet_v2.sha256", "0123", "'0123'"),
        ("backbones.mobilenet_v2.sha256", "A" * 64, f"'{'A' * 64}'"),
        ("extract.precision", "float16", "'float16'"),
        ("backbones.mobilenet_v2.resolution", 1025, "1025"),
        ("train.epochs", 0, "0"),
        ("train.batch_size", 0, "0"),
        ("train.dropout", 1.0, "1.0"),
        ("train.dropout", -0.1, "-0.1"),
        ("train.dropout", math.nan, "nan"),
        ("train.learning_rate", 0, "0"),
        ("train.learning_rate", -0.001, "-0.001"),
        ("train.learning_rate", 10.5, "10.5"),
        ("train.learning_rate", math.nan, "nan"),
        ("train.learning_rate", math.inf, "inf"),
        ("train.seed", -1, "-1"),
        ("train.seed", 2**32, str(2**32)),
    ],
)
def test_a_value_out_of_range_is_named_with_what_was_found(
    key: str, value: Any, found: str, tmp_path: Path
) -> None:
    path = edited(tmp_path, key, value)

    assert f"params.yaml: {key} is {found}" in error_of(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dataset.rendered.seed", 0),
        ("train.epochs", 1),
        ("train.batch_size", 1),
        ("train.dropout", 0),
        ("train.dropout", 0.99),
        ("train.learning_rate", 10),
        ("train.seed", 2**32 - 1),
        ("dataset.folder.classes", ["b", "a"]),
        ("dataset.tfds.data_dir", "somewhere"),
    ],
)
def test_a_value_at_the_edge_of_its_range_is_kept(key: str, value: Any, tmp_path: Path) -> None:
    found: Any = load(edited(tmp_path, key, value)).model_dump()
    for part in key.split("."):
        found = found[part]

    assert found == value


@pytest.mark.parametrize("section", section_keys(), ids=lambda key: dotted(key) or "top")
def test_an_unknown_key_at_any_level_is_named(section: Key, tmp_path: Path) -> None:
    key = dotted((*section, "epoch"))

    message = error_of(edited(tmp_path, key, 3))

    assert message == f"params.yaml: {key} is not a known key; remove it or correct its spelling"


@pytest.mark.parametrize("key", [key for key in FIXED_KEYS if key not in OPTIONAL], ids=dotted)
def test_a_missing_key_is_named(key: Key, tmp_path: Path) -> None:
    params = read_yaml()
    *above, name = key
    section: Any = params
    for part in above:
        section = section[part]
    del section[name]

    assert error_of(write(params, tmp_path)) == f"params.yaml: {dotted(key)} is missing"


def test_every_wrong_key_is_named_at_once(tmp_path: Path) -> None:
    params = read_yaml()
    params["train"] |= {"epochs": 0, "batch_size": "many"}
    del params["preprocess"]["method"]

    lines = error_of(write(params, tmp_path)).splitlines()

    assert [line.split()[1] for line in lines] == [
        "preprocess.method",
        "train.epochs",
        "train.batch_size",
    ]


@pytest.mark.parametrize("written", ["1e-3", "1.0e-3", "0.001"])
def test_a_learning_rate_in_scientific_notation_is_a_number(written: str, tmp_path: Path) -> None:
    text = PARAMS.read_text(encoding="utf-8")
    assert text.count("learning_rate: 0.001") == 1
    path = tmp_path / "params.yaml"
    path.write_text(text.replace("learning_rate: 0.001", f"learning_rate: {written}"), "utf-8")

    assert load(path).train.learning_rate == 0.001


@pytest.mark.parametrize("name", ["mobile/net", "../net", "", "-net", "mobile net", "net.v2"])
def test_a_backbone_name_unfit_for_a_folder_is_refused(name: str, tmp_path: Path) -> None:
    params = read_yaml()
    params["backbones"][name] = {"handle": "pypi:some-package==1.0", "resolution": 224}

    message = error_of(write(params, tmp_path))

    assert message.startswith(f"params.yaml: backbones.{name}")
    assert repr(name) in message


def test_a_resolution_without_a_backbone_is_refused(tmp_path: Path) -> None:
    message = error_of(edited(tmp_path, "resolutions", [224, 260, 300]))

    assert "resolutions has 300, but no backbone" in message


def test_a_backbone_whose_resolution_is_not_listed_is_refused(tmp_path: Path) -> None:
    message = error_of(edited(tmp_path, "resolutions", [224]))

    assert "backbones.efficientnet_lite2.resolution is 260" in message
    assert "(224)" in message


def test_a_resolution_listed_twice_is_refused(tmp_path: Path) -> None:
    message = error_of(edited(tmp_path, "resolutions", [224, 260, 224]))

    assert "resolutions lists a size twice (224, 260, 224)" in message


def test_a_wrong_item_of_resolutions_is_named_with_its_position(tmp_path: Path) -> None:
    message = error_of(edited(tmp_path, "resolutions", [224, "big"]))

    assert "params.yaml: resolutions.1 is 'big'" in message


def test_a_selected_backbone_that_is_not_there_is_refused(tmp_path: Path) -> None:
    message = error_of(edited(tmp_path, "selected", "resnet"))

    assert "selected is 'resnet'" in message
    for name in read_yaml()["backbones"]:
        assert name in message


@pytest.mark.parametrize(
    "raw",
    [
        b"train: {epochs: 6",
        b"train: 1\ntrain: 2\n",
        b"a:\n\t- 1",
        b"a: !!python/none x",
        b"a: \xff\xfe",
    ],
)
def test_invalid_yaml_is_named_with_the_file(raw: bytes, tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(raw)

    message = error_of(path)

    assert message.startswith(f"{path} is not valid YAML: ")
    assert "\n" not in message


@pytest.mark.parametrize(("raw", "found"), [("", "None"), ("# nothing\n", "None"), ("[1]", "[1]")])
def test_a_file_without_keys_is_refused(raw: str, found: str, tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(raw, "utf-8")

    assert f"params.yaml: the file is {found}" in error_of(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "params.yaml"

    message = error_of(path)

    assert str(path) in message
    assert "No such file" in message


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"a: " + b"[" * 500 + b"]" * 500, "nests deeper than 20 levels in line 1"),
        (b"a: 2024-13-45", "is not valid YAML: month must be in 1..12"),
        (b"a: " + b"9" * 5000, "is not valid YAML: Exceeds the limit"),
        (b"a: &a [1]\nb: *a", "has an alias (*) in line 2"),
        (b'a: "\\ud800"', "has the character '\\ud800' in line 1"),
        (b'a: "\\0"', "has the character '\\x00' in line 1"),
        ("a: 1".encode("utf-16"), "byte 1 is not UTF-8; save it as UTF-8"),
        (b"#" * 50_001, "has more than 50,000 bytes"),
    ],
    ids=["nesting", "date", "digits", "alias", "surrogate", "null", "utf-16", "size"],
)
def test_a_file_that_would_break_the_reader_is_refused_in_one_line(
    raw: bytes, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(raw)

    message = error_of(path)

    assert message.startswith(f"{path} ")
    assert words in message
    assert "\n" not in message


def test_an_alias_bomb_is_refused_before_it_is_built(tmp_path: Path) -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    path = tmp_path / "params.yaml"
    path.write_text("\n".join(rows), "utf-8")

    assert "has an alias (*) in line 2" in error_of(path)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("dataset.rendered.images_per_class", 1e9, "input should be a valid integer"),
        ("dataset.rendered.images_per_class", 100_001, "less than or equal to 100000"),
        ("dataset.rendered.seed", 2**32, "less than 4294967296"),
        ("train.epochs", 10**30, "less than or equal to 10000"),
        ("train.batch_size", 10**30, "less than or equal to 1000000"),
        ("dataset.folder.path", f"photos/{'é' * 150}", "has 300 bytes, and file systems take 255"),
        ("dataset.tfds.data_dir", "d" * 256, "has 256 bytes"),
        ("backbones.mobilenet_v2.handle", "m" * 256, "has 256 bytes"),
        ("backbones.mobilenet_v2.handle", "https://a.b/" + "m" * 2000, "at most 2000 characters"),
        ("dataset.splits.train", "+".join(["train[:1]"] * 2000), "at most 2000 characters"),
    ],
)
def test_a_value_beyond_what_a_computer_takes_is_refused_with_the_limit(
    key: str, value: Any, words: str, tmp_path: Path
) -> None:
    message = error_of(edited(tmp_path, key, value))

    assert message.startswith(f"params.yaml: {key} is ")
    assert words in message
    assert len(message) < 400


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/", "/a", "a\\b", "é" * 128])
def test_a_class_that_is_no_folder_of_its_own_is_refused(name: str, tmp_path: Path) -> None:
    message = error_of(edited(tmp_path, "dataset.folder.classes", ["a", name]))

    assert message.startswith(f"params.yaml: dataset.folder.classes.1 is {name!r}"[:80])


@pytest.mark.parametrize("name", ["CON", "nul", "Com1", "lpt9", "n" * 65])
def test_a_backbone_name_that_some_system_cannot_store_is_refused(
    name: str, tmp_path: Path
) -> None:
    message = error_of(edited(tmp_path, f"backbones.{name}", read_yaml()["backbones"]))

    assert message.startswith(f"params.yaml: backbones.{name} is {name!r}: ")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "train.heads",
            {"mobilenet": "logistic"},
            "train.heads has 'mobilenet', but backbones has only efficientnet_lite2, mobilenet_v2",
        ),
        (
            "train.refit",
            True,
            "train.refit is true, but no head is logistic; set train.head to logistic",
        ),
    ],
)
def test_heads_and_refit_that_mean_nothing_are_refused(
    tmp_path: Path, key: str, value: Any, message: str
) -> None:
    assert error_of(edited(tmp_path, key, value)) == f"params.yaml: {message}"


@pytest.mark.parametrize(
    ("joined", "message"),
    [
        ({"both": ["mobilenet_v2", "resnet"]}, "joined.both has 'resnet', but backbones has only"),
        ({"both": ["mobilenet_v2"] * 2}, "joined.both has a backbone twice (mobilenet_v2, mob"),
        ({"both": []}, "joined.both is []: list should have at least 1 item"),
        ({"a/b": ["mobilenet_v2"]}, "joined.a/b"),
        (
            {"mobilenet_v2": ["efficientnet_lite2"]},
            "backbones and joined both have mobilenet_v2; rename one",
        ),
        (
            {"MobileNet_V2": ["efficientnet_lite2"]},
            "backbones and joined have mobilenet_v2 and MobileNet_V2, which differ only in case",
        ),
    ],
)
def test_joined_backbones_that_cannot_be_are_refused(
    tmp_path: Path, joined: dict[str, list[str]], message: str
) -> None:
    assert f"params.yaml: {message}" in error_of(edited(tmp_path, "joined", joined))


def test_a_joined_name_is_a_competitor_that_can_be_selected(tmp_path: Path) -> None:
    params = read_yaml() | {
        "joined": {"both": ["mobilenet_v2", "efficientnet_lite2"]},
        "selected": "both",
    }

    loaded = load(write(params, tmp_path))

    assert loaded.competitors == [*loaded.backbones, "both"]


def test_a_head_is_chosen_for_all_or_by_name(tmp_path: Path) -> None:
    train = load(edited(tmp_path, "train.heads", {"mobilenet_v2": "logistic"})).train
    refitted = train.model_copy(update={"refit": True})

    assert [train.head_of(name) for name in ("mobilenet_v2", "efficientnet_lite2")] == [
        "logistic",
        "dense",
    ]
    assert refitted.refits("mobilenet_v2")
    assert not refitted.refits("efficientnet_lite2")
    assert not train.refits("mobilenet_v2")


def test_the_best_may_be_selected_and_no_backbone_is_called_so(tmp_path: Path) -> None:
    backbones = read_yaml()["backbones"]
    best = backbones | {"best": dict(backbones["mobilenet_v2"])}

    assert load(edited(tmp_path, "selected", "best")).selected == "best"
    assert "a competitor is called best, which under selected means" in error_of(
        edited(tmp_path, "backbones", best)
    )


def test_backbones_that_differ_only_in_case_are_refused(tmp_path: Path) -> None:
    twin = read_yaml()["backbones"]["mobilenet_v2"]

    message = error_of(edited(tmp_path, "backbones.MobileNet_V2", twin))

    assert message == (
        "params.yaml: backbones has MobileNet_V2 and mobilenet_v2, which differ only in case"
    )


def test_keys_at_odds_with_each_other_are_all_named_at_once(tmp_path: Path) -> None:
    params = read_yaml() | {"resolutions": [224, 300], "selected": "resnet"}

    lines = error_of(write(params, tmp_path)).splitlines()

    assert [line.split()[1] for line in lines] == [
        "selected",
        "backbones.efficientnet_lite2.resolution",
        "resolutions",
    ]


def test_a_long_value_is_quoted_only_in_part(tmp_path: Path) -> None:
    message = error_of(edited(tmp_path, "train.epochs", "6" * 5000))

    assert f"train.epochs is '{'6' * 78}…: input should be" in message


def test_of_many_problems_the_first_are_named_and_the_rest_counted(tmp_path: Path) -> None:
    params = read_yaml() | {f"unknown{n}": n for n in range(1000)}

    lines = error_of(write(params, tmp_path)).splitlines()

    assert len(lines) == 21
    assert lines[-1] == "params.yaml: and 980 more"
