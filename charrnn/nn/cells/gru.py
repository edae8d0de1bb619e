"""GRU (Cho et al. 2014), the reset gate after the product, so that a step is one GEMM.

    (GRU.1) r_t = σ(x_t W_r + h_{t-1} U_r + b_r)
    (GRU.2) u_t = σ(x_t W_u + h_{t-1} U_u + b_u)
    (GRU.3) m_t = h_{t-1} U_n + q
    (GRU.4) n_t = tanh(x_t W_n + b_n + r_t ⊙ m_t)
    (GRU.5) h_t = (1 - u_t) ⊙ n_t + u_t ⊙ h_{t-1}

The backward pass:

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

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from charrnn.nn.activations import SIGMOID, TANH
from charrnn.nn.backends import Backend
from charrnn.nn.cells.base import Array, Cell, CellTape, Gate, Weights


class Forward(Protocol):
    def __call__(self, *, A: Array, U: Array, q: Array | None, H: Array, M: Array) -> None: ...


class Backward(Protocol):
    def __call__(
        self, *, dH: Array, dh: Array, U: Array, A: Array, H: Array, M: Array, dR: Array, dN: Array
    ) -> Array: ...


@dataclass(frozen=True)
class GRULoops:
    """The loops over time, in NumPy or compiled."""

    forward: Forward
    backward: Backward
    last: Backward | None = None  # the same, but for what is returned, which may be anything


def forward(A: Array, U: Array, q: Array | None, H: Array, M: Array) -> None:
    """Turn the projections A = X W + b (T, B, 3H) into gates, in place; fill H[1:] and M.

    H[0] is the initial state; M (T, B, H) is m_t = h_{t-1} U_n + q.
    """
    T, B, G = A.shape
    width = G // 3
    recurrent, product = np.empty((B, G), A.dtype), np.empty((B, width), A.dtype)
    # Elementwise work is done in contiguous scratch, where NumPy is several times as fast.
    ru, n = np.empty((B, 2 * width), A.dtype), np.empty((B, width), A.dtype)
    r, u = ru[:, :width], ru[:, width:]
    for t in range(T):
        a, m, h = A[t], M[t], H[t + 1]
        np.matmul(H[t], U, out=recurrent)
        np.add(a[:, : 2 * width], recurrent[:, : 2 * width], out=ru)
        SIGMOID.apply(ru)  # (GRU.1), (GRU.2)
        m[...] = recurrent[:, 2 * width :]
        if q is not None:
            m += q  # (GRU.3)
        np.multiply(r, m, out=product)
        np.add(a[:, 2 * width :], product, out=n)
        TANH.apply(n)  # (GRU.4)
        np.subtract(H[t], n, out=h)
        h *= u
        h += n  # (GRU.5)
        a[:, : 2 * width], a[:, 2 * width :] = ru, n


def backward(
    dH: Array, dh: Array, U: Array, A: Array, H: Array, M: Array, dR: Array, dN: Array
) -> Array:
    """Fill dR (T, B, 3H), the gradient of h_{t-1} U + [0 0 q], and dN (T, B, H), that of a_n.

    The gradient of the projections A is dR with its n columns replaced by dN. A holds the gates
    that `forward` left, dh (B, H) is the gradient of the final state. Returns that of the initial
    state.
    """
    T, B, G = A.shape
    width = G // 3
    dh = dh.copy()
    product = np.empty_like(dh)
    derivatives = np.empty((B, 2 * width), A.dtype)
    r_derivative, u_derivative = derivatives[:, :width], derivatives[:, width:]
    U_T = U.T
    for t in reversed(range(T)):
        ru = A[t][:, : 2 * width]
        r, u, n = ru[:, :width], ru[:, width:], A[t][:, 2 * width :]
        d_r, d_u, d_m = (dR[t][:, k * width : (k + 1) * width] for k in range(3))
        d_n = dN[t]
        SIGMOID.derivative(ru, out=derivatives)
        dh += dH[t]  # (GRU.6)
        np.subtract(H[t], n, out=product)
        product *= dh
        np.multiply(product, u_derivative, out=d_u)  # (GRU.7)
        TANH.derivative(n, out=d_n)
        d_n *= dh
        np.multiply(d_n, u, out=product)
        d_n -= product  # (GRU.8)
        np.multiply(d_n, M[t], out=product)
        np.multiply(product, r_derivative, out=d_r)  # (GRU.9)
        np.multiply(d_n, r, out=d_m)  # (GRU.10)
        np.matmul(dR[t], U_T, out=product)
        dh *= u
        dh += product  # (GRU.11)
    return dh


class GRU(Cell):
    """Reset gate r, update gate u and candidate n, in columns [r u | n]."""

    name = "gru"
    kept_names = ("M",)
    scratch_names = ("dN",)
    compiled = "charrnn.nn.backends.compiled.gru"
    exports: ClassVar[Mapping[str, str]] = {"torch": "run", "onnx": "urn", "html": "run"}
    inner_bias = "q"
    loops = GRULoops(forward=forward, backward=backward)

    @classmethod
    def from_options(
        cls, D: int, H: int, bias: bool, backend: Backend, options: Mapping[str, Any]
    ) -> GRU:
        return cls(D, H, bias, backend)

    @property
    def gates(self) -> tuple[Gate, ...]:
        return (
            Gate("r", "reset gate r", SIGMOID),
            Gate("u", "update gate u", SIGMOID),
            Gate("n", "candidate n", TANH, is_candidate=True, limits=(-1, 1)),
        )

    @property
    def description(self) -> str:
        return "GRU"

    def advice_on_vanishing(self, means: Mapping[str, float]) -> list[str]:
        return [
            f"model.cell=lstm with model.forget_bias=3: the update gate keeps {means['u']:.2f} of "
            "the state a character, and has no bias key of its own"
        ]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        inner = {"q": (self.H,)} if self.bias else {}
        return {**super().shapes(), **inner}

    def recur(self, weights: Weights, tape: CellTape) -> None:
        self.loops.forward(A=tape.A, U=weights["U"], q=weights.get("q"), H=tape.H, M=tape.kept["M"])

    def recur_back(
        self, weights: Weights, tape: CellTape, dH: Array, dstate: Array, grad: Weights, dA: Array
    ) -> tuple[Array, ...]:
        dN = tape.scratch["dN"]
        dh = self.loop_back(tape)(
            dH=dH, dh=dstate[0], U=weights["U"], A=tape.A, H=tape.H, M=tape.kept["M"], dR=dA, dN=dN
        )
        self.add_recurrent_gradient(tape.H, dA, grad["U"])  # (GRU.12)
        dM = dA[..., 2 * self.H :]
        if self.bias:
            grad["q"] += dM.sum(axis=(0, 1))
        dM[...] = dN  # from here on dA is [da_r da_u da_n], for (GRU.13)
        return (dh,)
