"""Drill: whatever stands in ``params.yaml`` ends in success or in one short, prompt error."""

import copy
import re
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from transfer_learning.commands.check import check
from transfer_learning.config.params import load
from transfer_learning.runtime.errors import QUOTED, UserError
from transfer_learning.sources import splits

DEFAULTS = (Path(__file__).parents[2] / "params.yaml").read_text(encoding="utf-8")
SECONDS = 5.0
CHARACTERS = 10_000
DRILL = settings(
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

texts = st.text(max_size=20) | st.sampled_from(
    ["", ".", "..", "../x", "/x", "a/", "CON", "~", "x" * 300, "é" * 5000, "\0", "\u2028",
     "; touch x", "$(x)", "${x}", "\u202e", "https://", "pypi:", "http://[", "file:///x"]
)  # fmt: skip
scalars = (
    texts
    | st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**30, -(10**30), 10**400, 2**63, 0])
    | st.floats()
    | st.dates()
    | st.binary(max_size=8)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
# Text that YAML's own syntax gives a meaning, most of it broken.
syntax = st.sampled_from(
    ["\t", "'", '"', "[", "]" , "{", "}", "&a ", "*a", "<<: *a", "!!python/object:os.system ",
     "!!binary ", "!!timestamp x", "!!float ", "!!int x", "!!set ", "!!omap ", "---\n", "...\n",
     "%YAML 1.1\n", "%TAG ! x\n", "? ", ": ", "- ", "|\n", ">-\n", "2024-13-45", "9" * 5000,
     "0x" + "f" * 5000, "0o9", ".inf", "1e999", '"\\ud800"', '"\\x00"', "[" * 2000, "{a: " * 50,
     "\ufeff", "\x85", "\r", "#", "@", "`", "x: 1\nx: 2\n", "train: 1\n"]
)  # fmt: skip
slices = st.text(max_size=12) | st.builds(
    "".join,
    st.lists(
        st.sampled_from(
            ["train", "test", "all", "[", "]", ":", "%", "-", "+", "1", "50", "100", ".", " ", "e9",
             "9" * 5000, "shard", "abs", "_", "train[:1]+" * 99, "train[10%:20%]", "\n", "²"]
        ),
        max_size=10,
    ),
)  # fmt: skip


def dump(params: Any, path: Path) -> None:
    YAML(typ="safe", pure=True).dump(params, path)


def places(section: Any, above: tuple = ()) -> list[tuple]:
    found = [above]
    if isinstance(section, dict | list):
        pairs = section.items() if isinstance(section, dict) else enumerate(section)
        for key, value in pairs:
            found += places(value, (*above, key))
    return found


def parent_of(params: Any, place: tuple) -> Any:
    for key in place[:-1]:
        params = params[key]
    return params


PARAMS = YAML(typ="safe", pure=True).load(DEFAULTS)
PLACES = places(PARAMS)[1:]


class Table:
    """What was tried, and how each ended."""

    def __init__(self) -> None:
        self.ends: dict[str, Counter] = {}

    def tried(self, kind: str, action: Callable[[], Any]) -> None:
        start = time.process_time()
        try:
            action()
        except UserError as error:
            message, end = str(error), "one error"
            assert 0 < len(message) <= CHARACTERS, message[:1000]
            # It can be printed, and every line says where it belongs.
            assert all("params.yaml" in line for line in message.encode().decode().splitlines())
        else:
            end = "accepted"
        # Of the processor's time, whatever else it has to do.
        assert time.process_time() - start < SECONDS
        self.ends.setdefault(kind, Counter())[end] += 1

    def __str__(self) -> str:
        rows = [
            f"{kind:10} {ends.total():6} {ends['accepted']:9} {ends['one error']:10}"
            for kind, ends in self.ends.items()
        ]
        return "\n".join(["kind        tried  accepted  one error", *rows])


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Table:
    found = Table()
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def show() -> None:
        with capture.global_and_fixture_disabled():
            print(f"\nparameters, mutated: every one survived\n{found}")

    request.addfinalizer(show)
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "params.yaml"


@seed(0)
@settings(DRILL, max_examples=250)
@given(place=st.sampled_from(PLACES), value=values)
def test_any_value_anywhere(place: tuple, value: Any, table: Table, path: Path) -> None:
    params = copy.deepcopy(PARAMS)
    parent_of(params, place)[place[-1]] = value
    try:
        dump(params, path)
    except UnicodeEncodeError:  # Half a character; the syntax drill writes it as YAML can.
        return
    table.tried("value", lambda: load(path))


@seed(0)
@settings(DRILL, max_examples=150)
@given(places=st.lists(st.sampled_from(PLACES), min_size=1, max_size=3), name=texts)
def test_any_key_removed_copied_or_renamed(
    places: list[tuple], name: str, table: Table, path: Path
) -> None:
    params = copy.deepcopy(PARAMS)
    for number, place in enumerate(places):
        try:
            parent = parent_of(params, place)
            value = copy.deepcopy(parent[place[-1]])
        except (KeyError, IndexError):  # Removed with its section.
            continue
        if number % 2 == 0:
            del parent[place[-1]]
        if isinstance(parent, list):
            parent.append(value)
        else:
            parent[name] = value
    dump(params, path)
    table.tried("key", lambda: load(path))


@seed(0)
@settings(DRILL, max_examples=450)
@given(
    position=st.integers(0, len(DEFAULTS)),
    text=syntax | st.text(max_size=5),
    removed=st.integers(0, 30),
)
def test_any_text_anywhere(
    position: int, text: str, removed: int, table: Table, path: Path
) -> None:
    changed = DEFAULTS[:position] + text + DEFAULTS[position + removed :]
    path.write_bytes(changed.encode(errors="surrogatepass"))
    table.tried("syntax", lambda: load(path))


@seed(0)
@settings(DRILL, max_examples=200)
@given(position=st.integers(0, len(DEFAULTS)), inserted=st.binary(max_size=6))
def test_any_bytes_anywhere(position: int, inserted: bytes, table: Table, path: Path) -> None:
    encoded = DEFAULTS.encode()
    path.write_bytes(encoded[:position] + inserted + encoded[position:])
    table.tried("bytes", lambda: load(path))


@seed(0)
@settings(DRILL, max_examples=400)
@given(text=slices, count=st.sampled_from([0, 1, 40, 1000]))
def test_any_slice(text: str, count: int, table: Table) -> None:
    table.tried("slice", lambda: splits.check({"train": text}))
    table.tried("slice", lambda: splits.resolve({"train": text, "test": "train[:1]"}, count))


# Each is long, and made of x or 1, so that what a message shows of it can be counted.
LONG = [
    "x" * 1_900, "/".join(["x" * 200] * 9), "https://h/" + "x" * 1_900, "http://h/" + "x" * 1_900,
    "pypi:" + "x" * 1_000, "keras:" + "x" * 1_000, "x" * 240 + ".onnx", "~" + "x" * 240, "x:" * 900,
    "train[" + "x" * 900 + "]", "train[" + "1" * 900 + ":]",
]  # fmt: skip
TEXTS = [
    ("rendered", ("dataset", "source")),
    ("rendered", ("dataset", "splits", "test")),
    ("folder", ("dataset", "folder", "path")),
    ("folder", ("dataset", "folder", "classes")),
    ("tfds", ("dataset", "tfds", "name")),
    ("tfds", ("dataset", "tfds", "data_dir")),
    ("rendered", ("backbones", "mobilenet_v2", "handle")),
    ("rendered", ("preprocess", "method")),
    ("rendered", ("selected",)),
]


@pytest.mark.parametrize(("source", "place"), TEXTS)
def test_a_message_shows_at_most_80_characters_of_a_value(
    source: str, place: tuple, table: Table, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    (path.parent / "photos").mkdir()
    for long in LONG:
        params = copy.deepcopy(PARAMS)
        params["dataset"]["source"] = source
        params["dataset"]["folder"]["path"] = "photos"
        parent_of(params, place)[place[-1]] = [long] * 9 if place[-1] == "classes" else long
        dump(params, path)

        message = ""
        try:
            check()
        except UserError as error:
            message = str(error)

        assert max(map(len, re.findall("[x:/1]+", message)), default=0) <= QUOTED, message
        table.tried("long", lambda: load(path))
