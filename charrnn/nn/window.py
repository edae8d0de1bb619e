"""What a window needs at both ends: one-hot inputs; softmax, cross-entropy and its gradient.

Softmax and cross-entropy are one stable pass (Bridle 1990):

(CE.1) p_t = softmax(z_t)
(CE.2) E_t = -ln p_t[y_t]
(CE.3) dz_t = p_t - y_t          for a one-hot y_t
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
# Below this K a dense one-hot GEMM is the faster scatter; above, sums over sorted segments.
DENSE_SCATTER_MAX_K = 512


def softmax_cross_entropy(Z: Array, y: NDArray[np.integer]) -> Array:
    """Turn logits Z (N, K) into probabilities in place; return E (N,) in nats for ids y (N,)."""
    Z -= Z.real.max(axis=1, keepdims=True)
    picked = Z[np.arange(len(y)), y]
    np.exp(Z, out=Z)
    sums = Z.sum(axis=1, keepdims=True)
    Z /= sums
    return np.asarray(np.log(sums[:, 0]) - picked)  # (CE.2)


def log_softmax(Z: Array) -> Array:
    """Turn logits Z (…, K) into log-probabilities, in place."""
    Z -= Z.max(axis=-1, keepdims=True)
    Z -= np.log(np.exp(Z).sum(axis=-1, keepdims=True))
    return Z


def cross_entropy_gradient(
    p: Array, y: NDArray[np.integer], scale: float, mask: Array | None
) -> None:
    """Turn probabilities p (N, K) into dz = (p - y) · scale in place, zero where mask is false."""
    p[np.arange(len(y)), y] -= 1  # (CE.3)
    p *= scale
    if mask is not None:
        p *= mask[:, None]


def gather(ids: NDArray[np.integer], W: Array, out: Array, b: Array | None = None) -> None:
    """out = X W + b for one-hot rows X with the given ids. ids (N,), W (K, G), out (N, G)."""
    if b is not None:
        W = W + b
    # mode="raise" would make NumPy buffer `out`; ids were checked when the text was encoded.
    np.take(W, ids, axis=0, out=out, mode="clip")


def scatter(ids: NDArray[np.integer], dA: Array, dW: Array, db: Array | None = None) -> None:
    """dW += Xᵀ dA for one-hot rows X with the given ids, and db += Σ da_n, if it is given.

    ids (N,), dA (N, G), dW (K, G), db (G,).
    """
    if db is not None:
        db += column_sums(dA)
    if len(dW) <= DENSE_SCATTER_MAX_K:
        X = np.zeros((len(ids), len(dW)), dA.dtype)
        X[np.arange(len(ids)), ids] = 1
        dW += X.T @ dA
        return
    order = np.argsort(ids, kind="stable")
    present, starts = np.unique(ids[order], return_index=True)
    dW[present] += np.add.reduceat(dA[order], starts, axis=0)


def column_sums(dA: Array) -> Array:
    """Σ over rows, as a product with ones: BLAS is faster at it than a reduction."""
    return np.asarray(np.ones(len(dA), dA.dtype) @ dA)


def add_product(X: Array, Y: Array, out: Array) -> None:
    """out += Xᵀ Y: the gradient of weights. X (N, H), Y (N, G), out (H, G)."""
    out += X.T @ Y
