"""LSTM in all its variants over a window, in NumPy. Equations: docs/derivations/lstm.md.

Gate columns are [i f o | g], or [i o | g] where there is no forget gate of its own, so that
the sigmoid gates are one block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.activations import IDENTITY, SIGMOID, TANH, Activation, GateBlock

Array = NDArray[Any]
Columns = dict[str, Array]
Forget = Literal["gate", "none", "coupled"]


@dataclass(frozen=True, eq=False)
class LSTMVariant:
    """Which LSTM: the forget gate, peepholes, squashing functions and the 1997 truncation."""

    forget: Forget = "gate"
    peepholes: bool = False
    activation_g: Activation = TANH
    activation_h: Activation = TANH
    truncate: bool = False

    @property
    def sigmoid_gates(self) -> str:
        """The sigmoid gates in the order of their columns, and of the rows of P."""
        return "ifo" if self.forget == "gate" else "io"

    def columns(self, A: Array) -> Columns:
        """Views of A (..., G) by gate."""
        H = A.shape[-1] // (len(self.sigmoid_gates) + 1)
        names = self.sigmoid_gates + "g"
        return {name: A[..., k * H : (k + 1) * H] for k, name in enumerate(names)}

    def block(self, B: int, H: int, dtype: np.dtype[Any], o_waits: bool = False) -> GateBlock:
        """All gates as one block to squash; `o_waits` leaves the output gate as it is."""
        o = IDENTITY if o_waits else SIGMOID
        early = [SIGMOID] * (len(self.sigmoid_gates) - 1)
        return GateBlock([*early, o, self.activation_g], H, B, dtype)


def forward(
    A: Array, U: Array, P: Array | None, H: Array, S: Array, Q: Array, variant: LSTMVariant
) -> None:
    """Turn the projections A = X W + b (T, B, G) into gates, in place; fill H[1:], S[1:], Q.

    H[0] and S[0] are the state on entry; Q (T, B, H) is h(S[1:]). P (gates, H) or None.
    """
    T, B, G = A.shape
    width = H.shape[-1]
    a, product = np.empty((B, G), A.dtype), np.empty((B, width), A.dtype)
    gates = variant.block(B, width, A.dtype, o_waits=P is not None)
    gate = variant.columns(A)
    for t in range(T):
        s, q, o = S[t + 1], Q[t], gate["o"][t]
        np.matmul(H[t], U, out=a)
        a += A[t]
        if P is not None:
            _add_peepholes(variant, a, P, S[t], product)
        gates.apply(a, out=A[t])  # (LSTM.1), (LSTM.2), (LSTM.3)
        _cell_state(gate, S, t, product, variant.forget)  # (LSTM.4)
        if P is not None:
            np.multiply(s, P[-1], out=product)
            o += product
            SIGMOID.apply(o)  # (LSTM.5)
        variant.activation_h.apply(s, out=q)
        np.multiply(o, q, out=H[t + 1])  # (LSTM.6)


def _add_peepholes(variant: LSTMVariant, a: Array, P: Array, s_past: Array, product: Array) -> None:
    """The terms s_{t-1} ⊙ P of the gates that see the state before the step: all but o."""
    columns = variant.columns(a)
    for row, name in enumerate(variant.sigmoid_gates[:-1]):
        np.multiply(s_past, P[row], out=product)
        columns[name] += product


def _cell_state(gate: Columns, S: Array, t: int, product: Array, forget: Forget) -> None:
    """s_t = f_t ⊙ s_{t-1} + i_t ⊙ g_t, where f_t is a gate, 1, or 1 - i_t."""
    s, s_past = S[t + 1], S[t]
    np.multiply(gate["i"][t], gate["g"][t], out=s)
    if forget == "gate":
        np.multiply(gate["f"][t], s_past, out=product)
        s += product
        return
    s += s_past
    if forget == "coupled":
        np.multiply(gate["i"][t], s_past, out=product)
        s -= product


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
    """Fill dA (T, B, G) from dH and from dh, ds, the errors on the last state.

    A holds the gates that `forward` left. Returns the gradients of the state on entry, (dh, ds).
    """
    T, B, G = A.shape
    width = Q.shape[-1]
    gates = variant.block(B, width, A.dtype)
    errors = np.empty((B, G), A.dtype)
    product = np.empty((B, width), A.dtype)
    gate, d, error = variant.columns(A), variant.columns(dA), variant.columns(errors)
    dh, ds = dh.copy(), ds.copy()
    seen = None if variant.truncate else P
    U_T = U.T
    for t in reversed(range(T)):
        gates.derivative(A[t], out=dA[t])  # (LSTM.7)
        dh += dH[t]  # (LSTM.8)
        np.multiply(dh, Q[t], out=error["o"])  # (LSTM.9)
        variant.activation_h.derivative(Q[t], product)
        product *= gate["o"][t]
        product *= dh
        ds += product  # (LSTM.10)
        if seen is not None:
            np.multiply(error["o"], d["o"][t], out=product)
            product *= seen[-1]
            ds += product  # (LSTM.11)
        if variant.forget == "coupled":
            np.subtract(gate["g"][t], S[t], out=product)
            np.multiply(ds, product, out=error["i"])  # (LSTM.12), coupled
        else:
            np.multiply(ds, gate["g"][t], out=error["i"])  # (LSTM.12)
        if variant.forget == "gate":
            np.multiply(ds, S[t], out=error["f"])  # (LSTM.13)
        np.multiply(ds, gate["i"][t], out=error["g"])  # (LSTM.14)
        dA[t] *= errors
        _carry(ds, gate, t, product, variant.forget)  # (LSTM.15)
        if seen is not None:
            for row, name in enumerate(variant.sigmoid_gates[:-1]):
                np.multiply(d[name][t], seen[row], out=product)
                ds += product  # (LSTM.16)
        if variant.truncate:
            dh[...] = 0  # (BPTT.9)
        else:
            np.matmul(dA[t], U_T, out=dh)  # (LSTM.17)
    return dh, ds


def _carry(ds: Array, gate: Columns, t: int, product: Array, forget: Forget) -> None:
    """ds_{t-1} = ds_t ⊙ f_t."""
    if forget == "gate":
        ds *= gate["f"][t]
    elif forget == "coupled":
        np.multiply(ds, gate["i"][t], out=product)
        ds -= product
