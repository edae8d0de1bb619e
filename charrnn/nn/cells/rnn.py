"""Vanilla RNN (Elman 1990).

(RNN.1) a_t = x_t W + h_{t-1} U + b
(RNN.2) h_t = φ(a_t)

(RNN.3) dh_t = dE_t/dh_t + da_{t+1} Uᵀ
(RNN.4) da_t = dh_t ⊙ φ'(a_t)
(RNN.5) dh_{t-1} gets da_t Uᵀ
(RNN.6) dW = Σ_t x_tᵀ da_t,  dU = Σ_t h_{t-1}ᵀ da_t,  db = Σ_t da_t
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from charrnn.nn.activations import ACTIVATIONS, Activation
from charrnn.nn.backends import Backend
from charrnn.nn.cells.base import (
    Array,
    Cell,
    CellTape,
    Columns,
    Gate,
    Weights,
)


class Forward(Protocol):
    def __call__(self, *, A: Array, U: Array, H: Array, activation: Activation) -> None: ...


class Backward(Protocol):
    def __call__(
        self, *, dH: Array, dh: Array, U: Array, H: Array, activation: Activation, dA: Array
    ) -> Array: ...


@dataclass(frozen=True)
class RNNLoops:
    """The loops over time, in NumPy or compiled."""

    forward: Forward
    backward: Backward
    last: Backward | None = None  # the same, but for what is returned, which may be anything


def forward(A: Array, U: Array, H: Array, activation: Activation) -> None:
    """Fill H[1:] from the projections A = X W + b (T, B, H) and the initial state H[0]."""
    for t in range(len(A)):
        h = H[t + 1]
        np.matmul(H[t], U, out=h)
        h += A[t]  # (RNN.1)
        activation.apply(h)  # (RNN.2)


def backward(dH: Array, dh: Array, U: Array, H: Array, activation: Activation, dA: Array) -> Array:
    """Fill dA (T, B, H) from dH, the gradients of the outputs, and dh, that of the final state.

    Returns the gradient of the initial state (B, H).
    """
    activation.derivative(H[1:], dA)
    dh = dh.copy()
    U_T = U.T
    for t in reversed(range(len(dA))):
        dh += dH[t]
        dA[t] *= dh  # (RNN.4)
        np.matmul(dA[t], U_T, out=dh)  # (RNN.5)
    return dh


class RNN(Cell):
    """h_t = φ(x_t W + h_{t-1} U + b), φ being tanh, sigmoid or relu."""

    name = "rnn"
    compiled = "charrnn.nn.backends.compiled.rnn"
    exports: ClassVar[Mapping[str, str]] = {"torch": "h", "onnx": "h", "html": "h"}
    loops = RNNLoops(forward=forward, backward=backward)

    def __init__(self, D: int, H: int, bias: bool, backend: Backend, activation: str) -> None:
        super().__init__(D, H, bias, backend)
        self.activation = ACTIVATIONS[activation]

    @classmethod
    def from_options(
        cls, D: int, H: int, bias: bool, backend: Backend, options: Mapping[str, Any]
    ) -> RNN:
        return cls(D, H, bias, backend, options["activation"])

    @property
    def gates(self) -> tuple[Gate, ...]:
        return (Gate("h", "output h", self.activation, is_candidate=True, limits=None),)

    @property
    def description(self) -> str:
        return f"{self.activation.name} RNN"

    @property
    def functions(self) -> tuple[Activation, ...]:
        return (self.activation,)

    @property
    def bounding_activation(self) -> Activation:
        return self.activation

    def gate_values(self, tape: CellTape) -> Columns:
        return {"h": tape.H[1:]}

    def recur(self, weights: Weights, tape: CellTape) -> None:
        self.loops.forward(A=tape.A, U=weights["U"], H=tape.H, activation=self.activation)

    def recur_back(
        self, weights: Weights, tape: CellTape, dH: Array, dstate: Array, grad: Weights, dA: Array
    ) -> tuple[Array, ...]:
        dh = self.loop_back(tape)(
            dH=dH, dh=dstate[0], U=weights["U"], H=tape.H, activation=self.activation, dA=dA
        )
        self.add_recurrent_gradient(tape.H, dA, grad["U"])  # (RNN.6)
        return (dh,)
