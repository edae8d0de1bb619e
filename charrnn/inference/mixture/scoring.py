"""Nats by the mixture of each character of a text that comes in pieces.

As `charrnn.inference.scoring` reads them: what the mixture learns goes on through all of a text.

A network may read many streams or lines side by side, and a mixture learns from one character
after another. What is read side by side is held until its turn comes, `ROOM` numbers at most.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.data.sources import Ids
from charrnn.inference.beginning import Beginning
from charrnn.inference.mixture.model import MixtureScorer
from charrnn.inference.reader import (
    EVALUATION,
    SCORING,
    Plan,
    Rows,
    Window,
    read,
    read_streams,
    share,
)
from charrnn.nn.network import Network
from charrnn.runtime.workers import WorkerPool

Array = NDArray[Any]
Ints = NDArray[np.int64]
ROOM = 1 << 24  # logits held


@dataclass(frozen=True)
class Block:
    """Logits Z (n, K) of the characters after the inputs at places `at` (n,).

    `row`: of which row, where there are rows; `begins`: whether a sequence begins with it. Z may
    be in memory that the next block uses.
    """

    at: Ints
    Z: Array
    begins: bool
    row: int = 0


class OrderedStream:
    """One text, from a carried state (L, 1, 1, H) on: up to `most` streams at a time."""

    def __init__(self, pool: WorkerPool, state: Array, most: int = 1, plan: Plan = SCORING) -> None:
        self._pool, self._state, self._most, self._plan = pool, state, most, plan
        self._chunk = max(ROOM // pool.network.K, 1)

    def blocks(self, ids: Ids, start: int, stop: int, *, begins: bool) -> Iterator[Block]:
        """Of the inputs start … stop - 1; the state is carried on."""
        for first in range(start, stop, self._chunk):
            for block in self._read(ids, first, min(first + self._chunk, stop)):
                yield Block(block.at, block.Z, begins)
                begins = False

    def _read(self, ids: Ids, start: int, stop: int) -> Iterator[Block]:
        network, plan = self._pool.network, self._plan
        B = plan.streams(stop - start, self._most)
        if B == 1:
            rows = Rows.whole(start, stop)
            for window in read(network, ids, rows, steps=EVALUATION.steps(1), state=self._state):
                yield Block(window.at[:, 0], window.logits()[:, 0], False)
                self._state = window.final_state
            return
        Z = np.empty((stop - start, network.K), network.dtype)

        def take(window: Window) -> None:
            Z[window.at - start] = window.logits()

        self._state = read_streams(self._pool, ids, (start, stop), B, self._state, plan, take)
        yield Block(np.arange(start, stop), Z, False)


def ordered_rows(
    pool: WorkerPool, ids: Ids, rows: Rows, beginning: Beginning | None = None
) -> Iterator[Block]:
    """Of rows that each begin from the state of the beginning, or a zero state, in their order;
    empty ones have no block.
    """
    chunk = max(ROOM // pool.network.K, 1)
    ends = np.cumsum(rows.lengths)
    first = 0
    while first < len(rows):
        before = int(ends[first - 1]) if first else 0
        last = max(int(np.searchsorted(ends, before + chunk, side="right")), first + 1)
        yield from _group(pool, ids, rows[first:last], first, chunk, beginning)
        first = last


def _group(
    pool: WorkerPool, ids: Ids, rows: Rows, number: int, chunk: int, beginning: Beginning | None
) -> Iterator[Block]:
    def initial(B: int) -> Array | None:
        return None if beginning is None else beginning.states(B)

    if len(rows) == 1 and int(rows.lengths[0]) > chunk:
        begins, steps = True, EVALUATION.steps(1)
        for window in read(pool.network, ids, rows, steps=steps, state=initial(1)):
            yield Block(window.at[:, 0], window.logits()[:, 0], begins, number)
            begins = False
        return
    ends = np.cumsum(rows.lengths)
    Z = np.empty((int(ends[-1]), pool.network.K), pool.network.dtype)
    shift = ends - rows.lengths - rows.first  # from a place in the ids to one in Z

    def part(network: Network, own: Rows) -> None:
        of_own = shift[np.searchsorted(rows.first, own.first)]
        steps, state = SCORING.steps(len(own)), initial(len(own))
        for window in read(network, ids, own, steps=steps, state=state):
            Z[(window.at + of_own)[window.mask]] = window.logits()[window.mask]

    filled = np.flatnonzero(rows.lengths > 0)
    for batch in SCORING.batches(rows.lengths[filled]):
        share(pool, rows[filled[batch]], part)
    for row in filled.tolist():
        at = np.arange(rows.first[row], rows.stop[row])
        yield Block(at, Z[ends[row] - len(at) : ends[row]], True, number + row)


Nats = NDArray[np.float64]
STREAMS = 128  # of the network, at most, side by side


class MixedStreamScorer:
    """One text, from its beginning on."""

    def __init__(self, pool: WorkerPool, beginning: Beginning, scorer: MixtureScorer) -> None:
        self._last, self._scorer, self._begun = beginning.id, scorer, False
        self._beginning = beginning
        self._stream = OrderedStream(pool, beginning.state, STREAMS)

    def score(self, ids: NDArray[np.int32]) -> Nats:
        """Nats of each character of the next piece."""
        nats = np.zeros(len(ids))
        if not len(ids):
            return nats
        whole = np.concatenate([[self._last], ids]).astype(np.int32)
        if not self._begun:
            self._scorer.read(self._beginning.context)
            self._begun = True
        for block in self._stream.blocks(whole, 0, len(ids), begins=False):
            nats[block.at] = self._scorer.score(block.Z, whole[block.at + 1])[0][:, 0]
        self._last = int(ids[-1])
        return nats


class MixedSequenceScorer:
    """Each sequence of a piece from its beginning, after a boundary, which also ends it."""

    def __init__(
        self, pool: WorkerPool, boundary: int, beginning: Beginning, scorer: MixtureScorer
    ) -> None:
        self._pool, self._boundary, self._scorer = pool, boundary, scorer
        self._beginning = beginning

    def score(self, ids: NDArray[np.int32]) -> Nats:
        """Nats of each character of the next piece; NaN for those of empty ones."""
        whole: NDArray[Any] = np.concatenate([[self._boundary], ids]).astype(np.int32)
        rows = Rows.sequences(whole, self._boundary)
        nats = np.full(len(whole), np.nan)
        for block in ordered_rows(self._pool, whole, rows, self._beginning):
            if block.begins:
                self._scorer.begin()
                self._scorer.read(np.append(self._beginning.before, whole[block.at[:1]]))
            nats[block.at + 1] = self._scorer.score(block.Z, whole[block.at + 1])[0][:, 0]
        return nats[1:]
