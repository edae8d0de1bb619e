"""Ids that stay in a file: a header, then the ids, read where they are needed.

Read, and not mapped into memory: of a mapped file that is cut, or on a bad sector, the system ends
the process by a signal. The file's content is checked before any of it is used.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import IO, Any, overload

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import DataError
from charrnn.runtime.files import open_regular
from charrnn.runtime.progress import working

Array = NDArray[Any]

HEADER = 4096  # bytes
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

    def finish(self) -> str:
        """Write the header; the hash of the ids."""
        header = {
            "format": _FORMAT, "dtype": self._dtype.str, "length": self.length,
            "sha256": self._digest.hexdigest(),
        }  # fmt: skip
        self._file.seek(0)
        self._file.write(json.dumps(header).encode().ljust(HEADER - 1) + b"\n")
        self._file.flush()
        return self._digest.hexdigest()


class MappedIds:
    """Ids (N,) in a file, below K. An array of positions gives int32 ids, a slice a part of it.

    Raises DataError where the file is cut, written over, or cannot be read, while it is in use.
    """

    def __init__(self, path: Path, K: int) -> None:
        self.path, self._K, self._dtype = path, K, dtype_for(K)
        self._file = open(path, "rb")  # noqa: SIM115  (open as long as its parts are)
        self._lock = threading.Lock()
        size = os.fstat(self._file.fileno()).st_size
        self._start, self._length = 0, (size - HEADER) // self._dtype.itemsize

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: slice) -> MappedIds: ...

    @overload
    def __getitem__(self, index: Array) -> NDArray[np.int32]: ...

    def __getitem__(self, index: slice | Array) -> MappedIds | NDArray[np.int32]:
        if isinstance(index, slice):
            start, stop, _ = index.indices(len(self))
            part = copy(self)
            part._start, part._length = self._start + start, max(stop - start, 0)
            return part
        # Positions of a stream are a column of a window.
        return np.ascontiguousarray(self._read(index.T.ravel()).reshape(index.T.shape).T)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """All of it in memory, as NumPy asks for it."""
        return self._run(0, len(self)).astype(dtype or np.int32)

    def positions(self, symbol: int) -> NDArray[np.int64]:
        """Where an id stands."""
        found = [
            start + np.flatnonzero(self._run(start, min(start + BLOCK, len(self))) == symbol)
            for start in range(0, len(self), BLOCK)
        ]
        return np.concatenate(found)

    def _read(self, at: Array) -> NDArray[np.int32]:
        """The ids at positions (n,), read run by run."""
        if not len(at):
            return np.empty(0, np.int32)
        if at.min() < 0 or at.max() >= len(self):
            raise IndexError(f"a position is not among the {len(self):,} ids")
        cuts = np.flatnonzero(np.diff(at) != 1) + 1
        starts, stops = np.append(0, cuts), np.append(cuts, len(at))
        ids = np.empty(len(at), np.int32)
        for a, b in zip(starts.tolist(), stops.tolist(), strict=True):
            ids[a:b] = self._run(int(at[a]), int(at[a]) + b - a)
        return ids

    def _run(self, start: int, stop: int) -> Array:
        size, offset = self._dtype.itemsize, self._start + start
        data = self._bytes((stop - start) * size, HEADER + offset * size)
        ids = np.frombuffer(data, self._dtype)
        # Compiled loops take an id for a row of W without asking.
        if len(ids) and int(ids.max()) >= self._K:
            raise self._changed("it holds an id that is none")
        return ids

    def _bytes(self, count: int, offset: int) -> bytes:
        pieces = []
        try:
            while count:
                piece = self._piece(count, offset)
                if not piece:
                    raise self._changed("it was cut")
                pieces.append(piece)
                count, offset = count - len(piece), offset + len(piece)
        except OSError as error:
            raise self._changed(error.strerror or str(error)) from None
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _piece(self, count: int, offset: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._file.fileno(), count, offset)
        with self._lock:
            self._file.seek(offset)
            return self._file.read(count)

    def _changed(self, what: str) -> DataError:
        return DataError(
            f"the text's ids cannot be read any more: {what}", where=str(self.path),
            then="the file is one of the cache: remove it, and the text is encoded again",
        )  # fmt: skip


def open_ids(path: Path, K: int, expected: str, text_of: Callable[[Array], bytes]) -> MappedIds:
    """The ids of a file, if they are those of the text whose hash is `expected`.

    `text_of`: the text, in bytes, that some ids stand for. Their own hash would tell of damage, and
    not of ids that somebody else put there. Raises OSError, or DamagedError.
    """
    dtype = dtype_for(K)
    with open_regular(path) as file:
        header = _header(file)
        if header.get("format") != _FORMAT or header.get("dtype") != dtype.str:
            raise DamagedError("its header is damaged")
        digest, length = hashlib.sha256(), 0
        with working("checking the text's ids", os.fstat(file.fileno()).st_size) as done:
            while data := file.read(BLOCK * dtype.itemsize):
                if len(data) % dtype.itemsize:
                    raise DamagedError("it is cut short")
                ids = np.frombuffer(data, dtype)
                if ids.max() >= K:
                    raise DamagedError("it holds an id that is none")
                digest.update(text_of(ids))
                length += len(ids)
                done(len(data))
    if not length or length != header.get("length"):
        raise DamagedError("it is cut short")
    if digest.hexdigest() != expected:
        raise DamagedError("its hash is wrong")
    return MappedIds(path, K)


def _header(file: IO[bytes]) -> dict[str, Any]:
    try:
        header = json.loads(file.read(HEADER))
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise DamagedError("its header is damaged")
    return header
