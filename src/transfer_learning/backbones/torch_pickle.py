"""Read PyTorch's old pickle format into numpy, without torch and without running the file.

Format (``torch.serialization._legacy_save`` of PyTorch 1.x): five pickles one after the other
(magic number, protocol version, system info, the object, the list of storage keys), then each
storage in the order of that list: its element count as int64, then its elements.  Everything is
little-endian.

A pickle can call anything it can name, so the unpickler here can name four things and no more,
and each stands for a harmless function or marker of this module.
"""

from __future__ import annotations

import collections
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001


class WeightsFileError(ValueError):
    """The file is not a state dict in PyTorch's old pickle format, or names something forbidden."""


@dataclass(frozen=True)
class _StoredTensor:
    storage_key: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: np.dtype
    size: int


def _rebuild_tensor(
    storage: _Storage, offset: int, size: Any, stride: Any, *_: Any
) -> _StoredTensor:
    if not isinstance(storage, _Storage):
        raise pickle.UnpicklingError("a tensor without a storage")
    return _StoredTensor(storage.key, int(offset), tuple(size), tuple(stride))


_ADMITTED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch", "FloatStorage"): np.dtype("<f4"),
    ("torch", "LongStorage"): np.dtype("<i8"),
}


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it names {module}.{name}, which is not admitted"
            ) from None

    def persistent_load(self, pid: Any) -> _Storage:
        match pid:
            case ("storage", np.dtype() as dtype, str(key), _, int(size), None) if size >= 0:
                return self.storages.setdefault(key, _Storage(key, dtype, size))
        raise pickle.UnpicklingError(f"unknown persistent id {pid!r}")


def read_state_dict(path: Path) -> dict[str, np.ndarray]:
    """Return the file's tensors by name, in the file's order.

    Args:
        path: a state dict that ``torch.save`` wrote before PyTorch 1.6.

    Returns:
        name → float32 or int64 array of the tensor's own shape.

    Raises:
        WeightsFileError: the file is cut short, is in another format, or its pickle names
            anything but the four globals that a state dict needs.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        try:
            return _read(file)
        except WeightsFileError:
            raise
        # A hostile or damaged pickle can raise nearly anything from inside the unpickler.
        except Exception as error:
            raise WeightsFileError(f"{path}: not a readable PyTorch state dict: {error}") from error


def _read(file: BinaryIO) -> dict[str, np.ndarray]:
    if _Unpickler(file).load() != MAGIC_NUMBER or _Unpickler(file).load() != PROTOCOL_VERSION:
        raise pickle.UnpicklingError("wrong magic number or protocol version")
    if _Unpickler(file).load().get("little_endian") is not True:
        raise pickle.UnpicklingError("not little-endian")
    reader = _Unpickler(file)
    tensors = reader.load()
    keys = _Unpickler(file).load()
    if not isinstance(tensors, dict) or sorted(keys) != sorted(reader.storages):
        raise pickle.UnpicklingError("not a state dict with its storages")

    data: dict[str, np.ndarray] = {}
    for key in keys:
        storage = reader.storages[key]
        count = int.from_bytes(file.read(8), "little")
        raw = file.read(storage.size * storage.dtype.itemsize)
        if count != storage.size or len(raw) != storage.size * storage.dtype.itemsize:
            raise pickle.UnpicklingError(f"storage {key} is cut short")
        data[key] = np.frombuffer(raw, storage.dtype)
    return {name: _view(tensor, data) for name, tensor in tensors.items()}


def _view(tensor: Any, data: dict[str, np.ndarray]) -> np.ndarray:
    if not isinstance(tensor, _StoredTensor):
        raise pickle.UnpicklingError(f"a {type(tensor).__name__} where a tensor should be")
    if not all(tensor.shape):
        return np.empty(tensor.shape, data[tensor.storage_key].dtype)
    flat = data[tensor.storage_key][tensor.offset :]
    reach = 1 + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True))
    if min((tensor.offset, *tensor.shape, *tensor.strides), default=0) < 0 or reach > flat.size:
        raise pickle.UnpicklingError("a tensor reaches outside its storage")
    strides = [s * flat.itemsize for s in tensor.strides]
    return np.lib.stride_tricks.as_strided(flat, tensor.shape, strides).copy()
