"""Gradient clipping (Pascanu, Mikolov & Bengio 2013; elementwise: Mikolov 2012)."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def norm(g: Array) -> float:
    """‖g‖₂ of the flat gradient."""
    with np.errstate(over="ignore", invalid="ignore"):
        squares = float(np.dot(g, g))
        if np.isfinite(squares):
            return sqrt(squares)
        return float(np.linalg.norm(g.astype(np.float64)))


def clip_by_norm(g: Array, g_norm: float, threshold: float) -> None:
    """g ← g · threshold / ‖g‖ in place, where ‖g‖ exceeds the threshold."""
    if g_norm > threshold:
        g *= threshold / g_norm


def clip_by_value(g: Array, threshold: float) -> None:
    """Cut every element of g to [-threshold, threshold] in place."""
    np.clip(g, -threshold, threshold, out=g)
