"""Updates in one pass over θ: `optim.Adam` and `optim.WeightAverage`, element by element."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.backends.compiled.jit import compiled

Array = NDArray[Any]


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
