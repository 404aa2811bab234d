"""Files in PyTorch's old pickle format, and the opcodes that hostile ones are made of."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import numpy as np

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
STORAGE_CLASSES = {"float32": "FloatStorage", "int64": "LongStorage", "float64": "DoubleStorage"}


@dataclass
class Tensor:
    """A view of a storage, as the format describes it: offset and strides in elements."""

    storage: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0


def global_(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def stack_global(module: str, name: str) -> bytes:
    return constant(module) + constant(name) + b"\x93"


def constant(value: object) -> bytes:
    """Return the opcodes that push the value: a pickle without its PROTO and STOP."""
    return pickle.dumps(value, protocol=2)[2:-1]


def call(function: bytes, *arguments: bytes) -> bytes:
    return function + b"(" + b"".join(arguments) + b"tR"


def whole(opcodes: bytes) -> bytes:
    return b"\x80\x02" + opcodes + b"."


def tensor_opcodes(
    tensor: Tensor,
    storage: np.ndarray,
    function: bytes = global_("torch._utils", "_rebuild_tensor_v2"),
) -> bytes:
    persistent_id = (
        b"("
        + constant("storage")
        + global_("torch", STORAGE_CLASSES[storage.dtype.name])
        + constant(tensor.storage)
        + constant("cpu")
        + constant(storage.size)
        + b"NtQ"
    )
    return call(
        function,
        persistent_id,
        constant(tensor.offset),
        constant(tensor.shape),
        constant(tensor.strides),
        b"\x89",
        call(global_("collections", "OrderedDict")),
    )


def state_dict_opcodes(items: dict[str, bytes]) -> bytes:
    pairs = b"".join(constant(name) + value for name, value in items.items())
    return call(global_("collections", "OrderedDict")) + b"(" + pairs + b"u"


def file_bytes(
    state_dict: bytes, storages: dict[str, np.ndarray], *, magic: bytes = constant(MAGIC_NUMBER)
) -> bytes:
    pickles = (
        magic,
        constant(1001),
        constant({"protocol_version": 1001, "little_endian": True, "type_sizes": {}}),
        state_dict,
        constant(list(storages)),
    )
    data = b"".join(
        storage.size.to_bytes(8, "little") + storage.tobytes() for storage in storages.values()
    )
    return b"".join(map(whole, pickles)) + data


def torch_file(tensors: dict[str, Tensor], storages: dict[str, np.ndarray]) -> bytes:
    """Return the bytes of a file as ``torch.save`` of PyTorch 1.5 lays them out."""
    items = {
        name: tensor_opcodes(tensor, storages[tensor.storage]) for name, tensor in tensors.items()
    }
    return file_bytes(state_dict_opcodes(items), storages)


def whole_tensors(**arrays: np.ndarray) -> bytes:
    """Return a file in which each array has a storage of its own and is contiguous."""
    tensors = {
        name: Tensor(name, array.shape, tuple(s // array.itemsize for s in array.strides))
        for name, array in arrays.items()
    }
    return torch_file(tensors, {name: array.ravel() for name, array in arrays.items()})
