"""What the mixture learns as it reads: four sets of weights, and features of characters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.inference.mixture.reading import RECENT_LENGTH

Array = NDArray[Any]

LENGTHS = np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 20, 24, 28])
ENTROPIES = np.array([0.3, 1.0, 1.8])  # nats
SETS = 4
MIDDLE = 6  # the order of the n-gram's second opinion
LEAST = -16.0  # of a logarithm that is mixed
FEATURE_NUMBERS = 1 << 21  # of each length of context


@dataclass(frozen=True)
class Rates:
    """Of learning: `weights` · max(`floor`, n^-`power`) at a weight's n-th use, and `features`."""

    weights: float = 0.02
    floor: float = 0.1
    power: float = 0.3
    features: float = 0.1


@dataclass(frozen=True)
class Weights:
    """`sets` (4, buckets, F), to be added up; how often each was learned from (4, buckets)."""

    sets: NDArray[np.float64]
    visits: NDArray[np.int64]

    @classmethod
    def equal(cls, K: int, F: int) -> Weights:
        """The network and the highest order say half each, whatever the text."""
        buckets = max((len(LENGTHS) + 1) * (len(ENTROPIES) + 1) ** 2, K + 1)
        sets = np.zeros((SETS, buckets, F))
        sets[0, 0, 0] = sets[0, 0, -1] = 0.5
        return cls(sets, np.zeros((SETS, buckets), np.int64))

    def copy(self) -> Weights:
        return Weights(self.sets.copy(), self.visits.copy())


def no_features(K: int) -> NDArray[np.float32]:
    """Features that are not used: (0, 1, K)."""
    return np.zeros((0, 1, K), np.float32)


def new_features(K: int) -> NDArray[np.float32]:
    """u (contexts' lengths, rows, K), all zero; what is not touched takes no memory."""
    return np.zeros((RECENT_LENGTH, max(FEATURE_NUMBERS // K, 1), K), np.float32)
