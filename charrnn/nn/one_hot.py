"""Products with one-hot vectors, kept as ids: x_t W is a row of W.

`tests/nn/test_one_hot.py` proves both equal to the dense products.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Below this K a dense one-hot GEMM is the faster scatter; above, sums over sorted segments.
DENSE_SCATTER_MAX_K = 512


def gather(ids: NDArray[np.integer], W: Array, out: Array) -> None:
    """out = X W for one-hot rows X with the given ids. ids (N,), W (K, G), out (N, G)."""
    # mode="raise" would make NumPy buffer `out`; ids were checked when the text was encoded.
    np.take(W, ids, axis=0, out=out, mode="clip")


def scatter(ids: NDArray[np.integer], dA: Array, dW: Array) -> None:
    """dW += Xᵀ dA for one-hot rows X with the given ids. ids (N,), dA (N, G), dW (K, G)."""
    if len(dW) <= DENSE_SCATTER_MAX_K:
        X = np.zeros((len(ids), len(dW)), dA.dtype)
        X[np.arange(len(ids)), ids] = 1
        dW += X.T @ dA
        return
    order = np.argsort(ids, kind="stable")
    present, starts = np.unique(ids[order], return_index=True)
    dW[present] += np.add.reduceat(dA[order], starts, axis=0)
