"""Memory that is allocated once and reused for every window."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class Workspace:
    """Named arrays that grow to the largest shape asked for, and are never shrunk."""

    def __init__(self, dtype: DTypeLike) -> None:
        self.dtype = np.dtype(dtype)
        self._stores: dict[str, NDArray[Any]] = {}

    def __call__(
        self, name: str, shape: tuple[int, ...], dtype: DTypeLike | None = None
    ) -> NDArray[Any]:
        """The array `name` as a C-contiguous view of `shape`; its contents are arbitrary."""
        size = prod(shape)
        store = self._stores.get(name)
        if store is None or store.size < size:
            store = self._stores[name] = np.empty(size, dtype or self.dtype)
        return store[:size].reshape(shape)

    @property
    def nbytes(self) -> int:
        return sum(store.nbytes for store in self._stores.values())
