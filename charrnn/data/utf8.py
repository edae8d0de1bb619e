"""Bytes as text. A text of unit "byte" is a str of U+0000 to U+00FF, one for each byte.

Shown or returned it is decoded as UTF-8, with U+FFFD for every byte that belongs to no character.
A character is one to four bytes; what may follow what is a table of phases, 0 between characters.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from charrnn.data.corpus import Corpus, Part
from charrnn.data.vocabulary import UNKNOWN, Unit, Vocabulary, code_points

LONGEST = 4  # bytes of a character
_LONE = re.compile("[\udc80-\udcff]")
_CONTINUED = (0x80, 0xBF)
# From each phase: a range of bytes, and the phase after. E0, ED, F0 and F4 leave out what would be
# written too long, is a surrogate, or is above U+10FFFF (The Unicode Standard, table 3-7).
_RANGES = (
    ((0x00, 0x7F, 0), (0xC2, 0xDF, 1), (0xE0, 0xE0, 4), (0xE1, 0xEC, 2), (0xED, 0xED, 5),
     (0xEE, 0xEF, 2), (0xF0, 0xF0, 6), (0xF1, 0xF3, 3), (0xF4, 0xF4, 7)),
    ((*_CONTINUED, 0),),
    ((*_CONTINUED, 1),),
    ((*_CONTINUED, 2),),
    ((0xA0, 0xBF, 1),),
    ((0x80, 0x9F, 1),),
    ((0x90, 0xBF, 2),),
    ((0x80, 0x8F, 2),),
)  # fmt: skip
PHASES = len(_RANGES)


def _table() -> NDArray[np.int8]:
    table = np.full((PHASES, 257), -1, np.int8)
    table[0, 256] = 0
    for phase, ranges in enumerate(_RANGES):
        for first, last, after in ranges:
            table[phase, first : last + 1] = after
    return table


# (PHASES, 257): the phase after a byte, -1 where it cannot stand; and, last, after a symbol that
# is no byte but ends a record.
AFTER = _table()


def phase_of(phase: int, symbol: str) -> int:
    """The phase after a symbol, -1 where it cannot stand."""
    return int(AFTER[phase, min(ord(symbol), 256)])


def as_text(symbols: str, unit: Unit) -> str:
    """A text of a vocabulary's symbols as it is shown."""
    return symbols if unit == "char" else _LONE.sub(UNKNOWN, _decoded(symbols))


def bytes_of_characters(symbols: str) -> NDArray[np.int64]:
    """How many bytes each character has of `as_text` of a text of bytes."""
    points = code_points(_decoded(symbols))
    lengths = 1 + (points > 0x7F) + (points > 0x7FF) + (points > 0xFFFF).astype(np.int64)
    lengths[(points >= 0xDC80) & (points <= 0xDCFF)] = 1  # a byte that is part of no character
    return lengths


def _decoded(symbols: str) -> str:
    # What is no byte, the end of a record, is shown as one all the same.
    return symbols.encode("latin-1", "replace").decode("utf-8", "surrogateescape")


def phase_after(symbols: str) -> int:
    """Where a text of bytes ends: 0 between characters, also after bytes of none."""
    return _end(symbols)[1]


def unfinished(symbols: str) -> int:
    """How many bytes at the end of a text begin a character that is not complete."""
    return _end(symbols)[0]


def _end(symbols: str) -> tuple[int, int]:
    for k in range(min(LONGEST - 1, len(symbols)), 0, -1):
        phase = 0
        for symbol in symbols[-k:]:
            phase = phase_of(phase, symbol) if phase >= 0 else -1
            if phase == 0:
                phase = -1  # a character ends before the text does
        if phase > 0:
            return k, phase
    return 0, 0


def transitions(vocabulary: Vocabulary) -> NDArray[np.int8]:
    """`AFTER` for the ids of a vocabulary of bytes, (PHASES, K)."""
    return np.ascontiguousarray(AFTER[:, [min(ord(symbol), 256) for symbol in vocabulary.symbols]])


def tolerant(after: NDArray[np.int8]) -> NDArray[np.int8]:
    """The same where anything may follow: what cannot, begins a character or is none."""
    return np.where(after < 0, np.maximum(after[0], 0), after).astype(np.int8)


def able(after: NDArray[np.int8], allowed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which allowed ids may follow in each phase so that the character can be completed."""
    found = np.zeros(after.shape, np.bool_)
    while True:
        completes = np.append(True, found[1:].any(axis=1))
        new = allowed & (after >= 0) & completes[after]
        if (new == found).all():
            return found
        found = new


def characters_of_text(corpus: Corpus, part: Part) -> int:
    """How many characters begin in what is predicted of a part: bytes that continue none."""
    if corpus.vocabulary.unit == "char":
        return corpus.characters(part)
    points = code_points("".join(corpus.vocabulary.symbols))
    begins = (points < _CONTINUED[0]) | (points > _CONTINUED[1])
    return sum(
        int(begins[np.asarray(corpus.ids[first + 1 : stop + 1])].sum())
        for first, stop in corpus.predicting(part)
    )


class WholeCharacters:
    """A text of bytes that comes in pieces and ends at `length`, or where the character there does.

    `ended`: that was reached. What follows the end is needed to know it: up to three bytes.
    """

    def __init__(self, length: int) -> None:
        self._left, self._tail = length, ""
        self._phase = 0
        self.ended = length == 0

    def feed(self, piece: str) -> str:
        """What the text has of the next piece; the bytes after its length are held until sure."""
        own, rest = piece[: self._left], piece[self._left :]
        self._tail = (self._tail + own)[-LONGEST + 1 :]
        self._left -= len(own)
        if self._left or self.ended:
            return "" if self.ended else own
        if not self._phase:
            self._phase, self._tail = phase_after(self._tail), ""
        if not self._phase:
            self.ended = True
            return own
        return own + self._completed(rest)

    def _completed(self, rest: str) -> str:
        for byte in rest:
            self._phase = phase_of(self._phase, byte)
            self._tail += byte
            if self._phase <= 0:
                self.ended = True
                return self._tail if self._phase == 0 else ""
        return ""
