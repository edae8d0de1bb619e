"""Data loaders: the batch at a cursor, and the cursor after it.

The cursor is all the state of a loader. What is random depends on (seed, epoch) alone, so a new
loader of the same configuration continues at a saved cursor exactly.

A stream is cut into B streams of equal length; each epoch shifts all of them by an
offset of its own, so that windows do not always begin at the same places. Within an epoch the state
is carried.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from charrnn.data.sources import Ids
from charrnn.nn.bptt import Batch

ALL = slice(None)


@dataclass(frozen=True)
class Cursor:
    """The next batch: `index` of `batches_per_epoch` in `epoch`, both from 0."""

    epoch: int = 0
    index: int = 0


class DataLoader(ABC):
    """Batches of the training part, epoch after epoch.

    Attributes:
        batches_per_epoch: their number, the same in every epoch.
        characters_per_epoch: predicted characters of an epoch.
        B: streams, or sequences, side by side, at most.
        T: characters of a window, at most.
        longest: steps of the longest batch, context included.
    """

    batches_per_epoch: int
    characters_per_epoch: int
    B: int
    T: int
    longest: int

    @abstractmethod
    def batch(self, cursor: Cursor, own: slice = ALL) -> tuple[Batch, bool]:
        """The batch at the cursor, of all streams or `own`, and whether the state is reset."""

    @abstractmethod
    def size(self, cursor: Cursor) -> tuple[int, int]:
        """The streams of the batch at the cursor, and the characters whose loss it has."""

    def after(self, cursor: Cursor) -> Cursor:
        """The cursor of the following batch, in the next epoch after an epoch's last."""
        if cursor.index + 1 < self.batches_per_epoch:
            return Cursor(cursor.epoch, cursor.index + 1)
        return Cursor(cursor.epoch + 1, 0)

    def epochs_done(self, cursor: Cursor) -> float:
        """Position of the cursor in epochs: 2.5 is in the middle of the third."""
        return cursor.epoch + cursor.index / self.batches_per_epoch


@dataclass(frozen=True)
class BatchBounds:
    """Where a batch lies in a sequence.

    Characters `start` to `stop`; the loss counts from step `first` on; the state after `advance`
    steps is the initial state of the next batch.
    """

    start: int
    stop: int
    first: int
    advance: int


class EpochBounds(Sequence[BatchBounds]):
    """The bounds of the batches of a sequence of `length` steps, one every k1 characters.

    A batch has the losses of k1 characters, the last batch maybe fewer, and begins k2 characters
    before its end, or at the sequence's beginning: as far as gradients go back. Bounds are computed
    when they are asked for, since a long text has millions.
    """

    def __init__(self, length: int, k1: int, k2: int) -> None:
        self._length, self._k1, self._k2 = length, k1, k2

    @property
    def longest(self) -> int:
        """Steps of the longest batch."""
        return min(self._k2, self._length)

    def __len__(self) -> int:
        return max(-(-self._length // self._k1), 1)

    @overload
    def __getitem__(self, index: int) -> BatchBounds: ...

    @overload
    def __getitem__(self, index: slice) -> list[BatchBounds]: ...

    def __getitem__(self, index: int | slice) -> BatchBounds | list[BatchBounds]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        start, stop = self._bounds(index)
        following = self._bounds(index + 1)[0] if index + 1 < len(self) else self._length
        return BatchBounds(start, stop, index * self._k1 - start, following - start)

    def _bounds(self, index: int) -> tuple[int, int]:
        stop = min((index + 1) * self._k1, self._length)
        return max(stop - self._k2, 0), stop


OFFSETS = 1  # this purpose of the seed
# Characters after a cut that are read and not learned: so many, or a tenth of a short stretch.
WARMUP, WARMUP_SHARE = 512, 10


class StreamLoader(DataLoader):
    """Batches (T, B) of a text of ids (N,).

    `k1` and `k2` are None for full BPTT: a batch then holds whole streams. A text shorter than
    B·k1 gets fewer streams, then shorter windows: see `B` and `T`.

    `rows` (n, 2): stretches of the ids, read one after another, where it is not all of them.
    """

    def __init__(
        self, ids: Ids, B: int, k1: int | None, k2: int | None, seed: int,
        rows: NDArray[np.int64] | None = None,
    ) -> None:  # fmt: skip
        self._ids, self._seed = ids, seed
        self._stretches = Stretches(np.array([[0, len(ids)]]) if rows is None else rows)
        N = len(self._stretches) - 1
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
        mask = self._mask(cursor, bounds)
        if mask is not None:
            return self.B, int(np.count_nonzero(mask[bounds.first :]))
        return self.B, self.B * (bounds.stop - bounds.start - bounds.first)

    def batch(self, cursor: Cursor, own: slice = ALL) -> tuple[Batch, bool]:
        bounds = self._epoch_bounds[cursor.index]
        window = self._ids[self._stretches.at(self._places(cursor, bounds)[:, own])]
        mask = self._mask(cursor, bounds)
        batch = Batch(
            window[:-1], window[1:], first=bounds.first, advance=bounds.advance,
            mask=None if mask is None else mask[:, own],
        )  # fmt: skip
        return batch, cursor.index == 0

    def _places(self, cursor: Cursor, bounds: BatchBounds) -> NDArray[np.int64]:
        """Of inputs, and of the last target: row t, column b is character b·length + t."""
        starts = self.offset(cursor.epoch) + self._length * np.arange(self.B)
        return starts + np.arange(bounds.start, bounds.stop + 1)[:, None]

    def _mask(self, cursor: Cursor, bounds: BatchBounds) -> NDArray[np.bool_] | None:
        """Which targets count; None for all, also where none would be left."""
        if self._stretches.is_one:
            return None
        mask = self._stretches.known(self._places(cursor, bounds)[1:])
        return mask if mask[bounds.first :].any() and not mask.all() else None


class Stretches:
    """Rows (start, stop) of ids as one text: `len` of it, and where its characters are.

    After each cut some characters only warm the state up, which comes from elsewhere.
    """

    def __init__(self, rows: NDArray[np.int64]) -> None:
        lengths = rows[:, 1] - rows[:, 0]
        self._stops = np.cumsum(lengths)
        self._starts = self._stops - lengths
        self._shift = rows[:, 0] - self._starts
        self._warm = np.minimum(WARMUP, lengths // WARMUP_SHARE)
        self._warm[0] = 0
        self.is_one = len(rows) == 1

    def __len__(self) -> int:
        return int(self._stops[-1])

    def at(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Positions in the ids."""
        if self.is_one:
            return places + self._shift[0]
        return places + self._shift[self._of(places)]

    def known(self, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether enough of their own stretch stands before them."""
        stretch = self._of(places)
        return places - self._starts[stretch] >= self._warm[stretch]

    def _of(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.searchsorted(self._stops, places, side="right")
