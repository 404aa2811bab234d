"""Read PyTorch's old pickle format into numpy, without torch and without running the file.

Format (``torch.serialization._legacy_save`` of PyTorch 1.x): five pickles one after the other
(magic number, protocol version, system info, the object, the list of storage keys), then each
storage in the order of that list: its element count as int64, then its elements.  Everything is
little-endian.

A pickle is a program that can call anything it can name, and can hang or fill the memory without
calling anything.  So no unpickler runs here: of the opcodes that ``pickletools`` lists, those that
a state dict is written with build plain values, within limits; any other is refused.
"""

from __future__ import annotations

import io
import itertools
import math
import os
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001
# Of one pickle.  The largest that is known here, EfficientNet-Lite2's, has 13,931 opcodes in 55,527
# bytes; five pickles at the limit take 0.1 s and 5 MB.
MOST_OPCODES = 50_000
MOST_BYTES = 2**20
# NumPy 1's limit.
MOST_DIMENSIONS = 32
# An error quotes the file, which may hold anything.
MOST_QUOTED = 200

Stack = list[Any]


class WeightsFileError(ValueError):
    """The file is not a state dict in PyTorch's old pickle format, or names something forbidden."""


class _FormatError(ValueError):
    """What the file has that a state dict has not."""


@dataclass(frozen=True)
class _Global:
    name: str


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: np.dtype
    size: int


@dataclass(frozen=True)
class _StoredTensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


_ORDERED_DICT = "collections.OrderedDict"
_REBUILD_TENSOR = "torch._utils._rebuild_tensor_v2"
_DTYPES: dict[str, np.dtype] = {
    "torch.FloatStorage": np.dtype("<f4"),
    "torch.LongStorage": np.dtype("<i8"),
}
_ADMITTED = {_ORDERED_DICT, _REBUILD_TENSOR, *_DTYPES}


def read_state_dict(path: Path) -> dict[str, np.ndarray]:
    """Return the file's tensors by name, in the file's order.

    Args:
        path: a state dict that ``torch.save`` wrote before PyTorch 1.6.

    Returns:
        name → float32 or int64 array of the tensor's own shape.

    Raises:
        WeightsFileError: the file is cut short, is in another format, its pickle does anything
            that a state dict has no need of or is longer than ``MOST_OPCODES`` or ``MOST_BYTES``,
            or its tensors hold more elements than its storages.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        try:
            return _read(file)
        # A hostile or damaged pickle can raise nearly anything: its opcodes find no operands.
        except Exception as error:
            reason = ascii(str(error))[1:-1][:MOST_QUOTED]
            raise WeightsFileError(
                f"{path}: not a readable PyTorch state dict: {reason}"
            ) from error


def _read(file: BinaryIO) -> dict[str, np.ndarray]:
    if _load(file) != MAGIC_NUMBER or _load(file) != PROTOCOL_VERSION:
        raise _FormatError("wrong magic number or protocol version")
    if _load(file).get("little_endian") is not True:
        raise _FormatError("not little-endian")
    tensors, keys = _load(file), _load(file)
    if not isinstance(tensors, dict) or not isinstance(keys, list):
        raise _FormatError("not a state dict with its storages")
    for tensor in tensors.values():
        if not isinstance(tensor, _StoredTensor):
            raise _FormatError(f"a {type(tensor).__name__} where a tensor should be")
    storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    if not all(isinstance(key, str) for key in keys) or sorted(keys) != sorted(storages):
        raise _FormatError("not a state dict with its storages")

    data = {key: _read_storage(file, storages[key]) for key in keys}
    for tensor in tensors.values():
        _expect_inside(tensor, data[tensor.storage.key])
    # Tensors that overlap, or repeat their elements by a stride of 0, could be of any size.
    if sum(math.prod(t.shape) for t in tensors.values()) > sum(map(len, data.values())):
        raise _FormatError("its tensors hold more elements than its storages")
    return {name: _view(tensor, data[tensor.storage.key]) for name, tensor in tensors.items()}


def _load(file: BinaryIO) -> Any:
    """Return the value of the pickle that begins here, and leave the file behind its end."""
    start = file.tell()
    content = io.BytesIO(file.read(MOST_BYTES))
    stack: Stack = []
    below: list[Stack] = []
    memo: dict[int, Any] = {}
    argument: Any
    for opcode, argument, _ in itertools.islice(pickletools.genops(content), MOST_OPCODES):
        match opcode.name:
            case "STOP":
                file.seek(start + content.tell())
                return stack.pop()
            case "BINPUT" | "LONG_BINPUT":
                memo[argument] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case "MARK":
                below.append(stack)
                stack = []
            case name if name in _FROM_MARK:
                items, stack = stack, below.pop()
                _FROM_MARK[name](stack, items)
            case name if name in _VALUES:
                stack.append(_VALUES[name](argument))
            case name if name in _STEPS:
                _STEPS[name](stack)
            case name:
                raise _FormatError(f"a state dict is written without the opcode {name}")
    raise _FormatError(f"a pickle of more than {MOST_OPCODES:,} opcodes")


def _named(name: str) -> _Global:
    if name not in _ADMITTED:
        raise _FormatError(f"it names {name}, which is not admitted")
    return _Global(name)


def _name_from_stack(stack: Stack) -> None:
    name, module = stack.pop(), stack.pop()
    stack.append(_named(f"{module}.{name}"))


def _tuple_of(count: int) -> Callable[[Stack], None]:
    def step(stack: Stack) -> None:
        stack[-count:] = [tuple(stack[-count:])]

    return step


def _set_items(stack: Stack, items: Stack) -> None:
    for key, value in zip(items[::2], items[1::2], strict=True):
        # Hashing another key may take for ever: a tuple of one tuple twice, and so on.
        if not isinstance(key, str):
            raise _FormatError(f"a {type(key).__name__} for a name")
        stack[-1][key] = value


def _set_item(stack: Stack) -> None:
    value, key = stack.pop(), stack.pop()
    _set_items(stack, [key, value])


def _call(stack: Stack) -> None:
    arguments, function = stack.pop(), stack.pop()
    match function, arguments:
        case _Global(name), () if name == _ORDERED_DICT:
            stack.append({})
        case _Global(name), (storage, offset, shape, strides, *_) if name == _REBUILD_TENSOR:
            stack.append(_tensor(storage, offset, shape, strides))
        case _:
            raise _FormatError("a call that no state dict makes")


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any) -> _StoredTensor:
    if not isinstance(storage, _Storage):
        raise _FormatError("a tensor without a storage")
    if not (isinstance(shape, tuple) and isinstance(strides, tuple)):
        raise _FormatError("a tensor without a shape")
    if not len(shape) == len(strides) <= MOST_DIMENSIONS:
        raise _FormatError(f"a tensor of {len(shape)} sizes and {len(strides)} strides")
    if not all(isinstance(number, int) for number in (offset, *shape, *strides)):
        raise _FormatError("a tensor whose shape is not of whole numbers")
    return _StoredTensor(storage, offset, shape, strides)


def _persistent(stack: Stack) -> None:
    match stack.pop():
        case ("storage", _Global(name), str(key), _, int(size), None) if (
            name in _DTYPES and size >= 0
        ):
            stack.append(_Storage(key, _DTYPES[name], size))
        case _:
            raise _FormatError("a persistent id that is not of a storage")


# What each opcode does; ``pickletools.dis`` shows those of a file.
_VALUES: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE"), lambda value: value),
    "NONE": lambda _: None,
    "NEWTRUE": lambda _: True,
    "NEWFALSE": lambda _: False,
    "EMPTY_TUPLE": lambda _: (),
    "EMPTY_LIST": lambda _: [],
    "EMPTY_DICT": lambda _: {},
    "GLOBAL": lambda name: _named(name.replace(" ", ".")),
}
_STEPS: dict[str, Callable[[Stack], None]] = {
    "PROTO": lambda stack: None,
    "STACK_GLOBAL": _name_from_stack,
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "APPEND": lambda stack: stack[-2].append(stack.pop()),
    "SETITEM": _set_item,
    "REDUCE": _call,
    "BINPERSID": _persistent,
    # The attributes of an OrderedDict, which Module.state_dict() gives it, are of no use here.
    "BUILD": lambda stack: stack.pop() and None,
}
_FROM_MARK: dict[str, Callable[[Stack, Stack], None]] = {
    "TUPLE": lambda stack, items: stack.append(tuple(items)),
    "APPENDS": lambda stack, items: stack[-1].extend(items),
    "SETITEMS": _set_items,
}


def _read_storage(file: BinaryIO, storage: _Storage) -> np.ndarray:
    count, size = int.from_bytes(file.read(8), "little"), storage.size * storage.dtype.itemsize
    if count != storage.size or size > os.fstat(file.fileno()).st_size - file.tell():
        raise _FormatError(f"storage {storage.key} is cut short")
    return np.frombuffer(file.read(size), storage.dtype)


def _expect_inside(tensor: _StoredTensor, data: np.ndarray) -> None:
    reach = tensor.offset
    if all(tensor.shape):
        reach += 1 + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True))
    if min((tensor.offset, *tensor.shape, *tensor.strides)) < 0 or reach > data.size:
        raise _FormatError("a tensor reaches outside its storage")


def _view(tensor: _StoredTensor, data: np.ndarray) -> np.ndarray:
    strides = [stride * data.itemsize for stride in tensor.strides]
    flat = data[tensor.offset :]
    return np.lib.stride_tricks.as_strided(flat, tensor.shape, strides).copy()
