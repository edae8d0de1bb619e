"""All parameters as one flat vector θ with named views.

Gradient and optimiser slots mirror θ, so that clipping, the update and a checkpoint each touch
one array. Views are C-contiguous slices of the vector: writing to one writes to θ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
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
        self.flat: Array = np.zeros(size, dtype) if flat is None else flat
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
