"""The parts of a window that are not recurrent and that BLAS has no name for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.backends.compiled.compiling import compiled, exp

Array = NDArray[Any]


def gather(ids: NDArray[np.integer], W: Array, out: Array) -> None:
    """As `nn.window.gather`."""
    _gather(ids, W, out)


def scatter(ids: NDArray[np.integer], dA: Array, dW: Array) -> None:
    """As `nn.window.scatter`: here one addition of a row for each id."""
    _scatter(ids, dA, dW)


def softmax_cross_entropy(Z: Array, y: NDArray[np.integer]) -> Array:
    """As `nn.window.softmax_cross_entropy`."""
    E = np.empty(len(Z), Z.dtype)
    _softmax(Z, y, E)
    return E


def cross_entropy_gradient(
    p: Array, y: NDArray[np.integer], scale: float, mask: NDArray[np.bool_] | None
) -> None:
    """As `nn.window.cross_entropy_gradient`."""
    _gradient(p, y, p.dtype.type(scale), mask)


@compiled
def _gradient(p, y, scale, mask):
    for n in range(len(p)):
        row = p[n]
        row[y[n]] -= 1  # (CE.3)
        kept = scale
        if mask is not None and not mask[n]:
            kept = row.dtype.type(0)
        for k in range(len(row)):
            row[k] *= kept


@compiled
def _gather(ids, W, out):
    for n in range(len(ids)):
        row, w = out[n], W[ids[n]]
        for j in range(len(row)):
            row[j] = w[j]


@compiled
def _scatter(ids, dA, dW):
    for n in range(len(ids)):
        row, da = dW[ids[n]], dA[n]
        for j in range(len(row)):
            row[j] += da[j]


@compiled
def _softmax(Z, y, E):
    for n in range(len(Z)):
        E[n] = _softmax_row(Z[n], y[n])


@compiled
def _softmax_row(z, y):
    top = z[0]
    for k in range(1, len(z)):
        top = max(top, z[k])
    picked = z[y] - top
    for k in range(len(z)):
        z[k] = exp(z[k] - top)  # (CE.1)
    total = z.dtype.type(0)
    for k in range(len(z)):
        total += z[k]
    for k in range(len(z)):
        z[k] /= total
    return np.log(total) - picked  # (CE.2)


def adam_step(
    theta: Array, g: Array, m: Array, v: Array, decay: Array | None, rate: float,
    betas: tuple[float, float], epsilon: float, corrections: tuple[float, float],
) -> None:  # fmt: skip
    """As `optim.Adam.plain_step`."""
    real = theta.dtype.type
    numbers = (rate, *betas, 1 - betas[0], 1 - betas[1], epsilon, *corrections)
    _adam_step(theta, g, m, v, decay, tuple(real(number) for number in numbers))


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
    for j in range(len(theta)):
        if decay is not None:
            theta[j] -= rate * decay[j] * theta[j]
        m[j] = beta1 * m[j] + rest1 * g[j]
        v[j] = beta2 * v[j] + rest2 * g[j] * g[j]
        theta[j] -= rate * m_scale * m[j] / (np.sqrt(v_scale * v[j]) + epsilon)
