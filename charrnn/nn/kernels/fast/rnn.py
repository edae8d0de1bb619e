"""Vanilla RNN over a window, compiled: `plain_rnn`, row by row.

Equations: docs/derivations/rnn.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.kernels.fast.compiling import compiled
from charrnn.nn.kernels.fast.product import multiply, pack, pack_transposed
from charrnn.nn.kernels.fast.squash import tanh
from charrnn.nn.kernels.fast.variants import constants, relu_flag
from charrnn.nn.squash import Squash

Array = NDArray[Any]


def forward(A: Array, U: Array, H: Array, squash: Squash) -> None:
    """As `plain_rnn.forward`."""
    _forward(A, U, H, constants(squash, A.dtype), relu_flag(squash))


def backward(dH: Array, dh: Array, U: Array, H: Array, squash: Squash, dA: Array) -> Array:
    """As `plain_rnn.backward`."""
    return _backward(dH, dh, U, H, constants(squash, dA.dtype), relu_flag(squash), dA)


@compiled
def _forward(A, U, H, squash, relu):
    T, B, _ = A.shape
    packed = pack(U)
    a = np.empty((B, packed.shape[0] * packed.shape[2]), A.dtype)
    for t in range(T):
        multiply(H[t], packed, a)
        for b in range(B):
            _step(A[t, b], a[b], H[t + 1, b], squash, relu)


@compiled
def _step(x, a, h, squash, relu):
    beta, alpha, gamma = squash[0], squash[1], squash[2]
    for j in range(len(h)):
        if relu is None:
            h[j] = alpha * tanh(beta * (x[j] + a[j])) + gamma  # (RNN.1), (RNN.2)
        else:
            h[j] = max(x[j] + a[j], x.dtype.type(0))


@compiled
def _backward(dH, dh, U, H, squash, relu, dA):
    T, B, width = dA.shape
    packed = pack_transposed(U)
    carried = np.zeros((B, packed.shape[0] * packed.shape[2]), dA.dtype)
    carried[:, :width] = dh
    for t in range(T - 1, -1, -1):
        for b in range(B):
            _step_back(dH[t, b], carried[b], H[t + 1, b], dA[t, b], squash, relu)
        multiply(dA[t], packed, carried)  # (RNN.5)
    return carried[:, :width].copy()


@compiled
def _step_back(dh, carried, h, da, squash, relu):
    c0, c1, c2 = squash[3], squash[4], squash[5]
    for j in range(len(h)):
        error = dh[j] + carried[j]
        if relu is None:
            da[j] = ((c2 * h[j] + c1) * h[j] + c0) * error  # (RNN.4)
        else:
            da[j] = error if h[j] > 0 else da.dtype.type(0)
