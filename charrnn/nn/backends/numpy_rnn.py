"""Vanilla RNN over a window, in NumPy. Equations: docs/derivations/rnn.md."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.activations import Activation

Array = NDArray[Any]


def forward(A: Array, U: Array, H: Array, activation: Activation) -> None:
    """Fill H[1:] from the projections A = X W + b (T, B, H) and the state on entry H[0]."""
    for t in range(len(A)):
        h = H[t + 1]
        np.matmul(H[t], U, out=h)
        h += A[t]  # (RNN.1)
        activation.apply(h)  # (RNN.2)


def backward(dH: Array, dh: Array, U: Array, H: Array, activation: Activation, dA: Array) -> Array:
    """Fill dA (T, B, H) from dH, the errors on the outputs, and dh, that on the last state.

    Returns the gradient of the state on entry (B, H).
    """
    activation.derivative(H[1:], dA)
    dh = dh.copy()
    U_T = U.T
    for t in reversed(range(len(dA))):
        dh += dH[t]
        dA[t] *= dh  # (RNN.4)
        np.matmul(dA[t], U_T, out=dh)  # (RNN.5)
    return dh
