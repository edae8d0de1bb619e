"""The parts of a window that are not recurrent and that BLAS has no name for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.backends.compiled.compiling import compiled, exp
from charrnn.nn.backends.compiled.views import number, row

Array = NDArray[Any]
_ALL = np.empty(0, np.bool_)  # the mask of a batch that has none: one function compiles for both


def gather(ids: NDArray[np.integer], W: Array, out: Array, b: Array | None = None) -> None:
    """As `nn.window.gather`."""
    _gather(ids, W, np.zeros(W.shape[1], W.dtype) if b is None else b, out)


def scatter(ids: NDArray[np.integer], dA: Array, dW: Array, db: Array | None = None) -> None:
    """As `nn.window.scatter`: here one addition of a row for each id."""
    _scatter(ids, dA, dW, np.empty(dW.shape[1], dW.dtype) if db is None else db)


def softmax_cross_entropy(Z: Array, y: NDArray[np.integer]) -> Array:
    """As `nn.window.softmax_cross_entropy`."""
    E = np.empty(len(Z), Z.dtype)
    _softmax(Z, y, E)
    return E


def cross_entropy_gradient(
    p: Array, y: NDArray[np.integer], scale: float, mask: NDArray[np.bool_] | None
) -> None:
    """As `nn.window.cross_entropy_gradient`."""
    _gradient(p, y, p.dtype.type(scale), _ALL if mask is None else mask)


@compiled
def _gradient(p, y, scale, mask):
    N, K = p.shape
    for n in range(N):
        dz, kept = row(p, (n,)), scale
        dz[y[n]] -= 1  # (CE.3)
        if len(mask) and not mask[n]:
            kept = number(p, 0)
        for k in range(K):
            dz[k] *= kept


@compiled
def _gather(ids, W, b, out):
    G, bias = W.shape[1], row(b, ())
    for n in range(len(ids)):
        a, w = row(out, (n,)), row(W, (ids[n],))
        for j in range(G):
            a[j] = w[j] + bias[j]


@compiled
def _scatter(ids, dA, dW, db):
    G, sums = dW.shape[1], row(db, ())
    for n in range(len(ids)):
        dw, da = row(dW, (ids[n],)), row(dA, (n,))
        for j in range(G):
            dw[j] += da[j]
            sums[j] += da[j]


@compiled
def _softmax(Z, y, E):
    """In two passes over the rows: the sums of neighbours, each a chain of additions, overlap."""
    N, K = Z.shape
    for n in range(N):
        z = row(Z, (n,))
        top = z[0]
        for k in range(1, K):
            top = z[k] if z[k] > top else top
        E[n] = z[y[n]] - top
        for k in range(K):
            z[k] = exp(z[k] - top)  # (CE.1)
    for n in range(N):
        z = row(Z, (n,))
        total = number(Z, 0)
        for k in range(K):
            total += z[k]
        for k in range(K):
            z[k] /= total
        E[n] = np.log(total) - E[n]  # (CE.2)


def adam_step(
    theta: Array, g: Array, m: Array, v: Array, decay: Array | None, rate: float,
    betas: tuple[float, float], epsilon: float, corrections: tuple[float, float],
) -> bool:  # fmt: skip
    """As `optim.Adam.plain_step`, in one pass: each vector is read and written once."""
    real = theta.dtype.type
    numbers = (rate, *betas, 1 - betas[0], 1 - betas[1], epsilon, *corrections)
    return not _adam_step(theta, g, m, v, decay, tuple(map(real, numbers)))


def mean_step(mean: Array, theta: Array, share: float) -> None:
    """As `optim.WeightAverage.plain_step`."""
    _mean_step(mean, theta, theta.dtype.type(share))


@compiled
def _mean_step(mean, theta, share):
    for j in range(len(mean)):
        mean[j] += share * (theta[j] - mean[j])


@compiled
def _adam_step(theta, g, m, v, decay, numbers):
    rate, beta1, beta2, rest1, rest2, epsilon, m_scale, v_scale = numbers
    bad = np.int32(0)
    for j in range(len(theta)):
        theta_j = theta[j]
        if decay is not None:
            theta_j -= rate * decay[j] * theta_j
        # Each is written when all are known: read again, it would be waited for.
        m_j = beta1 * m[j] + rest1 * g[j]
        v_j = beta2 * v[j] + rest2 * g[j] * g[j]
        theta_j -= rate * m_scale * m_j / (np.sqrt(v_scale * v_j) + epsilon)
        theta[j], m[j], v[j] = theta_j, m_j, v_j
        # x - x is 0, and NaN where x is not finite.
        bad += np.int32((theta_j - theta_j) + (m_j - m_j) + (v_j - v_j) != 0)
    return bad
