"""Sequences, such as lines or records: each between boundary symbols, the state reset.

Each epoch sorts them by length, in random order where lengths are equal, and groups
neighbours, so that little is padded; the groups are then shuffled. A group of long ones takes
several batches. The lengths are the same in every epoch, and so is the number of batches.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from charrnn.data.loader import ALL, BatchBounds, Cursor, DataLoader, EpochBounds
from charrnn.data.sources import Ids
from charrnn.nn.bptt import Batch

ORDER = 2  # this purpose of the seed


class SequenceLoader(DataLoader):
    """Batches (T, B) of sequences: `rows` are (start, stop) into ids, boundary symbols included.

    `k1` and `k2` are None for full BPTT: a batch then holds whole ones.
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
        self.group_lengths = [
            int(lengths[min(start + self.B, len(lengths)) - 1])
            for start in range(0, len(lengths), self.B)
        ]
        self.T = max(self.group_lengths) if k1 is None else min(k1, max(self.group_lengths))
        self.padding = 1 - self.characters_per_epoch / self._padded_size()
        self.batches_per_epoch = sum(
            len(self._epoch_bounds(length)) for length in self.group_lengths
        )
        self.longest = self._epoch_bounds(max(self.group_lengths)).longest
        self._plan = lru_cache(maxsize=2)(self._make_plan)
        self._at = lru_cache(maxsize=1)(self._find)  # an update asks several times

    def _padded_size(self) -> int:
        sizes = [self.B] * len(self.group_lengths)
        sizes[-1] = len(self._rows) - self.B * (len(sizes) - 1)
        return sum(n * length for n, length in zip(sizes, self.group_lengths, strict=True))

    def _epoch_bounds(self, length: int) -> EpochBounds:
        k1 = length if self._k1 is None else self._k1
        k2 = length if self._k2 is None else self._k2
        return EpochBounds(length, k1, max(k1, k2))

    def _make_plan(
        self, epoch: int
    ) -> tuple[list[NDArray[np.int64]], list[EpochBounds], NDArray[np.int64]]:
        """The epoch's groups in order, their bounds, and the batches before each."""
        rng = np.random.default_rng([ORDER, self._seed, epoch])
        lengths = self._rows[:, 1] - self._rows[:, 0]
        order = np.lexsort((rng.random(len(lengths)), lengths))
        groups = [order[start : start + self.B] for start in range(0, len(order), self.B)]
        shuffled = rng.permutation(len(groups))
        bounds = [self._epoch_bounds(self.group_lengths[index]) for index in shuffled]
        before = np.cumsum([0, *map(len, bounds[:-1])])
        return [groups[index] for index in shuffled], bounds, before

    def _find(self, cursor: Cursor) -> tuple[NDArray[np.int64], BatchBounds]:
        """The sequences at the cursor, rows of ids, and their bounds."""
        groups, bounds, before = self._plan(cursor.epoch)
        at = int(np.searchsorted(before, cursor.index, side="right")) - 1
        return self._rows[groups[at]], bounds[at][cursor.index - int(before[at])]

    def size(self, cursor: Cursor) -> tuple[int, int]:
        rows, bounds = self._at(cursor)
        steps = np.minimum(rows[:, 1] - rows[:, 0] - 1, bounds.stop)
        steps -= bounds.start + bounds.first
        return len(rows), int(np.maximum(steps, 0, out=steps).sum())

    def batch(self, cursor: Cursor, own: slice = ALL) -> tuple[Batch, bool]:
        rows, bounds = self._at(cursor)
        x, y, mask = pad(self._ids, rows[own], bounds.start, bounds.stop)
        batch = Batch(x, y, bounds.first, bounds.advance, mask)
        return batch, bounds.start == 0 and bounds.first == 0


def pad(
    ids: Ids, rows: NDArray[np.int64], start: int = 0, stop: int | None = None
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_] | None]:
    """Steps start to stop of sequences side by side: x, y (T, B) and the mask, if any.

    Where the shorter ones have ended the id is 0.
    """
    lengths = rows[:, 1] - rows[:, 0] - 1
    steps = np.arange(start, int(lengths.max()) if stop is None else stop)[:, None]
    mask, at = steps < lengths, rows[:, 0] + steps
    if mask.all():
        return ids[at], ids[at + 1], None
    at *= mask
    return np.where(mask, ids[at], 0), np.where(mask, ids[at + 1], 0), mask
