"""Vanilla RNN over a window, compiled: the loops of `cells/rnn.py`, row by row.

Equations: docs/derivations/rnn.md.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.activations import Activation
from charrnn.nn.backends.compiled.compiling import (
    compiled,
    constants,
    overload_step,
    relu_flag,
    tanh,
)
from charrnn.nn.backends.compiled.product import multiply, pack, pack_transposed
from charrnn.nn.cells.base import Weights
from charrnn.nn.cells.rnn import RNN, RNNLoops

Array = NDArray[Any]


def forward(A: Array, U: Array, H: Array, activation: Activation) -> None:
    """As `cells.rnn.forward`."""
    _forward(A, U, H, constants(activation, A.dtype), relu_flag(activation))


def backward(dH: Array, dh: Array, U: Array, H: Array, activation: Activation, dA: Array) -> Array:
    """As `cells.rnn.backward`."""
    return _backward(dH, dh, U, H, constants(activation, dA.dtype), relu_flag(activation), dA)


LOOPS = RNNLoops(forward=forward, backward=backward)


class StepData(NamedTuple):
    """What `step` needs of an RNN: the constants of φ, and whether it is relu."""

    phi: Array
    relu: int | None


def step_data(cell: RNN, layers: list[Weights]) -> StepData:
    """From the layers' weights."""
    return StepData(constants(cell.activation, layers[0]["U"].dtype), relu_flag(cell.activation))


@overload_step(StepData)
def _advance(x, a, state, layer, stream, cell, scratch):
    _step(x, a, state[0, stream], cell.phi, cell.relu)


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
        dh_t = dh[j] + carried[j]
        if relu is None:
            da[j] = ((c2 * h[j] + c1) * h[j] + c0) * dh_t  # (RNN.4)
        else:
            da[j] = dh_t if h[j] > 0 else da.dtype.type(0)
