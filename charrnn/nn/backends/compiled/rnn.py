"""Vanilla RNN over a window, compiled: `plain_rnn`, row by row.

Equations: docs/derivations/rnn.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.activations import Activation
from charrnn.nn.backends.compiled.constants import constants, relu_flag
from charrnn.nn.backends.compiled.functions import tanh
from charrnn.nn.backends.compiled.jit import compiled
from charrnn.nn.backends.compiled.product import multiply, pack, pack_transposed

Array = NDArray[Any]


def forward(A: Array, U: Array, H: Array, activation: Activation) -> None:
    """As `plain_rnn.forward`."""
    _forward(A, U, H, constants(activation, A.dtype), relu_flag(activation))


def backward(dH: Array, dh: Array, U: Array, H: Array, activation: Activation, dA: Array) -> Array:
    """As `plain_rnn.backward`."""
    return _backward(dH, dh, U, H, constants(activation, dA.dtype), relu_flag(activation), dA)


@compiled
def _forward(A, U, H, activation, relu):
    T, B, _ = A.shape
    packed = pack(U)
    a = np.empty((B, packed.shape[0] * packed.shape[2]), A.dtype)
    for t in range(T):
        multiply(H[t], packed, a)
        for b in range(B):
            _step(A[t, b], a[b], H[t + 1, b], activation, relu)


@compiled
def _step(x, a, h, activation, relu):
    beta, alpha, gamma = activation[0], activation[1], activation[2]
    for j in range(len(h)):
        if relu is None:
            h[j] = alpha * tanh(beta * (x[j] + a[j])) + gamma  # (RNN.1), (RNN.2)
        else:
            h[j] = max(x[j] + a[j], x.dtype.type(0))


@compiled
def _backward(dH, dh, U, H, activation, relu, dA):
    T, B, width = dA.shape
    packed = pack_transposed(U)
    carried = np.zeros((B, packed.shape[0] * packed.shape[2]), dA.dtype)
    carried[:, :width] = dh
    for t in range(T - 1, -1, -1):
        for b in range(B):
            _step_back(dH[t, b], carried[b], H[t + 1, b], dA[t, b], activation, relu)
        multiply(dA[t], packed, carried)  # (RNN.5)
    return carried[:, :width].copy()


@compiled
def _step_back(dh, carried, h, da, activation, relu):
    c0, c1, c2 = activation[3], activation[4], activation[5]
    for j in range(len(h)):
        error = dh[j] + carried[j]
        if relu is None:
            da[j] = ((c2 * h[j] + c1) * h[j] + c0) * error  # (RNN.4)
        else:
            da[j] = error if h[j] > 0 else da.dtype.type(0)
