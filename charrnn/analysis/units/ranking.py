"""Which units track a feature: the correlation of an activation with it, over a stretch of text.

The score of a unit is Pearson's r between its activation and the feature's value over all
characters read; for a feature of yes and no that is the point-biserial correlation. 1 or -1 is a
unit that is a straight-line function of the feature, 0 one that says nothing about it.

A rare feature leaves room for high r to only few units. How well one separates a feature of yes and
no is its AUC, the probability that its activation is higher at a random character that has the
feature than at one that has not (Hanley & McNeil 1982): 1 or 0 is a perfect detector, 0.5 chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.analysis.units.activations import Block
from charrnn.analysis.units.features import Feature

Array = NDArray[Any]


@dataclass(frozen=True)
class Ranked:
    """A unit (from 0) of a layer (from 0), by which letter it tracks a feature, and how well."""

    layer: int
    letter: str
    unit: int
    r: float


class Ranking:
    """Sums over blocks of characters; each has to be added once."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self.features = list(features)
        values = np.stack([f.values for f in features]) if features else np.zeros((0, 0))
        centred = values - values.mean(axis=1, keepdims=True)
        # A row has norm 1, so that r is its product with the activations over their own norm.
        self._F = centred / np.linalg.norm(centred, axis=1, keepdims=True)
        self._n = 0
        self._sums: dict[tuple[int, str], tuple[Array, Array, Array]] = {}

    def add(self, block: Block) -> None:
        """Count a block's characters."""
        self._n += len(block.at)
        F = self._F[:, block.at]
        for layer, values in enumerate(block.values):
            for letter, array in values.items():
                a = array.astype(np.float64)
                new = a.sum(axis=0), np.einsum("nh,nh->h", a, a), F @ a
                old = self._sums.get((layer, letter), (0.0, 0.0, 0.0))
                self._sums[layer, letter] = old[0] + new[0], old[1] + new[1], old[2] + new[2]

    def r(self) -> dict[tuple[int, str], Array]:
        """r (features, H) by (layer, letter); 0 for a unit whose activation never changes."""
        found = {}
        for key, (total, squares, products) in self._sums.items():
            variance = np.maximum(squares - total**2 / max(self._n, 1), 0)
            # What is left of equal numbers after the subtraction is rounding.
            moves = variance > 1e-12 * np.maximum(squares, 1e-300)
            found[key] = np.where(moves, products / np.sqrt(np.where(moves, variance, 1)), 0.0)
        return found

    def best(self, count: int) -> list[list[Ranked]]:
        """For each feature the `count` best units, each by the letter that tracks it best."""
        table = self.r()
        return [self._best(index, table, count) for index in range(len(self.features))]

    def _best(self, index: int, table: dict[tuple[int, str], Array], count: int) -> list[Ranked]:
        units: dict[tuple[int, int], Ranked] = {}
        for (layer, letter), r in table.items():
            for unit in np.argsort(-np.abs(r[index]), kind="stable")[:count].tolist():
                ranked = Ranked(layer, letter, unit, float(r[index, unit]))
                known = units.get((layer, unit))
                if known is None or abs(ranked.r) > abs(known.r):
                    units[layer, unit] = ranked
        return sorted(units.values(), key=lambda unit: -abs(unit.r))[:count]


class Series:
    """The activations of some units at every one of `size` characters, block by block."""

    def __init__(self, units: Iterable[Ranked], size: int) -> None:
        self._rows = {(u.layer, u.letter, u.unit): np.zeros(size) for u in units}

    def add(self, block: Block) -> None:
        """Keep a block's characters."""
        for (layer, letter, unit), row in self._rows.items():
            row[block.at] = block.values[layer][letter][:, unit]

    def of(self, unit: Ranked) -> Array:
        """The activations (size,) of one of the units."""
        return self._rows[unit.layer, unit.letter, unit.unit]


def auc(activation: Array, yes: Array) -> float:
    """The probability that an activation (N,) is higher where `yes` (N,); equal ones count half."""
    _, place, counts = np.unique(activation, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[place]
    n = float(yes.sum())
    return float((rank[yes > 0].sum() - n * (n + 1) / 2) / (n * (len(yes) - n)))
