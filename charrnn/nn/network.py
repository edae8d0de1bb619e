"""A stack of cells, dropout, a readout and a loss, over one window of T steps and B streams."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from charrnn.nn.backends import Backend
from charrnn.nn.cells import Cell, CellTape
from charrnn.nn.params import Params
from charrnn.nn.workspace import Workspace

Array = NDArray[Any]
Ids = NDArray[np.integer]


@dataclass
class Tape:
    """What the forward pass of one window leaves for the way back."""

    T: int
    B: int
    cells: list[CellTape]
    masks: list[Array] = field(default_factory=list)
    outputs: Array | None = None
    first: int = 0
    dZ: Array | None = None


class Network:
    """Cells over one parameter vector. Arrays in, arrays out.

    The state of all layers is one array (L, n, B, H): n is 1, or 2 for the LSTM (h, then s).
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
        self.kernels = self.cells[0].kernels
        self.dtype = np.dtype(dtype)
        self.params = Params(self._shapes(), dtype)
        self._workspace = Workspace(dtype)

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

    def use(self, kernels: Backend) -> None:
        """Run the loops by other kernels from now on."""
        self.kernels = kernels
        for cell in self.cells:
            cell.kernels = kernels

    def with_own_workspace(self) -> Network:
        """The same cells over the same parameters, with memory of its own to run windows in."""
        with_own_workspace = copy(self)
        with_own_workspace._workspace = Workspace(self.dtype)
        return with_own_workspace

    def zero_state(self, B: int) -> Array:
        """The state (L, n, B, H) before any text."""
        return np.zeros((len(self.cells), self.cells[0].state_size, B, self.H), self.dtype)

    def draw_masks(self, rng: np.random.Generator, T: int, B: int) -> list[Array]:
        """A dropout mask (T, B, H) for the output of each layer: 0, or 1 / (1 - dropout).

        Variational dropout (Gal & Ghahramani 2016) has one row for all steps, (1, B, H).
        """
        kept, shape = 1 - self.dropout, (1 if self.variational else T, B, self.H)
        masks = []
        for index in range(len(self.cells)):
            mask = self._workspace(f"layers.{index}.mask", shape)
            np.less(rng.random(shape, np.float32), kept, out=mask, casting="unsafe")
            mask *= 1 / kept
            masks.append(mask)
        return masks

    def forward(self, x: Ids, state: Array, masks: Sequence[Array] | None = None) -> Tape:
        """Run ids x (T, B) from `state`; `masks` are the dropout masks, None to drop nothing.

        The tape lives in memory that the next call reuses.
        """
        T, B = x.shape
        tape = Tape(T, B, [], list(masks or ()))
        below: Array = x
        for index, cell in enumerate(self.cells):
            prefix = f"layers.{index}."
            cell_tape = cell.tape(T, B, self._workspace, prefix)
            below = cell.forward(self.params.layer(index), below, state[index], cell_tape)
            if masks is not None:
                dropped = self._workspace(prefix + "dropped", below.shape)
                below = np.multiply(below, masks[index], out=dropped)
            tape.cells.append(cell_tape)
        tape.outputs = below
        return tape

    def state_after(self, tape: Tape, t: int) -> Array:
        """The state (L, n, B, H) after t of the tape's steps."""
        state = np.empty((len(self.cells), self.cells[0].state_size, tape.B, self.H), self.dtype)
        for index, (cell, cell_tape) in enumerate(zip(self.cells, tape.cells, strict=True)):
            for slot, part in enumerate(cell.state_after(cell_tape, t)):
                state[index, slot] = part
        return state

    def logits(self, tape: Tape, first: int = 0) -> Array:
        """z = h V + c (CE.0) for the steps from `first` on, (T - first, B, K)."""
        assert tape.outputs is not None
        tape.first = first
        outputs = tape.outputs[first:]
        Z = self._workspace("Z", (*outputs.shape[:2], self.K))
        flat = Z.reshape(-1, self.K)
        np.matmul(outputs.reshape(-1, self.H), self.params["output.V"], out=flat)
        if self.bias:
            flat += self.params["output.c"]
        return Z

    def losses(self, tape: Tape, y: Ids, first: int = 0) -> Array:
        """E (T - first, B) in nats for targets y (T, B), from step `first` on."""
        Z = self.logits(tape, first)
        E = self.kernels.softmax_cross_entropy(Z.reshape(-1, self.K), y[first:].reshape(-1))
        tape.dZ = Z
        return E.reshape(Z.shape[:2])

    def loss_gradient(self, tape: Tape, y: Ids, scale: float, mask: Array | None = None) -> None:
        """After `losses`: leave dz = (p - y) · scale in the tape, 0 where mask (T, B) is false."""
        assert tape.dZ is not None
        flat_mask = None if mask is None else mask[tape.first :].reshape(-1)
        self.kernels.cross_entropy_gradient(
            tape.dZ.reshape(-1, self.K), y[tape.first :].reshape(-1), scale, flat_mask
        )

    def backward(self, tape: Tape, dstate: Array, grad: Params) -> Array:
        """Add the window's gradient to `grad`; `dstate` is that of the state on exit.

        Returns the gradient of the state on entry (L, n, B, H): what lets windows be chained.
        """
        dH = self._readout_back(tape, grad)
        entry = np.empty_like(dstate)
        for index in reversed(range(len(self.cells))):
            cell, cell_tape = self.cells[index], tape.cells[index]
            if tape.masks:
                dH *= tape.masks[index]
            dA = self._workspace("dA", cell_tape.A.shape)
            parts = cell.backward(
                self.params.layer(index), cell_tape, dH, dstate[index], grad.layer(index), dA,
                dX=dH if index else None,
            )  # fmt: skip
            for slot, part in enumerate(parts):
                entry[index, slot] = part
        return entry

    def _readout_back(self, tape: Tape, grad: Params) -> Array:
        """Gradients of V and c, and dH (T, B, H) on the outputs."""
        assert tape.dZ is not None
        assert tape.outputs is not None
        dZ = tape.dZ.reshape(-1, self.K)
        outputs = tape.outputs[tape.first :].reshape(-1, self.H)
        dV = grad["output.V"]
        dV += outputs.T @ dZ
        if self.bias:
            dc = grad["output.c"]
            dc += np.ones(len(dZ), dZ.dtype) @ dZ
        dH = self._workspace("dH", (tape.T, tape.B, self.H))
        dH[: tape.first] = 0
        np.matmul(dZ, self.params["output.V"].T, out=dH[tape.first :].reshape(-1, self.H))
        return dH

    @property
    def workspace_bytes(self) -> int:
        """Bytes that windows have taken so far."""
        return self._workspace.nbytes

    def tape_bytes(self, T: int, B: int) -> int:
        """Bytes of one window's tape and scratch, by the formula in docs/memory.md."""
        G = max(cell.gates for cell in self.cells) * self.H
        scratch = max(cell.scratch for cell in self.cells) * self.H
        shared = T * B * (G + self.H + self.K + scratch)
        per_layer = 0
        for cell in self.cells:
            per_layer += T * B * cell.gates * self.H + (T + 1) * B * self.H * cell.state_size
            per_layer += T * B * self.H * (cell.gates > 1)
            per_layer += 2 * T * B * self.H * (self.dropout > 0)
        return (shared + per_layer) * self.dtype.itemsize
