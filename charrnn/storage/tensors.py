"""Reading a safetensors file as bytes.

Not by the library's `safe_open`, which maps the file: there a bad sector, or a file that is cut
while it is read, ends the process by a signal. Read, it is an error as any other.
"""

from __future__ import annotations

import errno
import json
import os
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize

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


def _require_room(path: Path, size: int) -> None:
    """A file that takes no space on the disk may still be of any size."""
    available = total()
    if available is not None and 2 * size > available:
        raise OSError(errno.EFBIG, f"its {size:,} bytes do not fit in memory", str(path))
