"""What every cell has in common: projection before the loop over time, weight gradients after.

A cell's window has three stages: project the input of the whole window (X W + b), run the
recurrence (the only loop over time), and, in the backward pass, one GEMM per weight gradient.
docs/adding-a-cell.md shows how a cell is written.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.activations import Activation
from charrnn.nn.backends import Backend
from charrnn.nn.params import Workspace
from charrnn.nn.window import column_sums

Array = NDArray[Any]
Weights = dict[str, Array]
Columns = dict[str, Array]


@dataclass(frozen=True)
class Gate:
    """H columns of W, U, b and A: their letter, what they are, and their activation function.

    `is_candidate`: h_{t-1} enters the new state itself by these columns; the others are gates in
    the narrow sense, which scale what is kept, let in or shown. `limits` of the values, if any.
    """

    name: str
    label: str
    activation: Activation
    is_candidate: bool = False
    limits: tuple[float, float] | None = (0, 1)


@dataclass
class CellTape:
    """What a cell's forward leaves for its backward, over one window.

    A (T, B, G): the projections, then whatever the loop makes of them. `states`: for each state
    of the cell an array (T + 1, B, H), its row 0 the initial state. `kept`, `scratch`: (T, B, H).
    `initial`: whether the gradient of the initial state is asked for.
    """

    A: Array
    states: tuple[Array, ...]
    kept: dict[str, Array]
    scratch: dict[str, Array]
    x: Array
    initial: bool = True

    @property
    def H(self) -> Array:
        """The outputs (T + 1, B, H), h_{-1} in row 0."""
        return self.states[0]


class Cell(ABC):
    """One layer of D inputs and H units; its weights are passed to every call as views of θ."""

    name: ClassVar[str]  # the value of `model.cell`
    state_names: ClassVar[tuple[str, ...]] = ("h",)
    state_labels: ClassVar[tuple[str, ...]] = ("output h",)
    kept_names: ClassVar[tuple[str, ...]] = ()  # arrays (T, B, H) that backward reads
    scratch_names: ClassVar[tuple[str, ...]] = ()  # arrays (T, B, H) that layers share
    compiled: ClassVar[str | None] = None  # the module that has the compiled `LOOPS`
    # For each format that exports the cell, the order of its gates there.
    exports: ClassVar[Mapping[str, str]] = {}
    inner_bias: ClassVar[str | None] = None  # the letter of a bias that only h_{t-1} U has

    options: Mapping[str, Any] | None = None  # what `from_options` was given, by `build`
    loops: Any  # a frozen dataclass of the cell's loops over time; those in NumPy to begin with

    def __init__(self, D: int, H: int, bias: bool, backend: Backend) -> None:
        self.D, self.H, self.bias = D, H, bias
        self.use(backend)

    @classmethod
    @abstractmethod
    def from_options(
        cls, D: int, H: int, bias: bool, backend: Backend, options: Mapping[str, Any]
    ) -> Cell:
        """The cell that a configuration describes; `options` are its own, by their names."""

    @property
    @abstractmethod
    def gates(self) -> tuple[Gate, ...]:
        """In the order of their columns."""

    @cached_property
    def gate_names(self) -> str:
        """The letters of the gates in the order of their columns."""
        return "".join(gate.name for gate in self.gates)

    @cached_property
    def G(self) -> int:
        """Gate columns."""
        return len(self.gates) * self.H

    @property
    @abstractmethod
    def description(self) -> str:
        """What it is in a few words, such as "LSTM with peepholes"."""

    @property
    def functions(self) -> tuple[Activation, ...]:
        """The activation functions, where an option changes any of them."""
        return ()

    @property
    def bounding_activation(self) -> Activation | None:
        """φ, if the cell is h_t = φ(x_t W + h_{t-1} U + b): its derivative bounds gradients."""
        return None

    def advice_on_vanishing(self, means: Mapping[str, float]) -> list[str]:
        """Options that let a state last longer, given the gates' mean values."""
        return ["model.cell=lstm: its cell state has a path without U and without derivatives"]

    def advice_on_exploding(self) -> list[str]:
        """Options that keep gradients from growing."""
        return []

    def use(self, backend: Backend) -> None:
        """Run the loops by this backend; those in NumPy where it has none for the cell."""
        self.backend = backend
        self.loops = type(self).loops
        if backend.is_compiled and self.compiled is not None:
            self.loops = import_module(self.compiled).LOOPS

    def step_data(self, layers: Sequence[Weights]) -> Any:
        """What the compiled step of a stack of such layers needs besides their products."""
        assert self.compiled is not None, "a cell without compiled loops has no compiled step"
        return import_module(self.compiled).step_data(self, layers)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the weights under their letters."""
        bias = {"b": (self.G,)} if self.bias else {}
        return {"W": (self.D, self.G), "U": (self.H, self.G), **bias}

    def initialise(self, weights: Weights) -> None:  # noqa: B027
        """Set what does not begin as drawn or at zero."""

    def by_gate(self, array: Array) -> Columns:
        """Views (..., H) of an array (..., G), by gate."""
        H = self.H
        return {name: array[..., k * H : (k + 1) * H] for k, name in enumerate(self.gate_names)}

    def gate_values(self, tape: CellTape) -> Columns:
        """What the gates gave in a window (T, B, H), by gate, after the forward pass."""
        return self.by_gate(tape.A)

    def tape(self, T: int, B: int, workspace: Workspace, prefix: str) -> CellTape:
        """A tape for a window of T steps and B streams."""
        one = (T, B, self.H)
        A = workspace(prefix + "A", (T, B, self.G))
        return CellTape(
            A,
            tuple(workspace(prefix + name, (T + 1, B, self.H)) for name in self.state_names),
            {name: workspace(prefix + name, one) for name in self.kept_names},
            {name: workspace(name, one) for name in self.scratch_names},
            A[..., :0],
        )

    @abstractmethod
    def recur(self, weights: Weights, tape: CellTape) -> None:
        """The loop over time, from tape.A = X W + b and the initial state in the tape."""

    @abstractmethod
    def recur_back(
        self, weights: Weights, tape: CellTape, dH: Array, dstate: Array, grad: Weights, dA: Array
    ) -> tuple[Array, ...]:
        """The loop back: fills dA (T, B, G), adds to grad what is the cell's own (U, P, …).

        Returns the gradient of the initial state, n arrays (B, H).
        """

    def loop_back(self, tape: CellTape) -> Any:
        """`loops.backward`, or `loops.last` where there is one and it does."""
        last = None if tape.initial else getattr(self.loops, "last", None)
        return self.loops.backward if last is None else last

    def state_after(self, tape: CellTape, t: int) -> tuple[Array, ...]:
        """The state after t steps of the window, n views (B, H) of the tape."""
        return tuple(state[t] for state in tape.states)

    def forward(self, weights: Weights, x: Array, state: Sequence[Array], tape: CellTape) -> Array:
        """x: ids (T, B) or inputs (T, B, D); state (n, B, H). Returns outputs (T, B, H)."""
        tape.x = x
        for rows, initial in zip(tape.states, state, strict=True):
            rows[0] = initial
        A = tape.A.reshape(-1, tape.A.shape[-1])
        if x.ndim == 2:
            self.backend.gather(ids=x.reshape(-1), W=weights["W"], out=A, b=weights.get("b"))
        else:
            np.matmul(x.reshape(-1, self.D), weights["W"], out=A)
            if self.bias:
                A += weights["b"]
        self.recur(weights, tape)
        return tape.H[1:]

    def backward(
        self,
        weights: Weights,
        tape: CellTape,
        dH: Array,
        dstate: Array,
        grad: Weights,
        dA: Array,
        dX: Array | None,
    ) -> tuple[Array, ...]:
        """Add the window's gradients to `grad`; fill dX (T, B, D) unless it is None.

        dH (T, B, H) are the gradients of the outputs, dstate (n, B, H) those of the final state.
        dA (T, B, G) is scratch; dX may share memory with dH. Returns the gradient of the initial
        state, n arrays (B, H).
        """
        initial = self.recur_back(weights, tape, dH, dstate, grad, dA)
        flat = dA.reshape(-1, dA.shape[-1])
        if tape.x.ndim == 2:
            self.backend.scatter(ids=tape.x.reshape(-1), dA=flat, dW=grad["W"], db=grad.get("b"))
        else:
            self.backend.add_product(X=tape.x.reshape(-1, self.D), Y=flat, out=grad["W"])
            if self.bias:
                grad["b"] += column_sums(flat)
        if dX is not None:
            np.matmul(flat, weights["W"].T, out=dX.reshape(-1, self.D))
        return initial

    def add_recurrent_gradient(self, H: Array, dA: Array, dU: Array) -> None:
        """dU += Σ_t h_{t-1}ᵀ da_t, where H[:-1] holds the h_{t-1}."""
        X, Y = H[:-1].reshape(-1, self.H), dA.reshape(-1, dA.shape[-1])
        self.backend.add_product(X=X, Y=Y, out=dU)
