"""Vanilla RNN (Elman 1990).

(RNN.1) a_t = x_t W + h_{t-1} U + b
(RNN.2) h_t = φ(a_t)

(RNN.3) dh_t = dE_t/dh_t + da_{t+1} Uᵀ
(RNN.4) da_t = dh_t ⊙ φ'(a_t)
(RNN.5) dh_{t-1} gets da_t Uᵀ
(RNN.6) dW = Σ_t x_tᵀ da_t,  dU = Σ_t h_{t-1}ᵀ da_t,  db = Σ_t da_t
"""

from __future__ import annotations

from charrnn.nn.activations import ACTIVATIONS
from charrnn.nn.backends import Backend
from charrnn.nn.cells.base import Array, Cell, CellTape, Weights, add_recurrent_gradient
from charrnn.nn.workspace import Workspace


class RNN(Cell):
    gates = 1

    def __init__(self, D: int, H: int, bias: bool, kernels: Backend, activation: str) -> None:
        super().__init__(D, H, bias, kernels)
        self.activation = ACTIVATIONS[activation]

    def tape(self, T: int, B: int, workspace: Workspace, prefix: str) -> CellTape:
        return CellTape(
            workspace(prefix + "A", (T, B, self.H)),
            workspace(prefix + "H", (T + 1, B, self.H)),
        )

    def enter(self, tape: CellTape, state: Array) -> None:
        tape.H[0] = state[0]

    def state_after(self, tape: CellTape, t: int) -> tuple[Array, ...]:
        return (tape.H[t],)

    def recur(self, p: Weights, tape: CellTape) -> None:
        self.kernels.rnn_forward(tape.A, p["U"], tape.H, self.activation)

    def recur_back(
        self, p: Weights, tape: CellTape, dH: Array, dstate: Array, grad: Weights, dA: Array
    ) -> tuple[Array, ...]:
        dh = self.kernels.rnn_backward(dH, dstate[0], p["U"], tape.H, self.activation, dA)
        add_recurrent_gradient(tape.H, dA, grad["U"])  # (RNN.6)
        return (dh,)
