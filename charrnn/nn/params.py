"""All parameters as one flat vector θ with named views.

Gradient and optimiser slots mirror θ, so that clipping, the update and a checkpoint each touch
one array. Views are C-contiguous slices of the vector: writing to one writes to θ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod, sqrt
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]
Shapes = Mapping[str, tuple[int, ...]]


class Params(Mapping[str, Array]):
    """Named arrays `layers.0.W`, `layers.0.U`, …, `output.V` over one vector `flat`."""

    def __init__(self, shapes: Shapes, dtype: DTypeLike, flat: Array | None = None) -> None:
        self.shapes = dict(shapes)
        size = sum(prod(shape) for shape in self.shapes.values())
        self.flat: Array = aligned_zeros(size, dtype) if flat is None else flat
        self._views: dict[str, Array] = {}
        start = 0
        for name, shape in self.shapes.items():
            stop = start + prod(shape)
            self._views[name] = self.flat[start:stop].reshape(shape)
            start = stop
        self._layers: dict[int, dict[str, Array]] = {}
        for name, view in self._views.items():
            if name.startswith("layers."):
                _, index, letter = name.split(".")
                self._layers.setdefault(int(index), {})[letter] = view

    def like(self) -> Params:
        """Zeros of the same names, shapes and dtype: a gradient."""
        return Params(self.shapes, self.flat.dtype)

    def over(self, flat: Array) -> Params:
        """The same names and shapes over another vector of θ's length."""
        return Params(self.shapes, flat.dtype, flat)

    def astype(self, dtype: DTypeLike) -> Params:
        """A copy in another dtype."""
        return Params(self.shapes, dtype, self.flat.astype(dtype))

    def layer(self, index: int) -> dict[str, Array]:
        """The views of one layer under their letters: W, U, b, …"""
        return self._layers[index]

    def is_matrix(self) -> NDArray[np.bool_]:
        """For each element of `flat`, whether it belongs to a matrix W, U or V (not a bias)."""
        mask = Params(self.shapes, np.bool_)
        for name, view in mask.items():
            view[...] = name.rsplit(".", 1)[-1] in ("W", "U", "V")
        return mask.flat

    def __getitem__(self, name: str) -> Array:
        return self._views[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)


Block = NDArray[np.float64]


def draw(
    rng: np.random.Generator, shape: tuple[int, int], scheme: str, scale: float | None, H: int
) -> Block:
    """A float64 block by scheme name.

    uniform on [-scale, scale] and normal(0, scale²), scale 1/√H unless given; xavier, uniform on
    ±scale·√(6/(fan_in + fan_out)) (Glorot & Bengio 2010); orthogonal rows or columns times scale
    (Saxe et al. 2014); scale times the identity (Le, Jaitly & Hinton 2015); zeros.
    """
    fan_in, fan_out = shape
    if scheme in ("uniform", "normal"):
        width = 1 / sqrt(H) if scale is None else scale
        if scheme == "uniform":
            return rng.uniform(-width, width, shape)
        return rng.normal(0, width, shape)
    gain = 1.0 if scale is None else scale
    if scheme == "xavier":
        limit = gain * sqrt(6 / (fan_in + fan_out))
        return rng.uniform(-limit, limit, shape)
    if scheme == "orthogonal":
        return gain * orthogonal(rng, shape)
    if scheme == "identity":
        return gain * np.eye(fan_in, fan_out)
    return np.zeros(shape)


def orthogonal(rng: np.random.Generator, shape: tuple[int, int]) -> Block:
    """Orthonormal rows or columns, uniformly drawn (QR with the signs of R's diagonal)."""
    rows, columns = max(shape), min(shape)
    q, r = np.linalg.qr(rng.normal(size=(rows, columns)))
    q *= np.sign(np.diag(r))
    return q if shape[0] >= shape[1] else q.T


LINE = 64  # bytes of a line of the cache


def aligned(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Memory that begins with a line of the cache, so that no vector lies in two of them.

    What reads no byte twice, as the product of one row with a matrix, is faster by it.
    """
    made = np.dtype(dtype)
    size = prod(shape) * made.itemsize
    store = np.empty(size + LINE, np.uint8)
    start = -int(store.__array_interface__["data"][0]) % LINE
    return np.ndarray(shape, made, store, start)


def aligned_zeros(size: int, dtype: DTypeLike) -> NDArray[Any]:
    """A vector of zeros that begins with a line of the cache."""
    made = aligned((size,), dtype)
    made.fill(0)
    return made


class Workspace:
    """Named arrays that grow to the largest shape asked for, and are never shrunk."""

    def __init__(self, dtype: DTypeLike) -> None:
        self.dtype = np.dtype(dtype)
        self._stores: dict[str, NDArray[Any]] = {}
        self._views: dict[tuple[str, tuple[int, ...]], NDArray[Any]] = {}
        self.growths = 0  # how often an array took the place of a smaller one

    def __call__(
        self, name: str, shape: tuple[int, ...], dtype: DTypeLike | None = None
    ) -> NDArray[Any]:
        """The array `name` as a C-contiguous view of `shape`; its contents are arbitrary."""
        view = self._views.get((name, shape))
        if view is None:
            view = self._views[name, shape] = self._view(name, shape, dtype)
        return view

    def _view(self, name: str, shape: tuple[int, ...], dtype: DTypeLike | None) -> NDArray[Any]:
        size = prod(shape)
        store = self._stores.get(name)
        if store is None or store.size < size:
            store = self._stores[name] = aligned((size,), dtype or self.dtype)
            self.growths += 1
            self._views = {key: view for key, view in self._views.items() if key[0] != name}
        return store[:size].reshape(shape)

    @property
    def nbytes(self) -> int:
        return sum(store.nbytes for store in self._stores.values())
