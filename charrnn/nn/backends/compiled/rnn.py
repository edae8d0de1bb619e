"""Vanilla RNN over a window, compiled: the loops of `cells/rnn.py`, row by row.

Equations: docs/derivations/rnn.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from numpy.typing import NDArray

from charrnn.nn.activations import Activation
from charrnn.nn.backends.compiled.compiling import (
    compiled,
    constants,
    overload_step,
    part,
    relu_flag,
    tanh,
)
from charrnn.nn.backends.compiled.product import (
    PACKED,
    ROWS,
    multiply,
    multiply_states,
    pack_at,
    pack_transposed_at,
    packed_memory,
    product_at,
    product_rows,
)
from charrnn.nn.backends.compiled.tile import call_at
from charrnn.nn.backends.compiled.views import number, plane, row
from charrnn.nn.cells.base import Weights
from charrnn.nn.cells.rnn import RNN, RNNLoops

Array = NDArray[Any]


def forward(A: Array, U: Array, H: Array, activation: Activation) -> None:
    """As `cells.rnn.forward`."""
    packed = packed_memory(U.shape, U.dtype, PACKED)
    a = product_rows(A.shape[1], packed, ROWS)
    _forward(
        product_at(A.dtype),
        pack_at(A.dtype),
        A,
        U,
        packed,
        a,
        H,
        constants(activation, A.dtype),
        relu_flag(activation),
    )


def backward(
    dH: Array, dh: Array, U: Array, H: Array, activation: Activation, dA: Array, *,
    initial: bool = True,
) -> Array:  # fmt: skip
    """As `cells.rnn.backward`; what is returned is that only if it is asked for, `initial`."""
    packed = packed_memory(U.shape[::-1], U.dtype, PACKED)
    carried, width = product_rows(len(dh), packed, ROWS), dh.shape[1]
    carried[:, :width] = dh
    phi, relu = constants(activation, dA.dtype), relu_flag(activation)
    _backward(product_at(U.dtype), pack_transposed_at(U.dtype), dH, carried, U, packed, H, phi,
              relu, dA, int(not initial))  # fmt: skip
    return carried[:, :width]


LOOPS = RNNLoops(forward=forward, backward=backward, last=partial(backward, initial=False))


class StepData(NamedTuple):
    """What `step` needs of an RNN: the constants of φ, and whether it is relu."""

    phi: Array
    relu: int | None


def step_data(cell: RNN, layers: Sequence[Weights]) -> StepData:
    """From the layers' weights."""
    return StepData(constants(cell.activation, layers[0]["U"].dtype), relu_flag(cell.activation))


@overload_step(StepData)
def _advance(x, a, state, layer, stream, cell, scratch):
    _step(x, a, row(state, (layer, stream)), state.shape[2], cell.phi, cell.relu)


@compiled
def _forward(at, pack, A, U, packed, a, H, activation, relu):
    T, B, width = A.shape
    call_at(pack, row(U, (0,)), U.shape[0], U.shape[1], row(packed, (0, 0)), packed.shape[0])
    for t in range(T):
        multiply_states(at, H, packed, a, t)
        for b in range(B):
            h = row(H, (t + 1, b))
            _step(row(A, (t, b)), row(a, (b,)), h, width, activation, relu)


@part
def _step(x, a, h, H, activation, relu):
    beta, alpha, gamma = activation[0], activation[1], activation[2]
    for j in range(H):
        if relu is None:
            h[j] = alpha * tanh(beta * (x[j] + a[j])) + gamma  # (RNN.1), (RNN.2)
        else:
            sum_j = x[j] + a[j]
            h[j] = number(x, 0) if sum_j < 0 else sum_j


@compiled
def _backward(at, pack, dH, carried, U, packed, H, activation, relu, dA, first):
    T, B, width = dA.shape
    call_at(pack, row(U, (0,)), U.shape[0], U.shape[1], row(packed, (0, 0)), packed.shape[0])
    for t in range(T - 1, -1, -1):
        for b in range(B):
            _step_back(row(dH, (t, b)), row(carried, (b,)), row(H, (t + 1, b)), row(dA, (t, b)),
                       width, activation, relu)  # fmt: skip
        if t >= first:
            multiply(at, plane(dA, t), packed, carried, t)  # (RNN.5)


@part
def _step_back(dh, carried, h, da, H, activation, relu):
    c0, c1, c2 = activation[3], activation[4], activation[5]
    for j in range(H):
        dh_t = dh[j] + carried[j]
        if relu is None:
            da[j] = ((c2 * h[j] + c1) * h[j] + c0) * dh_t  # (RNN.4)
        else:
            da[j] = dh_t if h[j] > 0 else number(da, 0)
