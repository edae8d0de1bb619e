"""GRU over a window, compiled: the loops of `cells/gru.py`, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.backends.compiled.compiling import compiled, overload_step, part, tanh
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
from charrnn.nn.backends.compiled.views import ahead, number, plane, row
from charrnn.nn.cells.base import Weights
from charrnn.nn.cells.gru import GRU, GRULoops

Array = NDArray[Any]


def forward(A: Array, U: Array, q: Array | None, H: Array, M: Array) -> None:
    """As `cells.gru.forward`."""
    packed = packed_memory(U.shape, U.dtype, PACKED)
    product = product_rows(A.shape[1], packed, ROWS)
    _forward(
        product_at(A.dtype),
        pack_at(A.dtype),
        A,
        U,
        packed,
        product,
        np.zeros(H.shape[-1], A.dtype) if q is None else q,
        H,
        M,
    )


def backward(
    dH: Array, dh: Array, U: Array, A: Array, H: Array, M: Array, dR: Array, dN: Array,
    *, initial: bool = True,
) -> Array:  # fmt: skip
    """As `cells.gru.backward`; what is returned is that only if it is asked for, `initial`."""
    packed = packed_memory(U.shape[::-1], U.dtype, PACKED)
    dh = dh.copy()
    _backward(
        product_at(U.dtype),
        pack_transposed_at(U.dtype),
        dH,
        dh,
        U,
        packed,
        product_rows(len(dh), packed, ROWS),
        A,
        H,
        M,
        dR,
        dN,
        int(not initial),
    )
    return dh


LOOPS = GRULoops(forward=forward, backward=backward, last=partial(backward, initial=False))


class StepData(NamedTuple):
    """What `step` needs of a GRU: q (L, H), zeros without biases."""

    q: Array


def step_data(cell: GRU, layers: Sequence[Weights]) -> StepData:
    """From the layers' weights."""
    zero = np.zeros(cell.H, layers[0]["U"].dtype)
    return StepData(np.stack([p.get("q", zero) for p in layers]))


@overload_step(StepData)
def _advance(x, a, state, layer, stream, cell, scratch):
    _step_alone(x, a, row(cell.q, (layer,)), row(state, (layer, stream)), state.shape[2])


@part
def _step_alone(x, a, q, h, H):
    """In one loop, nothing kept but h."""
    half, one = number(x, 0.5), number(x, 1)
    r, u, n = x, ahead(x, H), ahead(x, 2 * H)
    a_r, a_u, a_n = a, ahead(a, H), ahead(a, 2 * H)
    for j in range(H):
        r_t = half * (tanh(half * (r[j] + a_r[j])) + one)  # (GRU.1)
        u_t = half * (tanh(half * (u[j] + a_u[j])) + one)  # (GRU.2)
        m_t = a_n[j] + q[j]  # (GRU.3)
        n_t = tanh(n[j] + r_t * m_t)  # (GRU.4)
        h[j] = u_t * (h[j] - n_t) + n_t  # (GRU.5)


@compiled
def _forward(at, pack, A, U, packed, product, q, H, M):
    T, B, width = M.shape
    call_at(pack, row(U, (0,)), U.shape[0], U.shape[1], row(packed, (0, 0)), packed.shape[0])
    for t in range(T):
        multiply_states(at, H, packed, product, t)
        for b in range(B):
            _step(row(A, (t, b)), row(product, (b,)), row(q, ()), row(H, (t, b)),
                  row(H, (t + 1, b)), row(M, (t, b)), width)  # fmt: skip


@part
def _step(a, product, q, h_past, h, m, H):
    half, one = number(a, 0.5), number(a, 1)
    r, u, n = a, ahead(a, H), ahead(a, 2 * H)
    r_product, u_product, n_product = product, ahead(product, H), ahead(product, 2 * H)
    for j in range(H):
        r[j] = half * (tanh(half * (r[j] + r_product[j])) + one)  # (GRU.1)
        u[j] = half * (tanh(half * (u[j] + u_product[j])) + one)  # (GRU.2)
    for j in range(H):
        m[j] = n_product[j] + q[j]  # (GRU.3)
        n[j] = tanh(n[j] + r[j] * m[j])  # (GRU.4)
        h[j] = u[j] * (h_past[j] - n[j]) + n[j]  # (GRU.5)


@compiled
def _backward(at, pack, dH, dh, U, packed, product, A, H, M, dR, dN, first):
    T, B, width = M.shape
    call_at(pack, row(U, (0,)), U.shape[0], U.shape[1], row(packed, (0, 0)), packed.shape[0])
    for t in range(T - 1, -1, -1):
        for b in range(B):
            _step_back(row(dH, (t, b)), row(dh, (b,)), row(A, (t, b)), row(H, (t, b)),
                       row(M, (t, b)), row(dR, (t, b)), row(dN, (t, b)), width)  # fmt: skip
        if t < first:
            return
        multiply(at, plane(dR, t), packed, product, t)
        for b in range(B):
            dh_t, carried = row(dh, (b,)), row(product, (b,))
            for j in range(width):
                dh_t[j] += carried[j]  # (GRU.11)


@part
def _step_back(dH, dh, a, h_past, m, dr, dn, H):
    """Leaves in dh what (GRU.11) carries past the product: dh ⊙ u."""
    one = number(a, 1)
    r, u, n = a, ahead(a, H), ahead(a, 2 * H)
    d_r, d_u, d_m = dr, ahead(dr, H), ahead(dr, 2 * H)
    for j in range(H):
        dh_t = dh[j] + dH[j]  # (GRU.6)
        d_u[j] = dh_t * (h_past[j] - n[j]) * u[j] * (one - u[j])  # (GRU.7)
        dn[j] = dh_t * (one - u[j]) * (one - n[j] * n[j])  # (GRU.8)
        dh[j] = dh_t * u[j]
    for j in range(H):
        d_r[j] = dn[j] * m[j] * r[j] * (one - r[j])  # (GRU.9)
        d_m[j] = dn[j] * r[j]  # (GRU.10)
