"""GRU over a window, compiled: the loops of `cells/gru.py`, row by row."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.backends.compiled.compiling import compiled, overload_step, tanh
from charrnn.nn.backends.compiled.product import multiply, pack, pack_transposed
from charrnn.nn.cells.base import Weights
from charrnn.nn.cells.gru import GRU, GRULoops

Array = NDArray[Any]


def forward(A: Array, U: Array, q: Array | None, H: Array, M: Array) -> None:
    """As `cells.gru.forward`."""
    _forward(A, U, np.zeros(H.shape[-1], A.dtype) if q is None else q, H, M)


def backward(
    dH: Array, dh: Array, U: Array, A: Array, H: Array, M: Array, dR: Array, dN: Array
) -> Array:
    """As `cells.gru.backward`."""
    return _backward(dH, dh, U, A, H, M, dR, dN)


LOOPS = GRULoops(forward=forward, backward=backward)


class StepData(NamedTuple):
    """What `step` needs of a GRU: q (L, H), zeros without biases."""

    q: Array


def step_data(cell: GRU, layers: list[Weights]) -> StepData:
    """From the layers' weights."""
    zero = np.zeros(cell.H, layers[0]["U"].dtype)
    return StepData(np.stack([p.get("q", zero) for p in layers]))


@overload_step(StepData)
def _advance(x, a, state, layer, stream, cell, scratch):
    h = state[0, stream]
    _step(x, a, cell.q[layer], h, h, scratch)


@compiled
def _forward(A, U, q, H, M):
    T, B, _ = A.shape
    packed = pack(U)
    product = np.empty((B, packed.shape[0] * packed.shape[2]), A.dtype)
    for t in range(T):
        multiply(H[t], packed, product)
        for b in range(B):
            _step(A[t, b], product[b], q, H[t, b], H[t + 1, b], M[t, b])


@compiled
def _step(a, product, q, h_past, h, m):
    H = len(h)
    half, one = a.dtype.type(0.5), a.dtype.type(1)
    r, u, n = a[:H], a[H : 2 * H], a[2 * H : 3 * H]
    r_product, u_product, n_product = product[:H], product[H : 2 * H], product[2 * H : 3 * H]
    for j in range(H):
        r[j] = half * (tanh(half * (r[j] + r_product[j])) + one)  # (GRU.1)
        u[j] = half * (tanh(half * (u[j] + u_product[j])) + one)  # (GRU.2)
    for j in range(H):
        m[j] = n_product[j] + q[j]  # (GRU.3)
        n[j] = tanh(n[j] + r[j] * m[j])  # (GRU.4)
        h[j] = u[j] * (h_past[j] - n[j]) + n[j]  # (GRU.5)


@compiled
def _backward(dH, dh, U, A, H, M, dR, dN):
    T, B, _ = A.shape
    width = H.shape[2]
    packed = pack_transposed(U)
    product = np.zeros((B, packed.shape[0] * packed.shape[2]), A.dtype)
    dh = dh.copy()
    for t in range(T - 1, -1, -1):
        for b in range(B):
            _step_back(dH[t, b], dh[b], A[t, b], H[t, b], M[t, b], dR[t, b], dN[t, b])
        multiply(dR[t], packed, product)
        for b in range(B):
            for j in range(width):
                dh[b, j] += product[b, j]  # (GRU.11)
    return dh


@compiled
def _step_back(dH, dh, a, h_past, m, dr, dn):
    """Leaves in dh what (GRU.11) carries past the product: dh ⊙ u."""
    H = len(dh)
    one = a.dtype.type(1)
    r, u, n = a[:H], a[H : 2 * H], a[2 * H : 3 * H]
    d_r, d_u, d_m = dr[:H], dr[H : 2 * H], dr[2 * H : 3 * H]
    for j in range(H):
        dh_t = dh[j] + dH[j]  # (GRU.6)
        d_u[j] = dh_t * (h_past[j] - n[j]) * u[j] * (one - u[j])  # (GRU.7)
        dn[j] = dh_t * (one - u[j]) * (one - n[j] * n[j])  # (GRU.8)
        dh[j] = dh_t * u[j]
    for j in range(H):
        d_r[j] = dn[j] * m[j] * r[j] * (one - r[j])  # (GRU.9)
        d_m[j] = dn[j] * r[j]  # (GRU.10)
