"""Nats by the mixture of each character of a text that comes in pieces.

As `charrnn.inference.scoring` reads them: what the mixture learns goes on through all of a text.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.inference.mixture.model import MixtureScorer
from charrnn.inference.mixture.ordered import OrderedStream, ordered_rows
from charrnn.inference.reader import Rows
from charrnn.runtime.workers import WorkerPool

Ids = NDArray[np.int32]
Nats = NDArray[np.float64]
STREAMS = 128  # of the network, at most, side by side


class MixedStreamScorer:
    """One text, after `start`."""

    def __init__(self, pool: WorkerPool, start: int, scorer: MixtureScorer) -> None:
        self._last, self._scorer, self._begun = start, scorer, False
        self._stream = OrderedStream(pool, pool.network.zero_state(1), STREAMS)

    def score(self, ids: Ids) -> Nats:
        """Nats of each character of the next piece."""
        nats = np.zeros(len(ids))
        if not len(ids):
            return nats
        whole = np.concatenate([[self._last], ids]).astype(np.int32)
        if not self._begun:
            self._scorer.read(whole[:1])
            self._begun = True
        for block in self._stream.blocks(whole, 0, len(ids), begins=False):
            nats[block.at] = self._scorer.score(block.Z, whole[block.at + 1])[0][:, 0]
        self._last = int(ids[-1])
        return nats


class MixedLineScorer:
    """Each line of a piece from a zero state, after the boundary."""

    def __init__(self, pool: WorkerPool, boundary: int, scorer: MixtureScorer) -> None:
        self._pool, self._boundary, self._scorer = pool, boundary, scorer

    def score(self, ids: Ids) -> Nats:
        """Nats of each character of the next piece; NaN for those of empty lines."""
        whole: NDArray[Any] = np.concatenate([[self._boundary], ids]).astype(np.int32)
        at = np.flatnonzero(whole == self._boundary)
        if at[-1] != len(whole) - 1:
            at = np.append(at, len(whole) - 1)
        first, last = at[:-1], at[1:]
        lines = Rows.whole(first, last)[np.flatnonzero(last - first > 1)]
        nats = np.full(len(whole), np.nan)
        for block in ordered_rows(self._pool, whole, lines):
            if block.begins:
                self._scorer.begin()
                self._scorer.read(whole[block.at[:1]])
            nats[block.at + 1] = self._scorer.score(block.Z, whole[block.at + 1])[0][:, 0]
        return nats[1:]
