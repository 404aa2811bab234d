"""PyTorch's old pickle format: what is read, and what is refused without being run."""

from __future__ import annotations

import pickle
import re
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hostile_pickles import PICKLES
from torch_files import (
    MAGIC_NUMBER,
    Tensor,
    call,
    constant,
    file_bytes,
    global_,
    stack_global,
    state_dict_opcodes,
    tensor_opcodes,
    torch_file,
    whole,
    whole_tensors,
)

from transfer_learning.backbones.torch_pickle import WeightsFileError, read_state_dict


def written(folder: Path, content: bytes) -> Path:
    path = folder / "weights.pth"
    path.write_bytes(content)
    return path


def refusal(path: Path) -> str:
    """Return the message with which the file is refused, which always names the file."""
    with pytest.raises(WeightsFileError, match=re.escape(str(path))) as caught:
        read_state_dict(path)
    return str(caught.value)


# What is read


def test_float32_and_int64_tensors_come_back_as_they_were(tmp_path: Path) -> None:
    weight = np.linspace(-3, 3, 24, dtype=np.float32).reshape(2, 3, 4)
    count = np.array([7, -(2**40)], dtype=np.int64)
    scalar = np.array(5, dtype=np.int64)
    path = written(tmp_path, whole_tensors(weight=weight, count=count, scalar=scalar))

    state = read_state_dict(path)

    for name, expected in (("weight", weight), ("count", count), ("scalar", scalar)):
        assert state[name].dtype == expected.dtype
        assert state[name].shape == expected.shape
        np.testing.assert_array_equal(state[name], expected)


def test_tensors_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    one = np.ones(1, np.float32)
    path = written(tmp_path, whole_tensors(z=one, a=one, m=one))
    assert list(read_state_dict(path)) == ["z", "a", "m"]


def test_tensors_may_share_a_storage_at_different_offsets(tmp_path: Path) -> None:
    tensors = {"head": Tensor("0", (2,), (1,)), "tail": Tensor("0", (2, 2), (2, 1), offset=3)}
    path = written(tmp_path, torch_file(tensors, {"0": np.arange(7, dtype=np.float32)}))

    state = read_state_dict(path)

    np.testing.assert_array_equal(state["head"], [0, 1])
    np.testing.assert_array_equal(state["tail"], [[3, 4], [5, 6]])


def test_a_transposed_tensor_keeps_its_own_shape(tmp_path: Path) -> None:
    tensors = {"transposed": Tensor("0", (3, 2), (1, 3))}
    path = written(tmp_path, torch_file(tensors, {"0": np.arange(6, dtype=np.float32)}))
    np.testing.assert_array_equal(read_state_dict(path)["transposed"], [[0, 3], [1, 4], [2, 5]])


def test_storages_are_matched_by_key_and_not_by_place(tmp_path: Path) -> None:
    tensors = {"first": Tensor("b", (1,), (1,)), "second": Tensor("a", (2,), (1,))}
    storages = {"a": np.array([1, 2], np.int64), "b": np.array([0.5], np.float32)}

    state = read_state_dict(written(tmp_path, torch_file(tensors, storages)))

    np.testing.assert_array_equal(state["first"], [0.5])
    np.testing.assert_array_equal(state["second"], [1, 2])


# What is refused, and never run


def attacks(sentinel: Path) -> dict[tuple[str, str], list[bytes]]:
    """Return calls by the name they need; each makes the sentinel file when a pickle runs it."""
    return {
        ("os", "system"): [constant(f"touch '{sentinel}'")],
        ("posix", "system"): [constant(f"touch '{sentinel}'")],
        ("builtins", "eval"): [constant(f"open({str(sentinel)!r}, 'w').close()")],
        ("subprocess", "Popen"): [constant(["touch", str(sentinel)])],
    }


ATTACKS = list(attacks(Path("sentinel")))
OPCODES = {"GLOBAL": global_, "STACK_GLOBAL": stack_global}


def attack(named: tuple[str, str], opcode: str, sentinel: Path) -> bytes:
    return call(OPCODES[opcode](*named), *attacks(sentinel)[named])


@pytest.mark.parametrize("opcode", OPCODES)
@pytest.mark.parametrize("named", ATTACKS, ids=".".join)
def test_the_attacks_of_these_tests_do_work_on_a_plain_unpickler(
    named: tuple[str, str], opcode: str, tmp_path: Path
) -> None:
    sentinel = tmp_path / "sentinel"
    result = pickle.loads(whole(attack(named, opcode, sentinel)))
    if named == ("subprocess", "Popen"):
        result.wait()
    assert sentinel.exists()


@pytest.mark.parametrize("place", ["first pickle", "object", "nested"])
@pytest.mark.parametrize("opcode", OPCODES)
@pytest.mark.parametrize("named", ATTACKS, ids=".".join)
def test_a_pickle_that_names_anything_else_is_refused_and_not_run(
    named: tuple[str, str], opcode: str, place: str, tmp_path: Path
) -> None:
    sentinel = tmp_path / "sentinel"
    hostile = attack(named, opcode, sentinel)
    storages = {"0": np.ones(2, np.float32)}
    good = tensor_opcodes(Tensor("0", (2,), (1,)), storages["0"])
    content = {
        "first pickle": file_bytes(state_dict_opcodes({"good": good}), storages, magic=hostile),
        "object": file_bytes(hostile, storages),
        "nested": file_bytes(
            state_dict_opcodes(
                {
                    "good": good,
                    "bad": call(global_("collections", "OrderedDict"), b"]" + hostile + b"a"),
                }
            ),
            storages,
        ),
    }[place]

    message = refusal(written(tmp_path, content))

    assert ".".join(named) in message
    assert not sentinel.exists()


@pytest.mark.parametrize("opcode", OPCODES)
def test_only_the_one_rebuild_function_of_torch_is_admitted(opcode: str, tmp_path: Path) -> None:
    storages = {"0": np.ones(2, np.float32)}
    function = OPCODES[opcode]("torch._utils", "_rebuild_tensor")
    tensor = tensor_opcodes(Tensor("0", (2,), (1,)), storages["0"], function)

    message = refusal(written(tmp_path, file_bytes(state_dict_opcodes({"w": tensor}), storages)))

    assert re.search(r"torch\._utils\._rebuild_tensor\b", message)


def test_a_dotted_name_does_not_reach_through_an_admitted_one(tmp_path: Path) -> None:
    # With STACK_GLOBAL, Python's own unpickler follows the dots of a name.
    sneaky = call(stack_global("collections", "OrderedDict.fromkeys"), constant(("a", "b")))
    assert "OrderedDict.fromkeys" in refusal(written(tmp_path, file_bytes(sneaky, {})))


def test_a_storage_of_another_type_is_refused_by_name(tmp_path: Path) -> None:
    path = written(tmp_path, whole_tensors(w=np.ones(2, np.float64)))
    assert "torch.DoubleStorage" in refusal(path)


# What is refused before it hangs or fills the memory


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a nested persistent id", "persistent id"),
        ("a nested key of a storage", "persistent id"),
        ("a nested key of a dict", "a tuple for a name"),
        ("a nested argument of OrderedDict", "a call that no state dict makes"),
        ("strides of 0, 4 GB", "its tensors hold more elements than its storages"),
        ("1,000 views of one storage", "its tensors hold more elements than its storages"),
        ("overlapping rows", "its tensors hold more elements than its storages"),
        ("five pickles of 49,000 opcodes", "not a state dict with its storages"),
        ("10,000,000 lists", "more than 50,000 opcodes"),
        ("a state for a storage's type", "a _Global where a tensor should be"),
        ("a storage of 1 TB", "storage 0 is cut short"),
    ],
)
def test_a_file_that_would_hang_or_fill_the_memory_is_refused(
    name: str, words: str, tmp_path: Path
) -> None:
    path = written(tmp_path, PICKLES[name]())
    tracemalloc.start()
    start = time.perf_counter()

    message = refusal(path)

    seconds, (_, peak) = time.perf_counter() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert words in message
    # Tracing the memory takes most of the time.
    assert seconds < 10
    assert peak < 50e6


def test_an_error_quotes_little_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, PICKLES["a name of 1 MB in the error"]())

    assert len(refusal(path)) < len(str(path)) + 300


# Damaged files and other formats


def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    content = whole_tensors(w=np.ones((2, 2), np.float32), n=np.array([3], np.int64))
    assert list(read_state_dict(written(tmp_path, content))) == ["w", "n"]
    for length in range(len(content)):
        refusal(written(tmp_path, content[:length]))


def test_another_magic_number_is_refused(tmp_path: Path) -> None:
    content = file_bytes(state_dict_opcodes({}), {}, magic=constant(MAGIC_NUMBER + 1))
    assert "magic number" in refusal(written(tmp_path, content))


def test_a_storage_of_another_length_than_its_tensors_say_is_refused(tmp_path: Path) -> None:
    tensor = tensor_opcodes(Tensor("0", (2,), (1,)), np.ones(2, np.float32))
    content = file_bytes(state_dict_opcodes({"w": tensor}), {"0": np.ones(3, np.float32)})
    assert "storage 0" in refusal(written(tmp_path, content))


@pytest.mark.parametrize(
    "tensor",
    [
        Tensor("0", (5,), (1,)),
        Tensor("0", (2,), (1,), offset=3),
        Tensor("0", (2,), (1,), offset=9),
        Tensor("0", (2, 2), (3, 1)),
        Tensor("0", (2,), (1,), offset=-2),
        Tensor("0", (2,), (-1,), offset=1),
        Tensor("0", (2, 2), (-2, 1)),
        Tensor("0", (-1,), (1,)),
    ],
    ids=str,
)
def test_a_tensor_that_reaches_outside_its_storage_is_refused(
    tensor: Tensor, tmp_path: Path
) -> None:
    path = written(tmp_path, torch_file({"w": tensor}, {"0": np.arange(4, dtype=np.float32)}))
    assert "outside its storage" in refusal(path)


def test_a_state_dict_with_anything_but_tensors_is_refused(tmp_path: Path) -> None:
    content = file_bytes(state_dict_opcodes({"epoch": constant(3)}), {})
    assert "int where a tensor should be" in refusal(written(tmp_path, content))


@pytest.mark.parametrize(
    "content",
    [b"", b"weights: none\n", "Gewichte für Blüten\n".encode(), b"\x00" * 64],
    ids=["empty", "text", "utf-8 text", "zeros"],
)
def test_a_file_that_is_no_pickle_is_refused(content: bytes, tmp_path: Path) -> None:
    refusal(written(tmp_path, content))


def test_the_newer_zip_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", whole(state_dict_opcodes({})))
        archive.writestr("archive/version", "3\n")
    refusal(path)


def test_a_missing_file_stays_a_file_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_state_dict(tmp_path / "weights.pth")
