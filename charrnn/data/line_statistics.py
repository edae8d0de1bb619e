"""Lines of a text that comes in chunks: how many, how long, and which repeat an earlier one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LONGEST_COMPARED = 1 << 16  # characters; longer lines are not looked for again
_BLANK = np.array([hash(""), hash("\r")])
_CR = 13


class LineCounter:
    """Counts lines that "\\n" ends; a carriage return before it is no part of a line's length.

    Lines are compared by 64-bit hashes, 8 bytes a distinct line.
    """

    def __init__(self) -> None:
        self.ended = 0
        self.open = 0  # characters of the line that has not ended yet
        self.blank = 0
        self.longest, self.longest_at = 0, 0
        self.compared = 0
        self._distinct = np.empty(0, np.int64)
        self._new, self._waiting = list[NDArray[np.int64]](), 0
        self._tail = ""
        self._tail_is_long = False
        self._last_is_cr = False

    def take(self, text: str, points: NDArray[np.integer], ends: NDArray[np.int64]) -> None:
        """The next chunk, its code points, and where in it the line feeds are."""
        if len(ends):
            lengths = np.diff(ends, prepend=-1) - 1
            lengths[0] += self.open
            lengths[1:] -= points[ends[1:] - 1] == _CR
            lengths[0] -= points[ends[0] - 1] == _CR if ends[0] else self._last_is_cr
            self._measure(lengths)
            self.open = len(points) - int(ends[-1]) - 1
        else:
            self.open += len(points)
        self._last_is_cr = bool(points[-1] == _CR)
        self._compare(text)

    def _measure(self, lengths: NDArray[np.int64]) -> None:
        at = int(np.argmax(lengths))
        if lengths[at] > self.longest:
            self.longest, self.longest_at = int(lengths[at]), self.ended + at + 1
        self.ended += len(lengths)
        self.blank += int((lengths == 0).sum())

    def _compare(self, text: str) -> None:
        pieces = (self._tail + text).split("\n")
        if self._tail_is_long and len(pieces) > 1:
            del pieces[0]
            self._tail_is_long = False
        self._tail = "" if self._tail_is_long else pieces.pop()
        if self._tail_is_long:
            return
        if len(self._tail) > LONGEST_COMPARED:
            self._tail, self._tail_is_long = "", True
        self._remember(pieces)

    def _remember(self, lines: list[str]) -> None:
        if self.longest > LONGEST_COMPARED:
            lines = [line for line in lines if len(line) <= LONGEST_COMPARED]
        hashes = np.fromiter(map(hash, lines), np.int64, len(lines))
        hashes = hashes[(hashes != _BLANK[0]) & (hashes != _BLANK[1])]
        self.compared += len(hashes)
        self._keep(hashes)

    def _keep(self, hashes: NDArray[np.int64]) -> None:
        self._new.append(hashes)
        self._waiting += len(hashes)
        if self._waiting > max(len(self._distinct), 1 << 16):
            self._merge()

    def _merge(self) -> None:
        self._distinct = np.unique(np.concatenate([self._distinct, *self._new]))
        self._new, self._waiting = [], 0

    def finish(self) -> None:
        """The text has ended: a last line without line end is one too."""
        if self.open:
            self._measure(np.array([self.open - self._last_is_cr]))
            self._remember([] if self._tail_is_long else [self._tail])
        self.open, self._tail, self._tail_is_long = 0, "", False

    @property
    def duplicates(self) -> int:
        """Lines, not blank, that repeat an earlier one."""
        self._merge()
        return self.compared - len(self._distinct)

    def add(self, other: LineCounter) -> None:
        """The lines of another text, after these; both finished."""
        if other.longest > self.longest:
            self.longest, self.longest_at = other.longest, other.longest_at
        self.ended += other.ended
        self.blank += other.blank
        self.compared += other.compared
        for hashes in (other._distinct, *other._new):
            self._keep(hashes)


def repeated_share(text: str) -> tuple[float, int]:
    """The share of a text's lines, blank ones apart, that repeat an earlier one; and how many lines
    that is a share of.
    """
    counter = LineCounter()
    counter._remember(text.split("\n"))
    return counter.duplicates / max(counter.compared, 1), counter.compared
