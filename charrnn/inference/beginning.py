"""What every text begins after: a state, and what the n-gram of a mixture has read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.network import Network

Array = NDArray[Any]
Ids = NDArray[np.int32]


@dataclass(frozen=True)
class Beginning:
    """What every text begins after.

    `state` (L, n, 1, H): before `id`, which is read first. `before`: ids that were read before it,
    for the context of an n-gram. `line_ends`: how many of their last ones, and `id`, are LF or CR.
    """

    state: Array
    id: int
    before: Ids = field(default_factory=lambda: np.zeros(0, np.int32))
    line_ends: int = 0

    @property
    def context(self) -> Ids:
        """`before` and `id`."""
        return np.append(self.before, self.id).astype(np.int32)

    @property
    def is_zero(self) -> bool:
        """Whether the state is the one of zeros."""
        return not self.state.any()

    def states(self, B: int) -> Array:
        """The state (L, n, B, H) for B texts."""
        return np.repeat(self.state, B, axis=2)


def zero_beginning(network: Network, first: int) -> Beginning:
    """From zeros, after `first`."""
    return Beginning(network.zero_state(1), first)
