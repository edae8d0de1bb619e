"""Activation functions, softmax and cross-entropy, as they are written in textbooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def sigmoid(a: Array) -> Array:
    """σ(a) = 1 / (1 + e^-a)."""
    return np.asarray(1 / (1 + np.exp(-a)))


def relu(a: Array) -> Array:
    """max(a, 0), by the real part: its complex-step derivative is the step function."""
    return np.where(a.real > 0, a, 0 * a)


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "relu": relu,
    "identity": lambda a: a,
    # Hochreiter & Schmidhuber (1997), appendix A.1: g has range [-2, 2] and h has [-1, 1].
    "logistic_g": lambda a: 4 * sigmoid(a) - 2,
    "logistic_h": lambda a: 2 * sigmoid(a) - 1,
}


def softmax(z: Array) -> Array:
    """p_k = e^(z_k) / Σ_j e^(z_j), over the last axis."""
    e = np.exp(z - z.real.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def cross_entropy(z: Array, y: Array) -> Array:
    """E = -Σ_k y_k ln p_k for a one-hot y, over the last axis; nats."""
    return np.asarray(-(y * np.log(softmax(z))).sum(axis=-1))


def constant(v: Array) -> Array:
    """v with its derivative cut: the complex step carries derivatives in the imaginary part."""
    return v.real + 0 * v.imag
