"""How sure a mean over a text is: the block bootstrap (Künsch 1989), of blocks side by side.

Characters next to each other are surprising together, so that whole blocks are drawn again, with
replacement, and not characters. In lines mode the blocks are lines.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZE = 500  # characters of a block
RESAMPLES = 1000
LEVEL = 0.95
MOST = 10_000  # blocks beyond which neighbours are put together
BOOTSTRAP = 7  # names this use of a seed
_DRAWN = 1 << 21  # blocks drawn at a time

Floats = NDArray[np.float64]


class Blocks:
    """Sums of nats and numbers of characters of the blocks of a part."""

    def __init__(self) -> None:
        self._nats: Floats = np.zeros(0)
        self._chars: Floats = np.zeros(0)

    def add(self, blocks: NDArray[np.int64], E: NDArray[Any], mask: NDArray[np.bool_]) -> None:
        """Nats E (T, B) where the mask is true, to blocks (T, B) or (B,)."""
        at = np.broadcast_to(blocks, mask.shape)[mask]
        if not len(at):
            return
        first, n = int(at.min()), int(at.max()) + 1
        if n > len(self._nats):
            more = max(n, 2 * len(self._nats)) - len(self._nats)
            self._nats, self._chars = (np.pad(a, (0, more)) for a in (self._nats, self._chars))
        self._nats[first:n] += np.bincount(at - first, E[mask])
        self._chars[first:n] += np.bincount(at - first)

    def interval(self) -> tuple[float, float] | None:
        """Nats per character between which 95 % of resampled means lie; None for one block."""
        used = self._chars > 0
        nats, chars = _merged(self._nats[used]), _merged(self._chars[used])
        n = len(nats)
        if n < 2:
            return None
        rng = np.random.default_rng(BOOTSTRAP)
        means: list[Floats] = []
        for start in range(0, RESAMPLES, step := max(_DRAWN // n, 1)):
            drawn = rng.integers(0, n, (min(step, RESAMPLES - start), n))
            means.append(nats[drawn].sum(axis=1) / chars[drawn].sum(axis=1))
        low, high = np.quantile(np.concatenate(means), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return float(low), float(high)


def _merged(sums: Floats) -> Floats:
    """At most `MOST` sums: of neighbours, where there are more."""
    size = -(-len(sums) // MOST)
    return np.add.reduceat(sums, np.arange(0, len(sums), size)) if size > 1 else sums
