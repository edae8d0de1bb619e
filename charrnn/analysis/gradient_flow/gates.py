"""The blocks of a cell's gate columns: their names, their squashing functions, which recurs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from charrnn.nn.activations import SIGMOID, TANH, Activation
from charrnn.nn.cells import GRU, LSTM, RNN, Cell, CellTape

Array = NDArray[Any]


@dataclass(frozen=True)
class Block:
    """H columns of U, W, b and of the gates.

    `recurs`: the block by which h_{t-1} enters the new state itself; the others are gates, which
    scale what is kept, let in or shown.
    """

    name: str
    activation: Activation
    recurs: bool

    @property
    def gate(self) -> bool:
        return not self.recurs


def blocks(cell: Cell) -> list[Block]:
    """In the order of the columns: [h], [i f o | g], [i o | g] or [r u | n]."""
    if isinstance(cell, RNN):
        return [Block("h", cell.activation, True)]
    if isinstance(cell, LSTM):
        gates = [Block(name, SIGMOID, False) for name in cell.variant.sigmoid_gates]
        return [*gates, Block("g", cell.variant.activation_g, True)]
    assert isinstance(cell, GRU)
    return [Block("r", SIGMOID, False), Block("u", SIGMOID, False), Block("n", TANH, True)]


def values(cell: Cell, tape: CellTape) -> dict[str, Array]:
    """What the blocks gave in a window, (T, B, H) by name, from the tape of `Cell.forward`."""
    if isinstance(cell, RNN):
        return {"h": tape.H[1:]}
    H = cell.H
    return {b.name: tape.A[..., k * H : (k + 1) * H] for k, b in enumerate(blocks(cell))}
