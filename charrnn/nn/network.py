"""A stack of cells, dropout, an output layer and a loss, over one window of T steps, B streams.

A window passes through these, each made from the one before:

    forward → Tape → predict → Prediction → loss_gradient → LogitGradient → backward
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from charrnn.errors import DivergenceError
from charrnn.nn.backends import Backend
from charrnn.nn.cells.base import Cell, CellTape
from charrnn.nn.params import Params, Workspace

Array = NDArray[Any]
Ids = NDArray[np.integer]


CACHED = 1024  # rows of logits


@dataclass(frozen=True)
class Tape:
    """What the forward pass of one window leaves for the backward pass.

    `masks` (L, T or 1, B, H) are empty without dropout; `outputs` (T, B, H) are the top layer's.
    `cells` are empty where the window was only read, and nothing can flow back.
    """

    T: int
    B: int
    cells: list[CellTape]
    masks: list[Array]
    outputs: Array


@dataclass(frozen=True)
class Prediction:
    """Of a window's steps from `first` on: p_t (T - first, B, K) and E_t (T - first, B) in nats.

    The memory of p is reused by `loss_gradient`, and by the next prediction.
    """

    first: int
    p: Array
    E: Array


@dataclass(frozen=True)
class LogitGradient:
    """dz_t (T - first, B, K) of the steps from `first` on; the steps before have none."""

    first: int
    dZ: Array


def logits_not_finite() -> DivergenceError:
    """The error for logits by which nothing can be chosen."""
    return DivergenceError(
        "the model's logits are not finite, so there is nothing to choose a character by",
        then="its parameters are too large: use an earlier checkpoint of the run",
    )


class Network:
    """Cells over one parameter vector. Arrays in, arrays out.

    The state of all layers is one array (L, n, B, H): n is 1, or 2 for the
    LSTM (h, then s), which is what `Cell.state_names` says.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        K: int,
        *,
        bias: bool,
        dropout: float,
        dtype: DTypeLike,
        variational: bool = False,
    ) -> None:
        self.cells, self.K, self.bias = list(cells), K, bias
        self.dropout, self.variational = dropout, variational
        self.H = self.cells[0].H
        self.backend = self.cells[0].backend
        self.dtype = np.dtype(dtype)
        self.params = Params(self._shapes(), dtype)
        self._workspace = Workspace(dtype)
        self._tapes: dict[tuple[int, int], tuple[int, list[CellTape]]] = {}

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        shapes = {
            f"layers.{index}.{letter}": shape
            for index, cell in enumerate(self.cells)
            for letter, shape in cell.shapes().items()
        }
        shapes["output.V"] = (self.H, self.K)
        if self.bias:
            shapes["output.c"] = (self.K,)
        return shapes

    def use(self, backend: Backend) -> None:
        """Run the loops by another backend from now on."""
        self.backend = backend
        for cell in self.cells:
            cell.use(backend)

    def with_own_workspace(self) -> Network:
        """The same cells over the same parameters, with memory of its own to run windows in."""
        worker = copy(self)
        worker._workspace, worker._tapes = Workspace(self.dtype), {}
        return worker

    def read_by(self, backend: Backend) -> Network:
        """A worker whose text is read by another backend; the cells' loops remain as they are."""
        worker = self.with_own_workspace()
        worker.backend = backend
        return worker

    def zero_state(self, B: int) -> Array:
        """The state (L, n, B, H) before any text."""
        return np.zeros((len(self.cells), len(self.cells[0].state_names), B, self.H), self.dtype)

    def mask_arrays(self, T: int, B: int) -> list[Array]:
        """Memory for a dropout mask (T, B, H) for the output of each layer.

        Variational dropout (Gal & Ghahramani 2016) has one row for all steps, (1, B, H).
        """
        shape = (1 if self.variational else T, B, self.H)
        return [self._workspace(f"layers.{index}.mask", shape) for index in range(len(self.cells))]

    def forward(self, x: Ids, state: Array, masks: Sequence[Array] | None = None) -> Tape:
        """Run ids x (T, B) from `state`; `masks` are the dropout masks, None to drop nothing.

        The tape lives in memory that the next call reuses.
        """
        T, B = x.shape
        cell_tapes = self._cell_tapes(T, B)
        below: Array = x
        for index, (cell, cell_tape) in enumerate(zip(self.cells, cell_tapes, strict=True)):
            below = cell.forward(self.params.layer(index), below, state[index], cell_tape)
            if masks is not None:
                dropped = self._workspace(f"layers.{index}.dropped", below.shape)
                below = np.multiply(below, masks[index], out=dropped)
        return Tape(T, B, cell_tapes, list(masks or ()), below)

    def _cell_tapes(self, T: int, B: int) -> list[CellTape]:
        """The tapes of all layers, made once for a shape and again when their memory has moved."""
        growths, tapes = self._tapes.get((T, B), (-1, []))
        if growths != self._workspace.growths:
            tapes = [
                cell.tape(T, B, self._workspace, f"layers.{index}.")
                for index, cell in enumerate(self.cells)
            ]
            self._tapes[T, B] = self._workspace.growths, tapes
        return tapes

    def read(self, x: Ids, state: Array, *, keep: bool = True) -> tuple[Tape, Array]:
        """Run ids x (T, B) from `state`: a tape that nothing flows back through, the final state.

        Without `keep` the tape may have no outputs either. Its memory is that of `forward`'s.
        """
        T, B = x.shape
        if self.backend.scan is None or self.cells[0].compiled is None:
            tape = self.forward(x, state)
            return tape, self.state_after(tape, T)
        outputs, state = self._workspace("outputs", (T if keep else 0, B, self.H)), state.copy()
        layers = [self.params.layer(index) for index in range(len(self.cells))]
        self.backend.scan(cells=self.cells, layers=layers, x=x, state=state, outputs=outputs)
        return Tape(T, B, [], [], outputs), state

    def state_after(self, tape: Tape, t: int) -> Array:
        """The state (L, n, B, H) after t of the tape's steps."""
        state = np.empty(
            (len(self.cells), len(self.cells[0].state_names), tape.B, self.H), self.dtype
        )
        for index, (cell, cell_tape) in enumerate(zip(self.cells, tape.cells, strict=True)):
            for slot, part in enumerate(cell.state_after(cell_tape, t)):
                state[index, slot] = part
        return state

    def logits(self, tape: Tape, steps: slice = slice(None)) -> Array:
        """z = h V + c (CE.0) for all steps, or some, (·, B, K)."""
        outputs = tape.outputs[steps]
        Z = self._workspace("Z", (*outputs.shape[:2], self.K))
        flat = Z.reshape(-1, self.K)
        np.matmul(outputs.reshape(-1, self.H), self.params["output.V"], out=flat)
        if self.bias:
            flat += self.params["output.c"]
        return Z

    def predict(self, tape: Tape, y: Ids, first: int = 0) -> Prediction:
        """p and E for targets y (T, B), from step `first` on."""
        Z = self.logits(tape, slice(first, None))
        E = self.backend.softmax_cross_entropy(Z=Z.reshape(-1, self.K), y=y[first:].reshape(-1))
        return Prediction(first, Z, E.reshape(Z.shape[:2]))

    def losses(self, tape: Tape, y: Ids, first: int = 0) -> Array:
        """E (T - first, B) in nats for targets y (T, B), from step `first` on."""
        return self.predict(tape, y, first).E

    def nats_and_correct(self, tape: Tape, y: Ids) -> tuple[Array, NDArray[np.bool_]]:
        """E (T, B) for targets y (T, B), and whether the likeliest id is the target."""
        if self.backend.cross_entropy is None:
            prediction = self.predict(tape, y)
            return prediction.E, prediction.p.argmax(axis=-1) == y
        E, correct = np.empty(y.shape, self.dtype), np.empty(y.shape, np.bool_)
        for part in _in_the_cache(tape.T, tape.B):
            Z = self.logits(tape, part).reshape(-1, self.K)
            found = self.backend.cross_entropy(Z=Z, y=y[part].reshape(-1))
            E[part], correct[part] = (array.reshape(-1, tape.B) for array in found)
        return E, correct

    def loss_gradient(
        self, prediction: Prediction, y: Ids, scale: float, mask: Array | None = None
    ) -> LogitGradient:
        """dz = (p - y) · scale, 0 where mask (T, B) is false, in the memory of the prediction's p.

        y (T, B) are the targets that it was made for.
        """
        first, dZ = prediction.first, prediction.p
        flat_mask = None if mask is None else mask[first:].reshape(-1)
        self.backend.cross_entropy_gradient(
            p=dZ.reshape(-1, self.K), y=y[first:].reshape(-1), scale=scale, mask=flat_mask
        )
        return LogitGradient(first, dZ)

    def backward(self, tape: Tape, dz: LogitGradient, dstate: Array, grad: Params) -> Array:
        """Add the window's gradient to `grad`; `dstate` is that of the final state.

        Returns the gradient of the initial state (L, n, B, H): what lets windows be chained.
        """
        return self.flow_back(tape, self._output_layer_back(tape, dz, grad), dstate, grad)

    def learn_outputs(
        self, tape: Tape, y: Ids, first: int, scale: float, mask: Array | None, grad: Params
    ) -> tuple[Array, Array]:
        """E (T - first, B) for targets y (T, B), and dH (T, B, H) of scale · Σ E.

        Adds the gradients of V and c; losses count from step `first` on, where mask (T, B) is true.
        `flow_back` does the rest.
        """
        if self.backend.learn_outputs is None:
            prediction = self.predict(tape, y, first)
            dz = self.loss_gradient(prediction, y, scale, mask)
            return prediction.E, self._output_layer_back(tape, dz, grad)
        dH = self._workspace("dH", (tape.T, tape.B, self.H))
        dH[:first] = 0
        E = self.backend.learn_outputs(
            outputs=tape.outputs[first:].reshape(-1, self.H),
            y=y[first:].reshape(-1),
            V=self.params["output.V"],
            c=self.params["output.c"] if self.bias else None,
            scale=scale,
            mask=None if mask is None else mask[first:].reshape(-1),
            dV=grad["output.V"],
            dc=grad["output.c"] if self.bias else None,
            dH=dH[first:].reshape(-1, self.H),
        )
        return E.reshape(-1, tape.B), dH

    def flow_back(
        self, tape: Tape, dH: Array, dstate: Array, grad: Params, *, initial: bool = True
    ) -> Array:
        """As `backward`, from the gradient dH (T, B, H) of the outputs, which is destroyed.

        `initial`: whether what is returned is asked for; otherwise it may be anything.
        """
        returned = np.empty_like(dstate) if initial else dstate
        for index in reversed(range(len(self.cells))):
            cell, cell_tape = self.cells[index], tape.cells[index]
            cell_tape.initial = initial
            if tape.masks:
                dH *= tape.masks[index]
            dA = self._workspace("dA", cell_tape.A.shape)
            parts = cell.backward(
                self.params.layer(index), cell_tape, dH, dstate[index], grad.layer(index), dA,
                dX=dH if index else None,
            )  # fmt: skip
            for slot, part in enumerate(parts if initial else ()):
                returned[index, slot] = part
        return returned

    def _output_layer_back(self, tape: Tape, dz: LogitGradient, grad: Params) -> Array:
        """Add the gradients of V and c; returns dH (T, B, H), that of the top layer's outputs."""
        dZ = dz.dZ.reshape(-1, self.K)
        outputs = tape.outputs[dz.first :].reshape(-1, self.H)
        dV = grad["output.V"]
        dV += outputs.T @ dZ
        if self.bias:
            dc = grad["output.c"]
            dc += np.ones(len(dZ), dZ.dtype) @ dZ
        dH = self._workspace("dH", (tape.T, tape.B, self.H))
        dH[: dz.first] = 0
        np.matmul(dZ, self.params["output.V"].T, out=dH[dz.first :].reshape(-1, self.H))
        return dH

    @property
    def workspace_bytes(self) -> int:
        """Bytes that windows have taken so far."""
        return self._workspace.nbytes

    def tape_bytes(self, T: int, B: int) -> int:
        """Bytes of one window's tape and scratch, by the formula in docs/memory.md."""
        G = max(cell.G for cell in self.cells)
        scratch = max(len(cell.scratch_names) for cell in self.cells) * self.H
        shared = T * B * (G + self.H + self.K + scratch)
        per_layer = 0
        for cell in self.cells:
            per_layer += T * B * cell.G + (T + 1) * B * self.H * len(cell.state_names)
            per_layer += T * B * self.H * len(cell.kept_names)
            per_layer += 2 * T * B * self.H * (self.dropout > 0)
        return (shared + per_layer) * self.dtype.itemsize


def _in_the_cache(T: int, B: int) -> list[slice]:
    """Steps whose logits stay in the cache; of a remainder too, so that no product is small.

    A library's GEMM sums small products in another order.
    """
    steps = max(CACHED // B, 1)
    cuts = [*range(0, max(T - steps, 0) + 1, steps)]
    return [slice(a, b) for a, b in zip(cuts, [*cuts[1:], T], strict=True)]
