"""How well a text is predicted: each measure, defined once.

Cross-entropy is in nats per character wherever it is computed or stored. Bits and perplexity are
made from it where they are shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, log
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

LN2 = log(2)
LARGEST_EXPONENT = 700  # exp of more is not a float64


def bits(nats: float) -> float:
    """Nats in bits."""
    return nats / LN2


def perplexity(nats_per_char: float) -> float:
    """exp of the mean cross-entropy in nats: as uncertain as among so many equal characters."""
    return exp(nats_per_char) if nats_per_char < LARGEST_EXPONENT else inf


class HasNats(Protocol):
    """What knows its mean cross-entropy."""

    @property
    def nats_per_char(self) -> float: ...


class InBits:
    """Its nats per character in other measures."""

    @property
    def bits_per_char(self: HasNats) -> float:
        """The mean in bits."""
        return bits(self.nats_per_char)

    @property
    def perplexity(self: HasNats) -> float:
        """exp of the mean in nats."""
        return perplexity(self.nats_per_char)


@dataclass
class Score(InBits):
    """Sums over characters: nats, and how often the likeliest character was the right one."""

    nats: float = 0.0
    correct: int = 0
    chars: int = 0

    def add(
        self, E: NDArray[np.floating], correct: NDArray[np.bool_], mask: NDArray[np.bool_]
    ) -> None:
        """Count nats E (T, B) and `correct` (T, B) where the mask (T, B) is true."""
        self.nats += float(E.sum(dtype=np.float64, where=mask))
        self.correct += int(np.count_nonzero(correct & mask))
        self.chars += int(np.count_nonzero(mask))

    def __iadd__(self, other: Score) -> Score:
        self.nats += other.nats
        self.correct += other.correct
        self.chars += other.chars
        return self

    @property
    def nats_per_char(self) -> float:
        return self.nats / self.chars

    @property
    def accuracy(self) -> float:
        return self.correct / self.chars
