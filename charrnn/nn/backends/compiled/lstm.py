"""LSTM in all its variants over a window, compiled: the loops of `cells/lstm.py`, row by row.

Equations: docs/derivations/lstm.md. `own_forget`, `coupled`, `truncate`, `linear_g` and
`linear_h` are 1 or None, and P is None without peepholes; see `jit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.backends.compiled.compiling import (
    compiled,
    constants,
    linear_flag,
    overload_step,
    part,
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
from charrnn.nn.backends.compiled.views import ahead, number, plane, row
from charrnn.nn.cells.base import Weights
from charrnn.nn.cells.lstm import LSTM, LSTMLoops, LSTMVariant

Array = NDArray[Any]
Flags = tuple[int | None, int | None, int | None, int | None]


def forward(
    A: Array, U: Array, P: Array | None, H: Array, S: Array, Q: Array, variant: LSTMVariant
) -> None:
    """As `cells.lstm.forward`."""
    packed = packed_memory(U.shape, U.dtype, PACKED)
    a = product_rows(A.shape[1], packed, ROWS)
    _forward(
        product_at(A.dtype),
        pack_at(A.dtype),
        A,
        U,
        packed,
        a,
        P,
        H,
        S,
        Q,
        *_activations(variant, A.dtype),
        *_flags(variant),
    )


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
    *,
    initial: bool = True,
) -> tuple[Array, Array]:
    """As `cells.lstm.backward`; what is returned is that only if it is asked for, `initial`."""
    seen = None if variant.truncate else P
    _, _, own_forget, coupled = _flags(variant)
    truncate = 1 if variant.truncate else None
    packed = packed_memory(U.shape[::-1], U.dtype, PACKED)
    carried, width = product_rows(len(dh), packed, ROWS), dh.shape[1]
    carried[:, :width], ds = dh, ds.copy()
    _backward(product_at(U.dtype), pack_transposed_at(U.dtype), dH, carried, ds, U, packed, seen, A,
              S, Q, dA, int(not initial), *_activations(variant, A.dtype), own_forget, coupled,
              truncate)  # fmt: skip
    return carried[:, :width], ds


LOOPS = LSTMLoops(forward=forward, backward=backward, last=partial(backward, initial=False))


class StepData(NamedTuple):
    """What `step` needs of an LSTM: P (L, gates, H) or None, constants and flags."""

    P: Array | None
    phi_g: Array
    phi_h: Array
    linear_g: int | None
    linear_h: int | None
    own_forget: int | None
    coupled: int | None


def step_data(cell: LSTM, layers: Sequence[Weights]) -> StepData:
    """From the layers' weights."""
    P = np.stack([p["P"] for p in layers]) if cell.variant.peepholes else None
    dtype = layers[0]["U"].dtype
    return StepData(P, *_activations(cell.variant, dtype), *_flags(cell.variant))


@overload_step(StepData)
def _advance(x, a, state, layer, stream, cell, scratch):
    s, h = row(state, (2 * layer + 1, stream)), row(state, (2 * layer, stream))
    _step_alone(x, a, row(cell.P, (layer, 0)), s, scratch, h, state.shape[2], cell.phi_g,
                cell.phi_h, cell.linear_g, cell.linear_h, cell.own_forget,
                cell.coupled)  # fmt: skip


@part
def _step_alone(x, a, P, s, q, h, H, phi_g, phi_h, linear_g, linear_h, own_forget, coupled):
    """As `_step`, in one loop where it can be, nothing kept but s and h."""
    if P is None:
        _step_without_peepholes(
            x, a, s, h, H, phi_g, phi_h, linear_g, linear_h, own_forget, coupled
        )
    else:
        _step(x, a, P, s, s, q, h, H, phi_g, phi_h, linear_g, linear_h, own_forget, coupled)


@part
def _step_without_peepholes(x, a, s, h, H, phi_g, phi_h, linear_g, linear_h, own_forget, coupled):
    half, one = number(x, 0.5), number(x, 1)
    early = H if own_forget is None else 2 * H
    beta_g, alpha_g, gamma_g = phi_g[0], phi_g[1], phi_g[2]
    beta_h, alpha_h, gamma_h = phi_h[0], phi_h[1], phi_h[2]
    i, f, o, g = x, ahead(x, early - H), ahead(x, early), ahead(x, early + H)
    a_i, a_f, a_o, a_g = a, ahead(a, early - H), ahead(a, early), ahead(a, early + H)
    for j in range(H):
        i_t = half * (tanh(half * (i[j] + a_i[j])) + one)  # (LSTM.1)
        # Before g: LLVM then makes the same of (LSTM.4) as it does in `_step`.
        f_t = one
        if own_forget is not None:
            f_t = half * (tanh(half * (f[j] + a_f[j])) + one)  # (LSTM.2)
        g_t = g[j] + a_g[j]  # (LSTM.3)
        if linear_g is None:
            g_t = alpha_g * tanh(beta_g * g_t) + gamma_g
        if own_forget is not None:
            s_t = f_t * s[j] + i_t * g_t  # (LSTM.4)
        elif coupled is not None:
            s_t = s[j] + i_t * (g_t - s[j])
        else:
            s_t = s[j] + i_t * g_t
        s[j] = s_t
        q_t = s_t
        if linear_h is None:
            q_t = alpha_h * tanh(beta_h * s_t) + gamma_h
        h[j] = half * (tanh(half * (o[j] + a_o[j])) + one) * q_t  # (LSTM.5), (LSTM.6)


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
def _forward(at, pack, A, U, packed, a, P, H, S, Q, phi_g, phi_h, linear_g, linear_h, own_forget,
             coupled):  # fmt: skip
    T, B, width = Q.shape
    call_at(pack, row(U, (0,)), U.shape[0], U.shape[1], row(packed, (0, 0)), packed.shape[0])
    for t in range(T):
        multiply_states(at, H, packed, a, t)
        for b in range(B):
            _step(row(A, (t, b)), row(a, (b,)), row(P, (0,)), row(S, (t, b)), row(S, (t + 1, b)),
                  row(Q, (t, b)), row(H, (t + 1, b)), width, phi_g, phi_h, linear_g, linear_h,
                  own_forget, coupled)  # fmt: skip


@part
def _step(x, a, P, s_past, s, q, h, H, phi_g, phi_h, linear_g, linear_h, own_forget, coupled):
    """One stream's step, by rows of H: x ← the gates, then s, q = h(s) and h."""
    half, one = number(x, 0.5), number(x, 1)
    early = H if own_forget is None else 2 * H  # columns of the gates that see s_past
    i, f, o, g, a_g = x, ahead(x, early - H), ahead(x, early), ahead(x, early + H), early + H
    sigmoids = early + H
    if P is not None:
        sigmoids = early
        for k in range(0, early, H):
            _add_product(ahead(a, k), s_past, ahead(P, k), H)
        _add(o, ahead(a, early), H)
    for j in range(sigmoids):
        x[j] = half * (tanh(half * (x[j] + a[j])) + one)  # (LSTM.1), (LSTM.2)
    if linear_g is None:
        _activate(g, ahead(a, a_g), H, phi_g)  # (LSTM.3)
    else:
        _add(g, ahead(a, a_g), H)
    for j in range(H):
        if own_forget is not None:
            s[j] = f[j] * s_past[j] + i[j] * g[j]  # (LSTM.4)
        elif coupled is not None:
            s[j] = s_past[j] + i[j] * (g[j] - s_past[j])
        else:
            s[j] = s_past[j] + i[j] * g[j]
    if P is not None:
        p = ahead(P, early)
        for j in range(H):
            o[j] = half * (tanh(half * (o[j] + s[j] * p[j])) + one)  # (LSTM.5)
    beta, alpha, gamma = phi_h[0], phi_h[1], phi_h[2]
    for j in range(H):
        if linear_h is None:
            q[j] = alpha * tanh(beta * s[j]) + gamma
        else:
            q[j] = s[j]
        h[j] = o[j] * q[j]  # (LSTM.6)


@part
def _activate(x, a, H, phi):
    beta, alpha, gamma = phi[0], phi[1], phi[2]
    for j in range(H):
        x[j] = alpha * tanh(beta * (x[j] + a[j])) + gamma


@part
def _add(x, a, H):
    for j in range(H):
        x[j] += a[j]


@part
def _add_product(x, a, b, H):
    for j in range(H):
        x[j] += a[j] * b[j]


@compiled
def _backward(
    at, pack, dH, carried, ds, U, packed, P, A, S, Q, dA, first, phi_g, phi_h, own_forget, coupled,
    truncate
):  # fmt: skip
    T, B, width = Q.shape
    call_at(pack, row(U, (0,)), U.shape[0], U.shape[1], row(packed, (0, 0)), packed.shape[0])
    for t in range(T - 1, -1, -1):
        for b in range(B):
            _step_back(row(dH, (t, b)), row(carried, (b,)), row(ds, (b,)), row(A, (t, b)),
                       row(S, (t, b)), row(Q, (t, b)), row(dA, (t, b)), row(P, (0,)), width, phi_g,
                       phi_h, own_forget, coupled)  # fmt: skip
        if truncate is None and t >= first:
            multiply(at, plane(dA, t), packed, carried, t)  # (LSTM.17)
        if truncate is not None:
            for b in range(B):
                dh = row(carried, (b,))
                for j in range(width):
                    dh[j] = 0  # (BPTT.9)


@part
def _step_back(dH, carried, ds, a, s_past, q, da, P, H, phi_g, phi_h, own_forget, coupled):
    one = number(a, 1)
    early = H if own_forget is None else 2 * H
    i, f, o, g = a, ahead(a, early - H), ahead(a, early), ahead(a, early + H)
    d_i, d_f, d_o, d_g = da, ahead(da, early - H), ahead(da, early), ahead(da, early + H)
    c0, c1, c2 = phi_h[3], phi_h[4], phi_h[5]
    for j in range(H):
        dh = dH[j] + carried[j]  # (LSTM.8)
        d_o[j] = dh * q[j] * o[j] * (one - o[j])  # (LSTM.9)
        ds[j] += dh * o[j] * ((c2 * q[j] + c1) * q[j] + c0)  # (LSTM.10)
    if P is not None:
        _add_product(ds, d_o, ahead(P, early), H)  # (LSTM.11)
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
        for k in range(0, early, H):
            _add_product(ds, ahead(da, k), ahead(P, k), H)  # (LSTM.16)
