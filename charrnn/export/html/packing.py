"""Arrays for a page: one deflated, base64 block, and what is where in it.

With 8 bits W, U and V are integers from -127 to 127 and a float32 scale for each row, or for each
column if these are fewer: w = q · scale. Biases and peepholes are few, and stay float32.
"""

from __future__ import annotations

import zlib
from base64 import b64encode
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CheckpointError

Array = NDArray[Any]
Json = dict[str, Any]
Precision = Literal["small", "exact"]
TYPES = {"u1": "u8", "u2": "u16", "u4": "u32", "f4": "f32", "f8": "f64"}
LARGEST = 127
MATRICES = "WUV"  # the letters of what is large


class Packing:
    """Arrays one after another; `json` is what the page's script unpacks."""

    def __init__(self) -> None:
        self._arrays: list[Json] = []
        self._bytes = bytearray()

    def add(self, name: str, array: Array) -> None:
        """An array as it is."""
        self._append(name, array.shape, TYPES[array.dtype.str[1:]], array)

    def add_weights(self, name: str, weights: Array, precision: Precision) -> None:
        """A parameter in float32, or a matrix in 8 bits. Raises CheckpointError beyond float32."""
        with np.errstate(over="ignore"):
            exact = np.ascontiguousarray(weights, np.float32)
        if not np.isfinite(exact).all():
            raise CheckpointError(f"{name} is not finite in float32, and a page holds no other")
        if precision == "exact" or name[-1] not in MATRICES:
            self.add(name, exact)
            return
        q, scale, axis = quantise(exact)
        self._append(name, q.shape, "i8", q, axis=axis)
        self._bytes += scale.tobytes()

    @property
    def json(self) -> Json:
        blob = b64encode(zlib.compress(bytes(self._bytes), 9)).decode()
        return {"arrays": self._arrays, "blob": blob}

    def _append(
        self, name: str, shape: tuple[int, ...], kind: str, array: Array, **more: Any
    ) -> None:
        entry = {"name": name, "shape": list(shape), "type": kind, "at": len(self._bytes), **more}
        self._arrays.append(entry)
        little = array.dtype.newbyteorder("<")
        self._bytes += np.ascontiguousarray(array, little).tobytes()


def quantise(weights: Array) -> tuple[NDArray[np.int8], NDArray[np.float32], int]:
    """q and scales of a matrix, and the axis that the scales are along."""
    axis = int(weights.shape[1] < weights.shape[0])
    scale = np.abs(weights).max(axis=1 - axis, keepdims=True) / np.float32(LARGEST)
    q = np.rint(weights / np.where(scale > 0, scale, 1)).astype(np.int8)
    return q, scale.astype(np.float32).reshape(-1), axis


def restored(q: NDArray[np.int8], scale: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """The matrix that a page multiplies by."""
    return q * (scale if axis else scale[:, None])
