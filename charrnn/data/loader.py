"""Data loaders: the batch at a cursor, and the cursor after it.

The cursor is all the state of a loader. What is random depends on (seed, epoch) alone, so a new
loader of the same configuration continues at a saved cursor exactly.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

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
        B: streams, or lines, side by side, at most.
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
