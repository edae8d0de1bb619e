"""h, the cell state and the gates of every unit, character by character.

They are read from the tapes that the forward pass leaves. Which there are, the cell says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.data.corpus import Corpus, Part
from charrnn.inference.beginning import Beginning
from charrnn.inference.reader import UNITS, WARMUP, Rows, Window, read
from charrnn.nn.backends import NUMPY_BACKEND
from charrnn.nn.cells.base import Cell, CellTape
from charrnn.nn.network import Network

Array = NDArray[Any]


@dataclass(frozen=True)
class Quantity:
    """Something that a unit has after each character: its letter, what it is, and the limits of
    its values, if it has any of its own.
    """

    letter: str
    label: str
    limits: tuple[float, float] | None = None


@dataclass(frozen=True)
class Block:
    """Some n characters: `at` (n,) their places among all that are read, `values[layer][letter]`
    (n, H) the activations after each, `p` (n, K) the distribution of the next character.
    """

    at: NDArray[np.int64]
    values: list[dict[str, Array]]
    p: Array


def quantities(cell: Cell) -> list[Quantity]:
    """What a cell has: its states, then its gates."""
    states = map(Quantity, cell.state_names, cell.state_labels)
    gates = [Quantity(gate.name, gate.label, gate.limits) for gate in cell.gates]
    # The gate of a vanilla RNN is its state.
    return list({quantity.letter: quantity for quantity in (*states, *gates)}.values())


def activations(
    network: Network, ids: Any, rows: Rows, beginning: Beginning | None = None
) -> Iterator[Block]:
    """Run a network over rows of ids, each from the state of the beginning, or a zero state.

    Blocks come in no particular order of characters.

    Of a network that explodes what is not finite is the largest number there is, or 0.
    """
    network.use(NUMPY_BACKEND)
    places = np.cumsum([0, *(rows.stop - rows.begin)])
    # Long rows are read side by side too, since only a window of them is held.
    for batch in UNITS.batches(np.minimum(rows.lengths, WARMUP)):
        own, offset = rows[batch], places[batch] - rows.begin[batch]
        state = None if beginning is None else beginning.states(len(own))
        windows = read(network, ids, own, steps=UNITS.steps(len(own)), state=state, with_tape=True)
        while (block := _next_block(windows, offset)) is not None:
            yield block


@np.errstate(over="ignore", invalid="ignore")
def _next_block(windows: Iterator[Window], offset: NDArray[np.int64]) -> Block | None:
    window = next(windows, None)
    return None if window is None else _block(window, offset)


def _block(window: Window, offset: NDArray[np.int64]) -> Block:
    """What counts of a window; `offset` (B,) turns places in the ids into `Block.at`."""
    mask, tapes = window.mask, zip(window.network.cells, window.tape.cells, strict=True)
    values = [
        {letter: np.nan_to_num(array[mask]) for letter, array in _of(cell, tape).items()}
        for cell, tape in tapes
    ]
    p = np.nan_to_num(_softmax(window.logits()[mask]))
    return Block((window.at + offset)[mask], values, p)


def _of(cell: Cell, tape: CellTape) -> dict[str, Array]:
    """The quantities (T, B, H) of a window."""
    states = zip(cell.state_names, tape.states, strict=True)
    return {**{name: rows[1:] for name, rows in states}, **cell.gate_values(tape)}


def _softmax(z: Array) -> Array:
    p = np.exp(z - z.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    return p


STREAMS = 8


def rows_of(corpus: Corpus, part: Part, characters: int) -> Rows:
    """The first `characters` of a part, or all there are, in the text's order.

    A stream is cut in a few, each warmed up by the 512 characters before it; of one in blocks it is
    the first stretch. A sequence is read with the boundary before it and without the one that ends
    it, which begins the next.
    """
    rows = corpus.rows[part]
    start, stop = rows[np.argsort(rows[:, 0])].T
    if corpus.boundary is not None:
        lengths = stop - 1 - start
        room = characters - (np.cumsum(lengths) - lengths)  # before each
        found = Rows.whole(start, start + np.minimum(lengths, room))
        return found[np.flatnonzero(room > 0)]
    first, last = int(start[0]), min(int(stop[0]), int(start[0]) + characters)
    return Rows.streams(first, last, UNITS.streams(last - first, STREAMS))
