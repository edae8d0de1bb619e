"""LSTM: 1997 (no forget gate), with forget gate (2000), peepholes (2002), coupled gates.

    (LSTM.1) i_t = σ(x_t W_i + h_{t-1} U_i + b_i + s_{t-1} ⊙ P_i)
    (LSTM.2) f_t = σ(x_t W_f + h_{t-1} U_f + b_f + s_{t-1} ⊙ P_f), or 1, or 1 - i_t
    (LSTM.3) g_t = g(x_t W_g + h_{t-1} U_g + b_g)
    (LSTM.4) s_t = f_t ⊙ s_{t-1} + i_t ⊙ g_t
    (LSTM.5) o_t = σ(x_t W_o + h_{t-1} U_o + b_o + s_t ⊙ P_o)
    (LSTM.6) h_t = o_t ⊙ h(s_t)

The way back (docs/derivations/lstm.md has every line of it):

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

import numpy as np

from charrnn.nn.backends import Backend, LSTMVariant
from charrnn.nn.cells.base import Array, Cell, CellTape, Weights, add_recurrent_gradient
from charrnn.nn.workspace import Workspace


class LSTM(Cell):
    state_size = 2

    def __init__(self, D: int, H: int, bias: bool, kernels: Backend, variant: LSTMVariant) -> None:
        super().__init__(D, H, bias, kernels)
        self.variant = variant
        self.gates = len(variant.sigmoid_gates) + 1

    def shapes(self) -> dict[str, tuple[int, ...]]:
        peepholes = {"P": (self.gates - 1, self.H)} if self.variant.peepholes else {}
        return {**super().shapes(), **peepholes}

    def tape(self, T: int, B: int, workspace: Workspace, prefix: str) -> CellTape:
        return CellTape(
            workspace(prefix + "A", (T, B, self.gates * self.H)),
            workspace(prefix + "H", (T + 1, B, self.H)),
            S=workspace(prefix + "S", (T + 1, B, self.H)),
            Q=workspace(prefix + "Q", (T, B, self.H)),
        )

    def enter(self, tape: CellTape, state: Array) -> None:
        tape.H[0] = state[0]
        tape.more["S"][0] = state[1]

    def state_after(self, tape: CellTape, t: int) -> tuple[Array, ...]:
        return tape.H[t], tape.more["S"][t]

    def recur(self, p: Weights, tape: CellTape) -> None:
        S, Q = tape.more["S"], tape.more["Q"]
        self.kernels.lstm_forward(tape.A, p["U"], p.get("P"), tape.H, S, Q, self.variant)

    def recur_back(
        self, p: Weights, tape: CellTape, dH: Array, dstate: Array, grad: Weights, dA: Array
    ) -> tuple[Array, ...]:
        S, Q = tape.more["S"], tape.more["Q"]
        dh, ds = self.kernels.lstm_backward(
            dH, dstate[0], dstate[1], p["U"], p.get("P"), tape.A, S, Q, self.variant, dA
        )
        add_recurrent_gradient(tape.H, dA, grad["U"])  # (LSTM.18)
        if self.variant.peepholes:
            self._peephole_gradient(S, dA, grad["P"])
        return dh, ds

    def _peephole_gradient(self, S: Array, dA: Array, dP: Array) -> None:
        d = self.variant.columns(dA)
        for row, name in enumerate(self.variant.sigmoid_gates):
            seen = S[1:] if name == "o" else S[:-1]
            dP[row] += np.einsum("tbh,tbh->h", seen, d[name])  # (LSTM.19)
