"""What compiled loops are told about activation functions: numbers, and flags that are None or 1.

A flag's type decides which code is compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import config, njit
from numpy.typing import NDArray

from charrnn.nn.activations import IDENTITY, RELU, Activation
from charrnn.nn.backends.compiled.cache import LoopCache

NAMES = ("beta", "alpha", "gamma", "c0", "c1", "c2")


@cache
def constants(activation: Activation, dtype: np.dtype[Any]) -> NDArray[Any]:
    """φ(a) = alpha tanh(beta a) + gamma and φ' = c0 + c1 y + c2 y²: the six numbers."""
    return np.array([getattr(activation, name) for name in NAMES], dtype)


def relu_flag(activation: Activation) -> int | None:
    return 1 if activation is RELU else None


def linear_flag(activation: Activation) -> int | None:
    return 1 if activation is IDENTITY else None


if config.DISABLE_JIT:
    raise ImportError("NUMBA_DISABLE_JIT is set")

_njit = njit(nogil=True, error_model="numpy", fastmath={"contract"})


def compiled(function: Callable[..., Any]) -> Any:
    """The function, compiled for the types that it is called with."""
    dispatcher = _njit(function)
    dispatcher._cache = LoopCache(function)
    return dispatcher
