"""Ids that stay in a file: a header, then the ids, mapped into memory and read where needed.

Pages that were read count as memory of the process until they are given back, which is done
every `RESIDENT` bytes. The file's hash is compared before any of it is used.
"""

from __future__ import annotations

import hashlib
import json
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, overload

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

HEADER = 4096  # bytes
RESIDENT = 1 << 25  # bytes
FAULT = 1 << 16  # bytes that a system may map where one is read
BLOCK = 1 << 20  # ids
_FORMAT = 1


class DamagedError(Exception):
    """The file is not what its header says, or has none."""


def dtype_for(K: int) -> np.dtype[Any]:
    """The smallest type that holds the ids of K symbols."""
    return np.dtype(np.uint8 if K <= 1 << 8 else np.uint16 if K <= 1 << 16 else np.int32)


class IdsWriter:
    """Writes a file of ids, the header last."""

    def __init__(self, file: IO[bytes], dtype: np.dtype[Any]) -> None:
        self._file, self._dtype = file, dtype
        self._digest = hashlib.sha256()
        self.length = 0
        file.write(bytes(HEADER))

    def write(self, ids: Array | bytes) -> None:
        data = memoryview(ids if isinstance(ids, bytes) else ids.data).cast("B")
        self._digest.update(data)
        self._file.write(data)
        self.length += len(data) // self._dtype.itemsize

    def finish(self) -> None:
        header = {
            "format": _FORMAT, "dtype": self._dtype.str, "length": self.length,
            "sha256": self._digest.hexdigest(),
        }  # fmt: skip
        self._file.seek(0)
        self._file.write(json.dumps(header).encode().ljust(HEADER - 1) + b"\n")
        self._file.flush()


class MappedIds:
    """Ids (N,) in a file. An array of positions gives int32 ids, a slice the same file's part."""

    def __init__(self, path: Path, dtype: np.dtype[Any]) -> None:
        self.path = path
        with open(path, "rb") as file:
            self._pages = _Pages(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        self._array: Array = np.frombuffer(self._pages.map, dtype, offset=HEADER)

    def __len__(self) -> int:
        return len(self._array)

    @overload
    def __getitem__(self, index: slice) -> MappedIds: ...

    @overload
    def __getitem__(self, index: Array) -> NDArray[np.int32]: ...

    def __getitem__(self, index: slice | Array) -> MappedIds | NDArray[np.int32]:
        if isinstance(index, slice):
            part = object.__new__(MappedIds)
            part.path, part._pages, part._array = self.path, self._pages, self._array[index]
            return part
        runs = index.shape[1] if index.ndim == 2 else 1
        self._pages.reading(runs * FAULT + index.size * self._array.itemsize)
        return self._array[index].astype(np.int32)

    def positions(self, symbol: int) -> NDArray[np.int64]:
        """Where an id stands."""
        found = [start + np.flatnonzero(ids == symbol) for start, ids in self._blocks()]
        return np.concatenate(found)

    def _blocks(self) -> Iterator[tuple[int, Array]]:
        for start in range(0, len(self), BLOCK):
            self._pages.reading(BLOCK * self._array.itemsize)
            yield start, self._array[start : start + BLOCK]


class _Pages:
    """A mapping, and about how much of it has been read since pages were given back."""

    def __init__(self, mapping: mmap.mmap) -> None:
        self.map, self._read = mapping, 0

    def reading(self, size: int) -> None:
        self._read += size
        if self._read > RESIDENT and hasattr(self.map, "madvise"):
            self.map.madvise(mmap.MADV_DONTNEED)
            self._read = size


def open_ids(path: Path, K: int) -> MappedIds:
    """The ids of a file whose hash is right. Raises OSError, or DamagedError."""
    dtype = dtype_for(K)
    with open(path, "rb") as file:
        header = _header(file)
        if header.get("format") != _FORMAT or header.get("dtype") != dtype.str:
            raise DamagedError("its header is damaged")
        digest, length = hashlib.sha256(), 0
        while data := file.read(BLOCK * dtype.itemsize):
            if len(data) % dtype.itemsize:
                raise DamagedError("it is cut short")
            if np.frombuffer(data, dtype).max() >= K:
                raise DamagedError("it holds an id that is none")
            digest.update(data)
            length += len(data) // dtype.itemsize
    if not length or length != header.get("length"):
        raise DamagedError("it is cut short")
    if digest.hexdigest() != header.get("sha256"):
        raise DamagedError("its hash is wrong")
    return MappedIds(path, dtype)


def _header(file: IO[bytes]) -> dict[str, Any]:
    try:
        header = json.loads(file.read(HEADER))
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise DamagedError("its header is damaged")
    return header
