"""Weight files that mean harm without naming anything forbidden: they hang or fill the memory."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
from torch_files import (
    MAGIC_NUMBER,
    Tensor,
    call,
    constant,
    file_bytes,
    global_,
    state_dict_opcodes,
    tensor_opcodes,
    torch_file,
    whole,
)

ONES = {"0": np.ones(4, np.float32)}
# A tuple of one tuple twice, and so on: 120 opcodes, 2**40 leaves for who walks through it.
TWICE = b")" + b"".join(b"q\x01h\x01\x86" for _ in range(40))
MILLION = 1_000_000


def state(value: bytes) -> Callable[[], bytes]:
    """Return a file with the opcodes in the place of a tensor."""
    return lambda: file_bytes(state_dict_opcodes({"w": value}), {})


def first(opcodes: bytes) -> Callable[[], bytes]:
    """Return a file that has the opcodes where the magic number is."""
    return lambda: file_bytes(b"", {}, magic=opcodes)


def view(*, shape: tuple[int, ...], strides: tuple[int, ...], times: int = 1) -> bytes:
    tensors = {f"w{i}": Tensor("0", shape, strides) for i in range(times)}
    return torch_file(tensors, {"0": np.ones(MILLION, np.float32)})


def persistent(*parts: bytes) -> bytes:
    return b"(" + constant("storage") + global_("torch", "FloatStorage") + b"".join(parts) + b"tQ"


def tensor(storage: bytes, rest: bytes) -> bytes:
    return call(global_("torch._utils", "_rebuild_tensor_v2"), storage, rest)


def with_keys(keys: bytes) -> bytes:
    good = state_dict_opcodes({"w": tensor_opcodes(Tensor("0", (4,), (1,)), ONES["0"])})
    return file_bytes(good, ONES).replace(whole(constant(["0"])), whole(keys))


def five_long() -> bytes:
    """Return a file whose pickles are right, each after 24,500 values that are thrown away."""
    idle = b"N" + b"Nb" * 24_500
    system = constant({"little_endian": True})
    pickles = (constant(MAGIC_NUMBER), constant(1001), system, state_dict_opcodes({}))
    return b"".join(whole(idle + opcodes) for opcodes in pickles) + whole(idle + constant(["0"]))


STORAGE = persistent(constant("0"), constant("cpu"), constant(4), b"N")
PICKLES: dict[str, Callable[[], bytes]] = {
    "a nested persistent id": state(b"\x80\x02" + TWICE + b"Q"),
    "a nested key of a storage": state(persistent(TWICE, constant("cpu"), constant(4), b"N")),
    "a nested key of a dict": first(b"}" + TWICE + b"Ns"),
    "nested storage keys": lambda: with_keys(b"](" + TWICE + b"h\x01e"),
    "a nested tuple for a tensor": state(TWICE),
    "a nested shape": state(tensor(STORAGE, constant(0) + TWICE + TWICE)),
    "a nested argument of OrderedDict": first(call(global_("collections", "OrderedDict"), TWICE)),
    "strides of 0, 4 GB": lambda: view(shape=(1000, MILLION), strides=(0, 1)),
    "strides of 0, 4 TB": lambda: view(shape=(MILLION, MILLION), strides=(0, 0)),
    "1,000 views of one storage": lambda: view(shape=(MILLION,), strides=(1,), times=1000),
    "overlapping rows": lambda: view(shape=(500_000, 500_000), strides=(1, 1)),
    "a shape of 100,000 sizes": state(
        tensor(STORAGE, constant(0) + b"(" + b"K\x01" * 49_000 + b"tq\x05h\x05")
    ),
    "sizes of 2,000 bits": lambda: torch_file(
        {"w": Tensor("0", (2**2000,) * 30, (2**2000,) * 30)}, ONES
    ),
    "a size of 2**62 beside one of 0": lambda: view(shape=(0, 2**62), strides=(1, 1)),
    "10,000,000 opcodes": first(b"N0" * 5 * MILLION),
    "five pickles of 49,000 opcodes": five_long,
    "10,000,000 lists": first(b"]" * 10 * MILLION),
    "2,000,000 lists in lists": first(b"](" * MILLION + b"e" * MILLION),
    "10,000,000 marks": first(b"(" * 10 * MILLION),
    "a long name of 10 MB": first(constant("n" * 10 * MILLION)),
    "a name of 1 MB in the error": state(global_("a", "b" * MILLION)),
    "place 2**29 of the memo": first(b"Nr" + struct.pack("<I", 2**29)),
    "a text of 4 GB": first(b"X" + struct.pack("<I", 2**32 - 1)),
    "bytes of 2**62": first(b"\x8e" + struct.pack("<Q", 2**62)),
    "a frame of 2**62": first(b"\x95" + struct.pack("<Q", 2**62)),
    "a number of 8 Mbit": first(b"\x8b" + struct.pack("<i", MILLION) + b"\x7f" * MILLION),
    "a number of 4,000,000 digits": first(b"I" + b"9" * 4 * MILLION + b"\n"),
    "a storage of 2**62 bytes": lambda: torch_file({"w": Tensor("0", (4,), (1,))}, ONES).replace(
        constant(4) + b"NtQ", constant(2**60) + b"NtQ"
    ),
    "a storage of 1 TB": lambda: (
        torch_file({"w": Tensor("0", (4,), (1,))}, ONES).replace(
            constant(4) + b"NtQ", constant(2**38) + b"NtQ"
        )
        + struct.pack("<Q", 2**38)
    ),
    "a state for a storage's type": state(
        global_("torch", "FloatStorage") + constant((3, "<", None, None, None, 1, 1, 0)) + b"b"
    ),
    "a dict in itself": first(b"}q\x00" + constant("w") + b"h\x00s"),
    "an object by its class": state(global_("collections", "OrderedDict") + b")\x81"),
    "an instance": state(b"(icollections\nOrderedDict\n"),
    "an extension's code": state(b"\x82\x01"),
    "nothing on the stack": first(b"0000"),
}
