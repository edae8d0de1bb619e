"""GRU (Cho et al. 2014), the reset gate after the product, so that a step is one GEMM.

    (GRU.1) r_t = σ(x_t W_r + h_{t-1} U_r + b_r)
    (GRU.2) u_t = σ(x_t W_u + h_{t-1} U_u + b_u)
    (GRU.3) m_t = h_{t-1} U_n + q
    (GRU.4) n_t = tanh(x_t W_n + b_n + r_t ⊙ m_t)
    (GRU.5) h_t = (1 - u_t) ⊙ n_t + u_t ⊙ h_{t-1}

The way back:

    (GRU.6)  dh_t = dE_t/dh_t + what (GRU.11) of step t+1 sends
    (GRU.7)  da_u = dh_t ⊙ (h_{t-1} - n_t) ⊙ u_t (1 - u_t)
    (GRU.8)  da_n = dh_t ⊙ (1 - u_t) ⊙ (1 - n_t²)
    (GRU.9)  da_r = da_n ⊙ m_t ⊙ r_t (1 - r_t)
    (GRU.10) dm_t = da_n ⊙ r_t
    (GRU.11) dh_{t-1} gets dh_t ⊙ u_t + [da_r da_u dm_t] Uᵀ
    (GRU.12) dU = Σ_t h_{t-1}ᵀ [da_r da_u dm_t],  dq = Σ_t dm_t
    (GRU.13) dW = Σ_t x_tᵀ [da_r da_u da_n],  db = Σ_t [da_r da_u da_n]
"""

from __future__ import annotations

from charrnn.nn.cells.base import Array, Cell, CellTape, Weights, add_recurrent_gradient
from charrnn.nn.workspace import Workspace


class GRU(Cell):
    gates = 3
    scratch = 1

    def shapes(self) -> dict[str, tuple[int, ...]]:
        inner = {"q": (self.H,)} if self.bias else {}
        return {**super().shapes(), **inner}

    def tape(self, T: int, B: int, workspace: Workspace, prefix: str) -> CellTape:
        return CellTape(
            workspace(prefix + "A", (T, B, 3 * self.H)),
            workspace(prefix + "H", (T + 1, B, self.H)),
            M=workspace(prefix + "M", (T, B, self.H)),
            dN=workspace("dN", (T, B, self.H)),
        )

    def enter(self, tape: CellTape, state: Array) -> None:
        tape.H[0] = state[0]

    def state_after(self, tape: CellTape, t: int) -> tuple[Array, ...]:
        return (tape.H[t],)

    def recur(self, p: Weights, tape: CellTape) -> None:
        self.kernels.gru_forward(tape.A, p["U"], p.get("q"), tape.H, tape.more["M"])

    def recur_back(
        self, p: Weights, tape: CellTape, dH: Array, dstate: Array, grad: Weights, dA: Array
    ) -> tuple[Array, ...]:
        M, dN = tape.more["M"], tape.more["dN"]
        dh = self.kernels.gru_backward(dH, dstate[0], p["U"], tape.A, tape.H, M, dA, dN)
        add_recurrent_gradient(tape.H, dA, grad["U"])  # (GRU.12)
        dM = dA[..., 2 * self.H :]
        if self.bias:
            grad["q"] += dM.sum(axis=(0, 1))
        dM[...] = dN  # from here on dA is [da_r da_u da_n], for (GRU.13)
        return (dh,)
