"""How matrices start: one (fan_in, fan_out) block at a time, one block a gate."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

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
