"""LSTM in all its variants over a window, compiled: the loops of `cells/lstm.py`, row by row.

Equations: docs/derivations/lstm.md. `own_forget`, `coupled`, `truncate`, `linear_g` and
`linear_h` are 1 or None, and P is None without peepholes; see `jit`.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.backends.compiled.compiling import (
    compiled,
    constants,
    linear_flag,
    overload_step,
    tanh,
)
from charrnn.nn.backends.compiled.product import multiply, pack, pack_transposed
from charrnn.nn.cells.base import Weights
from charrnn.nn.cells.lstm import LSTM, LSTMLoops, LSTMVariant

Array = NDArray[Any]
Flags = tuple[int | None, int | None, int | None, int | None]


def forward(
    A: Array, U: Array, P: Array | None, H: Array, S: Array, Q: Array, variant: LSTMVariant
) -> None:
    """As `cells.lstm.forward`."""
    _forward(A, U, P, H, S, Q, *_activations(variant, A.dtype), *_flags(variant))


def backward(
    dH: Array,
    dh: Array,
    ds: Array,
    U: Array,
    P: Array | None,
    A: Array,
    S: Array,
    Q: Array,
    variant: LSTMVariant,
    dA: Array,
) -> tuple[Array, Array]:
    """As `cells.lstm.backward`."""
    seen = None if variant.truncate else P
    more = (*_activations(variant, A.dtype), *_flags(variant), 1 if variant.truncate else None)
    initial: tuple[Array, Array] = _backward(dH, dh, ds, U, seen, A, S, Q, dA, *more)
    return initial


LOOPS = LSTMLoops(forward=forward, backward=backward)


class StepData(NamedTuple):
    """What `step` needs of an LSTM: P (L, gates, H) or None, constants and flags."""

    P: Array | None
    phi_g: Array
    phi_h: Array
    linear_g: int | None
    linear_h: int | None
    own_forget: int | None
    coupled: int | None


def step_data(cell: LSTM, layers: list[Weights]) -> StepData:
    """From the layers' weights."""
    P = np.stack([p["P"] for p in layers]) if cell.variant.peepholes else None
    dtype = layers[0]["U"].dtype
    return StepData(P, *_activations(cell.variant, dtype), *_flags(cell.variant))


@overload_step(StepData)
def _advance(x, a, state, layer, stream, cell, scratch):
    _step(x, a, cell.P, layer, state[1, stream], scratch, state[0, stream], cell)


@compiled
def _step(x, a, P, layer, s, q, h, cell):
    if P is None:
        _gates(x, a, None, s, cell.phi_g, cell.linear_g, cell.own_forget)
        _state(x, None, s, s, cell.own_forget, cell.coupled)
    else:
        _gates(x, a, P[layer], s, cell.phi_g, cell.linear_g, cell.own_forget)
        _state(x, P[layer], s, s, cell.own_forget, cell.coupled)
    _output(x, s, q, h, cell.phi_h, cell.linear_h, cell.own_forget)


@cache
def _activations(variant: LSTMVariant, dtype: np.dtype[Any]) -> tuple[Array, Array]:
    return constants(variant.activation_g, dtype), constants(variant.activation_h, dtype)


@cache
def _flags(variant: LSTMVariant) -> Flags:
    return (
        linear_flag(variant.activation_g),
        linear_flag(variant.activation_h),
        1 if variant.forget == "gate" else None,
        1 if variant.forget == "coupled" else None,
    )


@compiled
def _forward(A, U, P, H, S, Q, phi_g, phi_h, linear_g, linear_h, own_forget, coupled):
    T, B, _ = A.shape
    packed = pack(U)
    a = np.empty((B, packed.shape[0] * packed.shape[2]), A.dtype)
    for t in range(T):
        multiply(H[t], packed, a)
        for b in range(B):
            _gates(A[t, b], a[b], P, S[t, b], phi_g, linear_g, own_forget)
            _state(A[t, b], P, S[t, b], S[t + 1, b], own_forget, coupled)
            _output(A[t, b], S[t + 1, b], Q[t, b], H[t + 1, b], phi_h, linear_h, own_forget)


@compiled
def _gates(x, a, P, s_past, phi_g, linear_g, own_forget):
    """x ← the gates; o without its peephole, and so not yet activated, where there is one."""
    H = len(s_past)
    early = H if own_forget is None else 2 * H
    if P is not None:
        for k in range(early // H):
            _add_product(a[k * H : (k + 1) * H], s_past, P[k])
        _add(x[early : early + H], a[early : early + H])
        _sigmoid(x[:early], a[:early])  # (LSTM.1), (LSTM.2)
    else:
        _sigmoid(x[: early + H], a[: early + H])
    if linear_g is None:
        _activate(x[early + H :], a[early + H : early + 2 * H], phi_g)  # (LSTM.3)
    else:
        _add(x[early + H :], a[early + H : early + 2 * H])


@compiled
def _sigmoid(x, a):
    half, one = x.dtype.type(0.5), x.dtype.type(1)
    for j in range(len(x)):
        x[j] = half * (tanh(half * (x[j] + a[j])) + one)


@compiled
def _activate(x, a, phi):
    beta, alpha, gamma = phi[0], phi[1], phi[2]
    for j in range(len(x)):
        x[j] = alpha * tanh(beta * (x[j] + a[j])) + gamma


@compiled
def _add(x, a):
    for j in range(len(x)):
        x[j] += a[j]


@compiled
def _add_product(x, a, b):
    for j in range(len(x)):
        x[j] += a[j] * b[j]


@compiled
def _state(x, P, s_past, s, own_forget, coupled):
    """s_t, and what it adds to o where there are peepholes."""
    H = len(s)
    half, one = x.dtype.type(0.5), x.dtype.type(1)
    early = H if own_forget is None else 2 * H
    i, f, o, g = x[:H], x[early - H : early], x[early : early + H], x[early + H : early + 2 * H]
    for j in range(H):
        if own_forget is not None:
            s[j] = f[j] * s_past[j] + i[j] * g[j]  # (LSTM.4)
        elif coupled is not None:
            s[j] = s_past[j] + i[j] * (g[j] - s_past[j])
        else:
            s[j] = s_past[j] + i[j] * g[j]
    if P is not None:
        p = P[P.shape[0] - 1]
        for j in range(H):
            o[j] = half * (tanh(half * (o[j] + s[j] * p[j])) + one)  # (LSTM.5)


@compiled
def _output(x, s, q, h, phi_h, linear_h, own_forget):
    H = len(s)
    o = x[H : 2 * H] if own_forget is None else x[2 * H : 3 * H]
    beta, alpha, gamma = phi_h[0], phi_h[1], phi_h[2]
    for j in range(H):
        if linear_h is None:
            q[j] = alpha * tanh(beta * s[j]) + gamma
        else:
            q[j] = s[j]
        h[j] = o[j] * q[j]  # (LSTM.6)


@compiled
def _backward(dH, dh, ds, U, P, A, S, Q, dA, phi_g, phi_h, linear_g, linear_h, own_forget, coupled,
              truncate):  # fmt: skip
    T, B, _ = A.shape
    width = Q.shape[2]
    packed = pack_transposed(U)
    carried = np.zeros((B, packed.shape[0] * packed.shape[2]), A.dtype)
    carried[:, :width] = dh
    ds = ds.copy()
    for t in range(T - 1, -1, -1):
        for b in range(B):
            _output_back(dH[t, b], carried[b], ds[b], A[t, b], Q[t, b], dA[t, b], P, phi_h,
                         own_forget)  # fmt: skip
            _gates_back(ds[b], A[t, b], S[t, b], dA[t, b], P, phi_g, own_forget, coupled)
        if truncate is None:
            multiply(dA[t], packed, carried)  # (LSTM.17)
        else:
            carried[...] = 0  # (BPTT.9)
    return carried[:, :width].copy(), ds


@compiled
def _output_back(dH, carried, ds, a, q, da, P, phi_h, own_forget):
    H = len(q)
    one = a.dtype.type(1)
    start = H if own_forget is None else 2 * H
    o, d_o = a[start : start + H], da[start : start + H]
    c0, c1, c2 = phi_h[3], phi_h[4], phi_h[5]
    for j in range(H):
        dh = dH[j] + carried[j]  # (LSTM.8)
        d_o[j] = dh * q[j] * o[j] * (one - o[j])  # (LSTM.9)
        ds[j] += dh * o[j] * ((c2 * q[j] + c1) * q[j] + c0)  # (LSTM.10)
    if P is not None:
        _add_product(ds, d_o, P[P.shape[0] - 1])  # (LSTM.11)


@compiled
def _gates_back(ds, a, s_past, da, P, phi_g, own_forget, coupled):
    H = len(s_past)
    one = a.dtype.type(1)
    early = H if own_forget is None else 2 * H
    i, f, g = a[:H], a[early - H : early], a[early + H : early + 2 * H]
    d_i, d_f, d_g = da[:H], da[early - H : early], da[early + H : early + 2 * H]
    c0, c1, c2 = phi_g[3], phi_g[4], phi_g[5]
    for j in range(H):
        d_g[j] = ds[j] * i[j] * ((c2 * g[j] + c1) * g[j] + c0)  # (LSTM.14)
        if coupled is not None:
            d_i[j] = ds[j] * (g[j] - s_past[j]) * i[j] * (one - i[j])  # (LSTM.12), coupled
            ds[j] -= ds[j] * i[j]  # (LSTM.15)
        else:
            d_i[j] = ds[j] * g[j] * i[j] * (one - i[j])  # (LSTM.12)
    if own_forget is not None:
        for j in range(H):
            d_f[j] = ds[j] * s_past[j] * f[j] * (one - f[j])  # (LSTM.13)
            ds[j] *= f[j]  # (LSTM.15)
    if P is not None:
        for k in range(early // H):
            _add_product(ds, da[k * H : (k + 1) * H], P[k])  # (LSTM.16)
