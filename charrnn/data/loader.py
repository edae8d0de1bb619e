"""What the loop asks for: spans of text by cursor.

A cursor is all there is to save. Everything random is drawn from (seed, epoch), so a feed made
anew from the same configuration continues from a cursor as if nothing had happened.
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
    """The next span: `index` of `spans_per_epoch` in `epoch`, both from 0."""

    epoch: int = 0
    index: int = 0


class DataLoader(ABC):
    """Spans of the training part, epoch after epoch."""

    batches_per_epoch: int
    characters_per_epoch: int
    B: int
    T: int
    longest: int  # steps of the longest span

    @abstractmethod
    def batch(self, cursor: Cursor, own: slice = ALL) -> tuple[Batch, bool]:
        """The span at the cursor, of all streams or `own`, and whether the state is reset first."""

    @abstractmethod
    def size(self, cursor: Cursor) -> tuple[int, int]:
        """The streams of the span at the cursor, and its characters that have an error."""

    def after(self, cursor: Cursor) -> Cursor:
        if cursor.index + 1 < self.batches_per_epoch:
            return Cursor(cursor.epoch, cursor.index + 1)
        return Cursor(cursor.epoch + 1, 0)

    def epochs_done(self, cursor: Cursor) -> float:
        """Position of the cursor in epochs: 2.5 is in the middle of the third."""
        return cursor.epoch + cursor.index / self.batches_per_epoch


@dataclass(frozen=True)
class BatchBounds:
    """Where a span lies in a sequence: characters start to stop, errors from `first` on."""

    start: int
    stop: int
    first: int
    advance: int


class EpochBounds(Sequence[BatchBounds]):
    """Spans of a sequence of `length` steps: every k1 characters, at most k2 long.

    Each ends where the errors of its last k1 characters begin to flow back, and begins k2 before,
    or at the sequence's beginning. The last may have fewer errors of its own. Each is computed
    when it is asked for: a long text has millions.
    """

    def __init__(self, length: int, k1: int, k2: int) -> None:
        self._length, self._k1, self._k2 = length, k1, k2

    @property
    def longest(self) -> int:
        """Steps of the longest."""
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
