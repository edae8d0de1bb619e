"""LSTM: 1997 (no forget gate), with forget gate (2000), peepholes (2002), coupled gates.

    (LSTM.1) i_t = σ(x_t W_i + h_{t-1} U_i + b_i + s_{t-1} ⊙ P_i)
    (LSTM.2) f_t = σ(x_t W_f + h_{t-1} U_f + b_f + s_{t-1} ⊙ P_f), or 1, or 1 - i_t
    (LSTM.3) g_t = g(x_t W_g + h_{t-1} U_g + b_g)
    (LSTM.4) s_t = f_t ⊙ s_{t-1} + i_t ⊙ g_t
    (LSTM.5) o_t = σ(x_t W_o + h_{t-1} U_o + b_o + s_t ⊙ P_o)
    (LSTM.6) h_t = o_t ⊙ h(s_t)

The backward pass (docs/derivations/lstm.md has every line of it):

    (LSTM.7)  σ' = σ (1 - σ),  tanh' = 1 - tanh²
    (LSTM.8)  dh_t = dE_t/dh_t + da_{t+1} Uᵀ
    (LSTM.9)  da_o = dh_t ⊙ h(s_t) ⊙ σ'
    (LSTM.10) ds_t gets dh_t ⊙ o_t ⊙ h'(s_t)
    (LSTM.11) ds_t gets da_o ⊙ P_o
    (LSTM.12) da_i = ds_t ⊙ g_t ⊙ σ'       (coupled: ds_t ⊙ (g_t - s_{t-1}) ⊙ σ')
    (LSTM.13) da_f = ds_t ⊙ s_{t-1} ⊙ σ'
    (LSTM.14) da_g = ds_t ⊙ i_t ⊙ g'
    (LSTM.15) ds_{t-1} gets ds_t ⊙ f_t
    (LSTM.16) ds_{t-1} gets da_i ⊙ P_i + da_f ⊙ P_f
    (LSTM.17) dh_{t-1} gets da_t Uᵀ
    (LSTM.18) dW = Σ_t x_tᵀ da_t,  dU = Σ_t h_{t-1}ᵀ da_t,  db = Σ_t da_t
    (LSTM.19) dP_i = Σ_t s_{t-1} ⊙ da_i,  dP_f = Σ_t s_{t-1} ⊙ da_f,  dP_o = Σ_t s_t ⊙ da_o
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from typing import Any, ClassVar, Literal, Protocol

import numpy as np

from charrnn.nn.activations import ACTIVATIONS, IDENTITY, SIGMOID, TANH, Activation, GateBlock
from charrnn.nn.backends import Backend
from charrnn.nn.cells.base import (
    Array,
    Cell,
    CellTape,
    Columns,
    Gate,
    Weights,
)

Forget = Literal["gate", "none", "coupled"]
LABELS = {
    "i": "input gate i",
    "f": "forget gate f",
    "o": "output gate o",
}


@dataclass(frozen=True, eq=False)
class LSTMVariant:
    """Which LSTM: the forget gate, peepholes, activation functions and the 1997 truncation."""

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

    def block(
        self, B: int, H: int, dtype: np.dtype[Any], skip_output_gate: bool = False
    ) -> GateBlock:
        """All gates as one block to activate; `skip_output_gate` leaves it as it is."""
        o = IDENTITY if skip_output_gate else SIGMOID
        early = [SIGMOID] * (len(self.sigmoid_gates) - 1)
        return GateBlock([*early, o, self.activation_g], H, B, dtype)


class Forward(Protocol):
    def __call__(
        self, *, A: Array, U: Array, P: Array | None, H: Array, S: Array, Q: Array,
        variant: LSTMVariant,
    ) -> None: ...  # fmt: skip


class Backward(Protocol):
    def __call__(
        self, *, dH: Array, dh: Array, ds: Array, U: Array, P: Array | None, A: Array, S: Array,
        Q: Array, variant: LSTMVariant, dA: Array,
    ) -> tuple[Array, Array]: ...  # fmt: skip


@dataclass(frozen=True)
class LSTMLoops:
    """The loops over time, in NumPy or compiled."""

    forward: Forward
    backward: Backward
    last: Backward | None = None  # the same, but for what is returned, which may be anything


def forward(
    A: Array, U: Array, P: Array | None, H: Array, S: Array, Q: Array, variant: LSTMVariant
) -> None:
    """Turn the projections A = X W + b (T, B, G) into gates, in place; fill H[1:], S[1:], Q.

    H[0] and S[0] are the initial state; Q (T, B, H) is h(S[1:]). P (gates, H) or None.
    """
    T, B, G = A.shape
    width = H.shape[-1]
    a, product = np.empty((B, G), A.dtype), np.empty((B, width), A.dtype)
    gates = variant.block(B, width, A.dtype, skip_output_gate=P is not None)
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
    """Fill dA (T, B, G) from dH and from dh, ds, the gradient of the final state.

    A holds the gates that `forward` left. Returns the gradient of the initial state, (dh, ds).
    """
    T, B, G = A.shape
    width = Q.shape[-1]
    gates = variant.block(B, width, A.dtype)
    dY = np.empty((B, G), A.dtype)  # of the gates' values
    product = np.empty((B, width), A.dtype)
    gate, d, dy = variant.columns(A), variant.columns(dA), variant.columns(dY)
    dh, ds = dh.copy(), ds.copy()
    peepholes = None if variant.truncate else P
    U_T = U.T
    for t in reversed(range(T)):
        gates.derivative(A[t], out=dA[t])  # (LSTM.7)
        dh += dH[t]  # (LSTM.8)
        np.multiply(dh, Q[t], out=dy["o"])  # (LSTM.9)
        variant.activation_h.derivative(Q[t], product)
        product *= gate["o"][t]
        product *= dh
        ds += product  # (LSTM.10)
        if peepholes is not None:
            np.multiply(dy["o"], d["o"][t], out=product)
            product *= peepholes[-1]
            ds += product  # (LSTM.11)
        if variant.forget == "coupled":
            np.subtract(gate["g"][t], S[t], out=product)
            np.multiply(ds, product, out=dy["i"])  # (LSTM.12), coupled
        else:
            np.multiply(ds, gate["g"][t], out=dy["i"])  # (LSTM.12)
        if variant.forget == "gate":
            np.multiply(ds, S[t], out=dy["f"])  # (LSTM.13)
        np.multiply(ds, gate["i"][t], out=dy["g"])  # (LSTM.14)
        dA[t] *= dY
        _carry(ds, gate, t, product, variant.forget)  # (LSTM.15)
        if peepholes is not None:
            for row, name in enumerate(variant.sigmoid_gates[:-1]):
                np.multiply(d[name][t], peepholes[row], out=product)
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


class LSTM(Cell):
    """Gates in columns [i f o | g], or [i o | g] where there is no forget gate of its own."""

    name = "lstm"
    state_names = ("h", "s")
    state_labels = ("output h", "cell state s")
    kept_names = ("Q",)
    compiled = "charrnn.nn.backends.compiled.lstm"
    exports: ClassVar[Mapping[str, str]] = {"torch": "ifgo", "onnx": "iofg", "html": "ifog"}
    loops = LSTMLoops(forward=forward, backward=backward)

    def __init__(
        self, D: int, H: int, bias: bool, backend: Backend, variant: LSTMVariant,
        forget_bias: float = 1.0,
    ) -> None:  # fmt: skip
        super().__init__(D, H, bias, backend)
        self.variant, self.forget_bias = variant, forget_bias

    @classmethod
    def from_options(
        cls, D: int, H: int, bias: bool, backend: Backend, options: Mapping[str, Any]
    ) -> LSTM:
        names = {key: options[key] for key in ("cell_input", "cell_output")}
        logistic = {"cell_input": "logistic_g", "cell_output": "logistic_h"}
        g, h = (logistic[key] if name == "logistic" else name for key, name in names.items())
        forget: Forget = "gate" if options["forget_gate"] else "none"
        variant = LSTMVariant(
            forget="coupled" if options["coupled_gates"] else forget,
            peepholes=options["peepholes"],
            activation_g=ACTIVATIONS[g],
            activation_h=ACTIVATIONS[h],
            truncate=options["cell_truncation"] == "1997",
        )
        return cls(D, H, bias, backend, variant, options["forget_bias"])

    @property
    def gates(self) -> tuple[Gate, ...]:
        gates = (Gate(name, LABELS[name], SIGMOID) for name in self.variant.sigmoid_gates)
        g = Gate("g", "cell input g", self.variant.activation_g, is_candidate=True, limits=None)
        return (*gates, g)

    @property
    def description(self) -> str:
        more = {"gate": "", "none": " without forget gate (1997)", "coupled": " with coupled gates"}
        peepholes = " with peepholes" if self.variant.peepholes else ""
        return f"LSTM{more[self.variant.forget]}{peepholes}"

    @property
    def functions(self) -> tuple[Activation, ...]:
        return SIGMOID, self.variant.activation_g, self.variant.activation_h

    def advice_on_vanishing(self, means: Mapping[str, float]) -> list[str]:
        if self.variant.forget == "none":
            return ["model.cell_input=tanh and model.cell_output=tanh, if they are others"]
        f = 1 - means["i"] if self.variant.forget == "coupled" else means["f"]
        half = f", half of a gradient in {log(2) / -log(f):.1f}" if 0 < f < 1 else ""
        return [
            f"model.forget_bias=3: the forget gate keeps {f:.2f} of the state a character{half}"
        ]

    def advice_on_exploding(self) -> list[str]:
        if self.variant.forget != "none":
            return []
        return ["model.forget_gate=true, or bptt.cell_truncation=1997: closes the way by h"]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        rows = len(self.variant.sigmoid_gates)
        peepholes = {"P": (rows, self.H)} if self.variant.peepholes else {}
        return {**super().shapes(), **peepholes}

    def initialise(self, weights: Weights) -> None:
        """Biases for which f_t begins near σ(forget_bias): b_f, or -b_i, as f = 1 - i = σ(-a_i)."""
        if not self.bias:
            return
        bias = self.by_gate(weights["b"])
        if self.variant.forget == "gate":
            bias["f"][...] = self.forget_bias
        elif self.variant.forget == "coupled":
            bias["i"][...] = -self.forget_bias

    def recur(self, weights: Weights, tape: CellTape) -> None:
        H, S = tape.states
        self.loops.forward(
            A=tape.A,
            U=weights["U"],
            P=weights.get("P"),
            H=H,
            S=S,
            Q=tape.kept["Q"],
            variant=self.variant,
        )

    def recur_back(
        self, weights: Weights, tape: CellTape, dH: Array, dstate: Array, grad: Weights, dA: Array
    ) -> tuple[Array, ...]:
        H, S = tape.states
        dh, ds = self.loop_back(tape)(
            dH=dH, dh=dstate[0], ds=dstate[1], U=weights["U"], P=weights.get("P"), A=tape.A, S=S,
            Q=tape.kept["Q"], variant=self.variant, dA=dA,
        )  # fmt: skip
        self.add_recurrent_gradient(H, dA, grad["U"])  # (LSTM.18)
        if self.variant.peepholes:
            self._add_peephole_gradient(S, dA, grad["P"])
        return dh, ds

    def _add_peephole_gradient(self, S: Array, dA: Array, dP: Array) -> None:
        d = self.by_gate(dA)
        for row, name in enumerate(self.variant.sigmoid_gates):
            states = S[1:] if name == "o" else S[:-1]
            dP[row] += np.einsum("tbh,tbh->h", states, d[name])  # (LSTM.19)
