"""Stream mode: one text as B contiguous streams, read side by side.

The text is cut into B streams of equal length; each epoch shifts all of them by an offset of its
own, so that windows do not always begin at the same places. Within an epoch the state is carried.
"""

from __future__ import annotations

import numpy as np

from charrnn.data.loader import ALL, Cursor, DataLoader, EpochBounds
from charrnn.data.sources import Ids
from charrnn.nn.bptt import Batch

OFFSETS = 1  # this purpose of the seed


class StreamLoader(DataLoader):
    """Batches (T, B) of a text of ids (N,).

    `k1` and `k2` are None for full BPTT: a batch then holds whole streams. A text shorter than
    B·k1 gets fewer streams, then shorter windows: see `B` and `T`.
    """

    def __init__(self, ids: Ids, B: int, k1: int | None, k2: int | None, seed: int) -> None:
        N = len(ids) - 1
        self._ids, self._seed = ids, seed
        self._last_offset = (-1, 0)  # an epoch, and its offset
        window = 1 if k1 is None else k1
        self.B = max(min(B, N // window), 1)
        self.T = N // self.B if k1 is None else min(k1, N // self.B)
        # Whole windows, with at least one window's worth of room for the offset where there is.
        windows = max((N - self.T + 1) // (self.B * self.T), 1)
        self._length = windows * self.T
        self._slack = N - self.B * self._length
        back = self.T if k1 is None or k2 is None else max(min(k2, self._length), self.T)
        self._epoch_bounds = EpochBounds(self._length, self.T, back)
        self.batches_per_epoch = len(self._epoch_bounds)
        self.longest = self._epoch_bounds.longest
        self.characters_per_epoch = self.B * self._length

    def offset(self, epoch: int) -> int:
        """How far the streams are shifted in an epoch."""
        if epoch != self._last_offset[0]:
            rng = np.random.default_rng([OFFSETS, self._seed, epoch])
            self._last_offset = epoch, int(rng.integers(self._slack + 1))
        return self._last_offset[1]

    def size(self, cursor: Cursor) -> tuple[int, int]:
        bounds = self._epoch_bounds[cursor.index]
        return self.B, self.B * (bounds.stop - bounds.start - bounds.first)

    def batch(self, cursor: Cursor, own: slice = ALL) -> tuple[Batch, bool]:
        bounds = self._epoch_bounds[cursor.index]
        offset = self.offset(cursor.epoch)
        # Row t, column b is character b·length + t.
        starts = offset + self._length * np.arange(self.B)[own]
        window = self._ids[starts + np.arange(bounds.start, bounds.stop + 1)[:, None]]
        batch = Batch(window[:-1], window[1:], first=bounds.first, advance=bounds.advance)
        return batch, cursor.index == 0
