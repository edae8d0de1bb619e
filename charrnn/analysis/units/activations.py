"""h, the cell state and the gates of every unit, character by character.

They are read from the tapes that the forward pass leaves. A layer has h; an LSTM also the cell
state s and the gates i, f, o and g as far as its variant has them; a GRU r, u and n.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.analysis.units.rows import Row
from charrnn.nn.backends import NUMPY_BACKEND
from charrnn.nn.cells import GRU, LSTM, Cell, CellTape
from charrnn.nn.network import Network

Array = NDArray[Any]
STEPS = 4096  # steps times rows of one forward call

# Letter: what it is, and the limits of its values (None: the cell has none of its own).
QUANTITIES: dict[str, tuple[str, tuple[float, float] | None]] = {
    "h": ("output h", None),
    "s": ("cell state s", None),
    "i": ("input gate i", (0, 1)),
    "f": ("forget gate f", (0, 1)),
    "o": ("output gate o", (0, 1)),
    "g": ("cell input g", None),
    "r": ("reset gate r", (0, 1)),
    "u": ("update gate u", (0, 1)),
    "n": ("candidate n", (-1, 1)),
}


@dataclass(frozen=True)
class Block:
    """Some n characters: `at` (n,) their places among all that are read, `values[layer][letter]`
    (n, H) the activations after each, `p` (n, K) the distribution of the next character.
    """

    at: NDArray[np.int64]
    values: list[dict[str, Array]]
    p: Array


def quantities(cell: Cell) -> list[str]:
    """The letters of what a cell has."""
    if isinstance(cell, LSTM):
        return ["h", "s", *cell.variant.sigmoid_gates, "g"]
    return ["h", "r", "u", "n"] if isinstance(cell, GRU) else ["h"]


def read(network: Network, ids: Any, rows: Sequence[Row]) -> Iterator[Block]:
    """Run a network over rows of ids; blocks come in no particular order of characters.

    Of a network that explodes what is not finite is the largest number there is, or 0.
    """
    network.use(NUMPY_BACKEND)
    places = np.cumsum([0, *(row.stop - row.begin for row in rows)])
    for first, last in _groups(rows):
        yield from _side_by_side(network, ids, rows[first:last], places[first:last])


def _groups(rows: Sequence[Row]) -> Iterator[tuple[int, int]]:
    """Neighbouring rows, as many as make a fair batch."""
    first, longest = 0, 0
    for index, row in enumerate(rows):
        longest = max(longest, row.stop - row.first)
        if index > first and (index + 1 - first) * min(longest, 512) > STEPS:
            yield first, index
            first, longest = index, row.stop - row.first
    if rows:
        yield first, len(rows)


def _side_by_side(
    network: Network, ids: Any, rows: Sequence[Row], places: NDArray[np.int64]
) -> Iterator[Block]:
    first, begin, stop = np.array([(r.first, r.begin, r.stop) for r in rows]).T
    B, T = len(rows), int((stop - first).max())
    state, size = network.zero_state(B), max(STEPS // B, 1)
    for t in range(0, T, size):
        at = first + np.arange(t, min(t + size, T))[:, None]
        counts = (at >= begin) & (at < stop)
        x = ids[np.minimum(at, stop - 1)]
        with np.errstate(over="ignore", invalid="ignore"):
            tape = network.forward(x, state)
            p = np.nan_to_num(_softmax(network.logits(tape)[counts]))
        values = [
            {letter: np.nan_to_num(array[counts]) for letter, array in _of(cell, cell_tape).items()}
            for cell, cell_tape in zip(network.cells, tape.cells, strict=True)
        ]
        state = network.state_after(tape, tape.T)
        yield Block((places + at - begin)[counts], values, p)


def _of(cell: Cell, tape: CellTape) -> dict[str, Array]:
    """The quantities (T, B, H) of a window."""
    found = {"h": tape.H[1:]}
    if isinstance(cell, LSTM):
        return {**found, "s": tape.more["S"][1:], **cell.variant.columns(tape.A)}
    if isinstance(cell, GRU):
        H = cell.H
        found |= {name: tape.A[..., k * H : (k + 1) * H] for k, name in enumerate("run")}
    return found


def _softmax(z: Array) -> Array:
    p = np.exp(z - z.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    return p
