"""What the loop asks for: spans of text by cursor.

A cursor is all there is to save. Everything random is drawn from (seed, epoch), so a feed made
anew from the same configuration continues from a cursor as if nothing had happened.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from charrnn.bptt import Span


@dataclass(frozen=True)
class Cursor:
    """The next span: `index` of `spans_per_epoch` in `epoch`, both from 0."""

    epoch: int = 0
    index: int = 0


class Feed(ABC):
    """Spans of the training part, epoch after epoch."""

    spans_per_epoch: int
    characters_per_epoch: int
    B: int
    T: int
    longest: int  # steps of the longest span

    @abstractmethod
    def span(self, cursor: Cursor) -> tuple[Span, bool]:
        """The span at the cursor, and whether the state is reset before it."""

    def after(self, cursor: Cursor) -> Cursor:
        if cursor.index + 1 < self.spans_per_epoch:
            return Cursor(cursor.epoch, cursor.index + 1)
        return Cursor(cursor.epoch + 1, 0)

    def epochs_done(self, cursor: Cursor) -> float:
        """Position of the cursor in epochs: 2.5 is in the middle of the third."""
        return cursor.epoch + cursor.index / self.spans_per_epoch


@dataclass(frozen=True)
class Cut:
    """Where a span lies in a sequence: characters start to stop, errors from `first` on."""

    start: int
    stop: int
    first: int
    advance: int


def cuts(length: int, k1: int, k2: int) -> list[Cut]:
    """Spans of a sequence of `length` steps: every k1 characters, at most k2 long.

    Each ends where the errors of its last k1 characters begin to flow back, and begins k2 before,
    or at the sequence's beginning. The last may have fewer errors of its own.
    """
    ends = [*range(k1, length, k1), length]
    starts = [max(end - k2, 0) for end in ends]
    return [
        Cut(start, end, index * k1 - start, following - start)
        for index, (start, end, following) in enumerate(
            zip(starts, ends, [*starts[1:], length], strict=True)
        )
    ]
