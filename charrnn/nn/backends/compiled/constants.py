"""What compiled loops are told about activation functions: numbers, and flags that are None or 1.

A flag's type decides which code is compiled.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.activations import IDENTITY, RELU, Activation

NAMES = ("beta", "alpha", "gamma", "c0", "c1", "c2")


@cache
def constants(activation: Activation, dtype: np.dtype[Any]) -> NDArray[Any]:
    """φ(a) = alpha tanh(beta a) + gamma and φ' = c0 + c1 y + c2 y²: the six numbers."""
    return np.array([getattr(activation, name) for name in NAMES], dtype)


def relu_flag(activation: Activation) -> int | None:
    return 1 if activation is RELU else None


def linear_flag(activation: Activation) -> int | None:
    return 1 if activation is IDENTITY else None
