"""Lines mode: each line a sequence of its own, between boundary symbols, the state reset.

Each epoch sorts the lines by length, in random order where lengths are equal, and cuts batches
of neighbours, so that little is padded; the batches are then shuffled. Lengths of batches are
the same in every epoch, and so is the number of spans.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from charrnn.data.loader import ALL, BatchBounds, Cursor, DataLoader, EpochBounds
from charrnn.data.sources import Ids
from charrnn.nn.bptt import Batch

ORDER = 2  # names this use of the seed


class LineLoader(DataLoader):
    """Spans (T, B) over lines: `rows` are (start, stop) into ids, boundary symbols included.

    `k1` and `k2` are None for full BPTT: a span is then a whole batch of lines.
    """

    def __init__(
        self,
        ids: Ids,
        rows: NDArray[np.int64],
        B: int,
        k1: int | None,
        k2: int | None,
        seed: int,
    ) -> None:
        self._ids, self._rows, self._seed = ids, rows, seed
        self._k1, self._k2 = k1, k2
        self.B = min(B, len(rows))
        lengths = np.sort(rows[:, 1] - rows[:, 0]) - 1
        self.characters_per_epoch = int(lengths.sum())
        self.batch_lengths = [
            int(lengths[min(start + self.B, len(lengths)) - 1])
            for start in range(0, len(lengths), self.B)
        ]
        self.T = max(self.batch_lengths) if k1 is None else min(k1, max(self.batch_lengths))
        self.padding = 1 - self.characters_per_epoch / self._padded_size()
        self.batches_per_epoch = sum(len(self._cuts(length)) for length in self.batch_lengths)
        self.longest = self._cuts(max(self.batch_lengths)).longest
        self._plan = lru_cache(maxsize=2)(self._make_plan)

    def _padded_size(self) -> int:
        sizes = [self.B] * len(self.batch_lengths)
        sizes[-1] = len(self._rows) - self.B * (len(sizes) - 1)
        return sum(n * length for n, length in zip(sizes, self.batch_lengths, strict=True))

    def _cuts(self, length: int) -> EpochBounds:
        k1 = length if self._k1 is None else self._k1
        k2 = length if self._k2 is None else self._k2
        return EpochBounds(length, k1, max(k1, k2))

    def _make_plan(
        self, epoch: int
    ) -> tuple[list[NDArray[np.int64]], list[EpochBounds], NDArray[np.int64]]:
        """The epoch's batches of lines in order, their cuts, and the spans before each."""
        rng = np.random.default_rng([ORDER, self._seed, epoch])
        lengths = self._rows[:, 1] - self._rows[:, 0]
        order = np.lexsort((rng.random(len(lengths)), lengths))
        batches = [order[start : start + self.B] for start in range(0, len(order), self.B)]
        shuffled = rng.permutation(len(batches))
        spans = [self._cuts(self.batch_lengths[index]) for index in shuffled]
        before = np.cumsum([0, *map(len, spans[:-1])])
        return [batches[index] for index in shuffled], spans, before

    def _at(self, cursor: Cursor) -> tuple[NDArray[np.int64], BatchBounds]:
        """The lines at the cursor, rows of ids, and their cut."""
        batches, spans, before = self._plan(cursor.epoch)
        at = int(np.searchsorted(before, cursor.index, side="right")) - 1
        return self._rows[batches[at]], spans[at][cursor.index - int(before[at])]

    def size(self, cursor: Cursor) -> tuple[int, int]:
        rows, cut = self._at(cursor)
        steps = np.minimum(rows[:, 1] - rows[:, 0] - 1, cut.stop) - cut.start - cut.first
        return len(rows), int(np.maximum(steps, 0).sum())

    def batch(self, cursor: Cursor, own: slice = ALL) -> tuple[Batch, bool]:
        rows, cut = self._at(cursor)
        x, y, mask = pad(self._ids, rows[own], cut.start, cut.stop)
        batch = Batch(x, y, cut.first, cut.advance, mask)
        return batch, cut.start == 0 and cut.first == 0


def pad(
    ids: Ids, rows: NDArray[np.int64], start: int = 0, stop: int | None = None
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_]]:
    """Steps start to stop of lines side by side: x, y (T, B) and the mask.

    Where the shorter ones have ended the id is 0.
    """
    lengths = rows[:, 1] - rows[:, 0] - 1
    steps = np.arange(start, int(lengths.max()) if stop is None else stop)[:, None]
    mask = steps < lengths
    at = np.where(mask, rows[:, 0] + steps, 0)
    return np.where(mask, ids[at], 0), np.where(mask, ids[at + 1], 0), mask
