"""Arrays and JSON in one safetensors file, with a SHA-256 over both.

The file's only metadata key is a JSON object of everything that is not an array, and the hash. The
same content gives the same bytes.

Files are read not by the library's `safe_open`, which maps the file: there a bad sector, or a file
that is cut while it is read, ends the process by a signal. Read, it is an error as any other.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from charrnn.runtime.files import open_regular
from charrnn.runtime.memory import total

MAX_HEADER = 100_000_000  # bytes, as in the library
MAX_TENSORS = 100_000
NUMPY = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "U8": "|u1", "U16": "<u2", "U32": "<u4",
         "I32": "<i4", "I64": "<i8"}  # fmt: skip
# What says that a file, not the way to it, is at fault.
DAMAGE = (errno.EIO, errno.EISDIR, errno.ENXIO, errno.ELOOP, errno.EFBIG)


@dataclass(frozen=True)
class Tensor:
    """One array of a file: its type by the format's name, its shape, and its bytes."""

    dtype: str
    shape: tuple[int, ...]
    data: bytearray

    def array(self) -> NDArray[Any]:
        """The array. Raises ValueError for a type that no file of this program has."""
        if self.dtype not in NUMPY:
            raise ValueError(f"an array is {self.dtype}")
        kind = np.dtype(NUMPY[self.dtype])
        return np.frombuffer(self.data, kind).astype(kind.newbyteorder("="), copy=False).reshape(
            self.shape
        )  # fmt: skip


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The arrays and the metadata of a file, whatever bytes it has.

    Raises SafetensorError or ValueError saying what is wrong with it, and OSError. Memory is
    bounded by the file's size, and a file larger than the machine's memory is not read.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(8)
        length = int.from_bytes(head, "little")
        if length > MAX_HEADER:
            raise SafetensorError("Error while deserializing header: header too large")
        text = file.read(length)
        _require_room(path, size)
        data = head + text + file.read()
    tensors = {
        name: Tensor(facts["dtype"], tuple(facts["shape"]), facts["data"])
        for name, facts in sorted(deserialize(data), key=itemgetter(0))  # type: ignore[no-untyped-call]
    }
    if len(tensors) > MAX_TENSORS:
        raise ValueError(f"it holds more than {MAX_TENSORS:,} arrays")
    # The library has found the header to be what the format asks for.
    metadata = json.loads(text).get("__metadata__") or {}
    return tensors, metadata


def read_head(path: Path) -> tuple[dict[str, tuple[int, ...]], dict[str, str]]:
    """Shapes of the arrays and the metadata of a file, by its header and size alone.

    The arrays are not read, so no hash is checked. Raises ValueError and OSError.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8), "little")
        if length > MAX_HEADER:
            raise ValueError("its header is too large")
        text = file.read(length)
    try:
        head = json.loads(text)
        metadata = head.pop("__metadata__", None) or {}
        shapes = {name: tuple(map(int, facts["shape"])) for name, facts in head.items()}
        end = max((int(facts["data_offsets"][1]) for facts in head.values()), default=0)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError):
        raise ValueError("its header cannot be read") from None
    if not isinstance(metadata, dict) or not all(type(v) is str for v in metadata.values()):
        raise ValueError("its metadata is not an object of texts")
    if 8 + length + end != size:
        raise ValueError("its size is not what its header says")
    return shapes, metadata


def _require_room(path: Path, size: int) -> None:
    """A file that takes no space on the disk may still be of any size."""
    available = total()
    if available is not None and 2 * size > available:
        raise OSError(errno.EFBIG, f"its {size:,} bytes do not fit in memory", str(path))


Array = NDArray[Any]


def seal(key: str, arrays: Mapping[str, Array], meta: Mapping[str, Any]) -> bytes:
    """The file's content; `meta` are plain JSON values."""
    # safetensors 0.8.0 silently writes other values for an array that is not C-contiguous.
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    sealed = {**meta, "sha256": digest(contiguous, meta)}
    return save(contiguous, {key: _canonical(sealed)})


def unseal(
    path: Path, key: str, dtypes: Mapping[str, str]
) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays, whose names and safetensors dtypes must be `dtypes`, and the JSON values.

    A dtype may name several, as "U8 U16". Raises ValueError saying what is wrong with whatever
    bytes the file has, and OSError. Memory is bounded by the file's size.
    """
    try:
        tensors, metadata = read_tensors(path)
        raw = metadata.get(key)
        if raw is None:
            raise ValueError(f"it has no {key} metadata")
        if set(tensors) != set(dtypes):
            raise ValueError("its arrays have other names")
        for name, allowed in dtypes.items():
            if tensors[name].dtype not in allowed.split():
                raise ValueError(f"{name} is not {allowed}")
        arrays = {name: tensors[name].array() for name in dtypes}
    except SafetensorError as error:
        raise ValueError(str(error)) from None
    meta = _object(raw)
    if meta.pop("sha256", None) != digest(arrays, meta):
        raise ValueError("its hash differs")
    return arrays, meta


def _object(raw: str) -> dict[str, Any]:
    try:
        meta = json.loads(raw)
    except RecursionError:
        raise ValueError("its metadata is nested too deeply") from None
    if not isinstance(meta, dict):
        raise ValueError("its metadata is not an object")
    return meta


def digest(arrays: Mapping[str, Array], meta: Mapping[str, Any]) -> str:
    """SHA-256 over the JSON values and, in the order of their names, the arrays."""
    sha256 = hashlib.sha256(_canonical(meta).encode())
    for name in sorted(arrays):
        array = arrays[name]
        sha256.update(f"{name} {array.dtype.str} {array.shape}".encode())
        sha256.update(array.tobytes())
    return sha256.hexdigest()


def _canonical(meta: Mapping[str, Any]) -> str:
    return json.dumps(meta, sort_keys=True, ensure_ascii=True, allow_nan=False)
