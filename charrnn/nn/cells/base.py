"""What every cell has in common: projection before the loop over time, weight gradients after.

A cell's window has three stages: project the input of the whole window (X W + b), run the
recurrence (a kernel, the only loop over time), and, going back, one GEMM per weight gradient.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.backends import Backend
from charrnn.nn.workspace import Workspace

Array = NDArray[Any]
Weights = dict[str, Array]


class CellTape:
    """What a cell's forward leaves for its backward, over one window."""

    def __init__(self, A: Array, H: Array, **more: Array) -> None:
        self.x: Array = A[..., :0]
        self.A, self.H = A, H
        self.more = more


class Cell(ABC):
    """One layer of D inputs and H units; its weights are passed to every call as views of θ."""

    gates: int
    state_size = 1
    scratch = 0  # arrays (T, B, H) that backward needs besides dA

    def __init__(self, D: int, H: int, bias: bool, kernels: Backend) -> None:
        self.D, self.H, self.bias, self.kernels = D, H, bias, kernels

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the weights under their letters."""
        G = self.gates * self.H
        bias = {"b": (G,)} if self.bias else {}
        return {"W": (self.D, G), "U": (self.H, G), **bias}

    @abstractmethod
    def tape(self, T: int, B: int, workspace: Workspace, prefix: str) -> CellTape:
        """A tape for a window of T steps and B streams."""

    @abstractmethod
    def recur(self, p: Weights, tape: CellTape) -> None:
        """The loop over time, from tape.A = X W + b and the state on entry in the tape."""

    @abstractmethod
    def recur_back(
        self, p: Weights, tape: CellTape, dH: Array, dstate: Array, grad: Weights, dA: Array
    ) -> tuple[Array, ...]:
        """The loop back: fills dA (T, B, G), adds to grad what is the cell's own (U, P, …).

        Returns the gradient of the state on entry, n arrays (B, H).
        """

    @abstractmethod
    def enter(self, tape: CellTape, state: Array) -> None:
        """Put the state on entry (n, B, H) into the tape."""

    @abstractmethod
    def state_after(self, tape: CellTape, t: int) -> tuple[Array, ...]:
        """The state after t steps of the window, n views (B, H) of the tape."""

    def forward(self, p: Weights, x: Array, state: Array, tape: CellTape) -> Array:
        """x: ids (T, B) or inputs (T, B, D); state (n, B, H). Returns outputs (T, B, H)."""
        tape.x = x
        self.enter(tape, state)
        A = tape.A.reshape(-1, tape.A.shape[-1])
        if x.ndim == 2:
            W = p["W"] + p["b"] if self.bias else p["W"]
            self.kernels.gather(x.reshape(-1), W, A)
        else:
            np.matmul(x.reshape(-1, self.D), p["W"], out=A)
            if self.bias:
                A += p["b"]
        self.recur(p, tape)
        return tape.H[1:]

    def backward(
        self,
        p: Weights,
        tape: CellTape,
        dH: Array,
        dstate: Array,
        grad: Weights,
        dA: Array,
        dX: Array | None,
    ) -> tuple[Array, ...]:
        """Add the window's gradients to `grad`; fill dX (T, B, D) unless it is None.

        dH (T, B, H) are the errors on the outputs, dstate (n, B, H) those on the state on exit.
        dA (T, B, G) is scratch; dX may share memory with dH. Returns the gradient of the state
        on entry, n arrays (B, H).
        """
        entry = self.recur_back(p, tape, dH, dstate, grad, dA)
        flat = dA.reshape(-1, dA.shape[-1])
        if tape.x.ndim == 2:
            self.kernels.scatter(tape.x.reshape(-1), flat, grad["W"])
        else:
            grad["W"] += tape.x.reshape(-1, self.D).T @ flat
        if self.bias:
            grad["b"] += _column_sums(flat)
        if dX is not None:
            np.matmul(flat, p["W"].T, out=dX.reshape(-1, self.D))
        return entry


def add_recurrent_gradient(H: Array, dA: Array, dU: Array) -> None:
    """dU += Σ_t h_{t-1}ᵀ da_t, where H[:-1] holds the h_{t-1}."""
    width = H.shape[-1]
    dU += H[:-1].reshape(-1, width).T @ dA.reshape(-1, dA.shape[-1])


def _column_sums(dA: Array) -> Array:
    """Σ over rows, as a product with ones: BLAS is faster at it than a reduction."""
    return np.asarray(np.ones(len(dA), dA.dtype) @ dA)
