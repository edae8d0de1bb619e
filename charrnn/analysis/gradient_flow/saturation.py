"""Where activation functions are flat: shares of saturated gates, and of units that are dead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.cells.base import Gate
from charrnn.nn.network import Network

Array = NDArray[Any]
Ids = NDArray[np.integer]
EDGE = 0.1  # of the range, at either end (Karpathy, Johnson & Li 2015)


@dataclass(frozen=True)
class Saturation:
    """One block of a layer over a window, all steps and streams.

    `low`, `high`: the shares of values in the lowest and the highest tenth of the function's
    range; None for functions without a range. `dead`: relu, the share of units that are 0
    throughout. `mean` is the mean value.
    """

    block: str
    gate: bool
    mean: float
    low: float | None
    high: float | None
    dead: float | None


def saturations(network: Network, x: Ids, state: Array) -> list[list[Saturation]]:
    """Of every block of every layer, reading ids x (T, B) from `state` (L, n, B, H)."""
    tape = network.forward(x, state)
    return [
        [_of(gate, cell.gate_values(cell_tape)[gate.name]) for gate in cell.gates]
        for cell, cell_tape in zip(network.cells, tape.cells, strict=True)
    ]


def _of(gate: Gate, y: Array) -> Saturation:
    activation, mean = gate.activation, float(y.mean())
    if activation.name == "relu":
        dead = float((y == 0).all(axis=(0, 1)).mean())
        return Saturation(gate.name, not gate.is_candidate, mean, None, None, dead)
    if activation.name == "identity":
        return Saturation(gate.name, not gate.is_candidate, mean, None, None, None)
    # φ = alpha · tanh + gamma has the range gamma ± alpha.
    place = (y - activation.gamma) / activation.alpha
    low, high = float((place < 2 * EDGE - 1).mean()), float((place > 1 - 2 * EDGE).mean())
    return Saturation(gate.name, not gate.is_candidate, mean, low, high, None)
