"""K symbols and their ids: Unicode code points, or bytes.

A text of unit "byte" is held as a str of the characters U+0000 to U+00FF, one a byte (Latin-1),
so that every text is a str and both units share this code.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import DataError

Unit = Literal["char", "byte"]
OnUnknown = Literal["error", "skip", "map"]
CHUNK = 1 << 20  # characters turned into code points at a time

# Look-alikes tried, in this order, by on_unknown: map.
LOOK_ALIKES = {
    "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-",
    "\u2026": ".", "\u00a0": " ", "\t": " ", "\r": "\n",
}  # fmt: skip


class Vocabulary:
    """The symbols of a model, in the order of their ids."""

    def __init__(self, symbols: Iterable[str], unit: Unit = "char") -> None:
        self.symbols = tuple(symbols)
        self.unit: Unit = unit
        if not self.symbols:
            raise DataError("a vocabulary needs at least one symbol")
        if any(len(symbol) != 1 for symbol in self.symbols):
            raise DataError("a symbol of the vocabulary is not one character")
        if len(set(self.symbols)) != len(self.symbols):
            raise DataError("a symbol stands twice in the vocabulary")
        self._id = {symbol: index for index, symbol in enumerate(self.symbols)}
        points = code_points("".join(self.symbols))
        self._table = np.full(int(points.max()) + 2, -1, np.int32)
        self._table[points] = np.arange(len(points), dtype=np.int32)

    @classmethod
    def of(cls, text: str, unit: Unit = "char") -> Vocabulary:
        """The distinct symbols of `text`, in code point order."""
        return cls(distinct(text), unit)

    def extended(self, text: str) -> Vocabulary:
        """This vocabulary with the new symbols of `text` at its end; old ids stay."""
        added = [symbol for symbol in distinct(text) if symbol not in self._id]
        return Vocabulary((*self.symbols, *added), self.unit) if added else self

    @property
    def K(self) -> int:
        return len(self.symbols)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._id

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, Vocabulary):
            return NotImplemented
        return self.symbols == other.symbols and self.unit == other.unit

    def __hash__(self) -> int:
        return hash((self.symbols, self.unit))

    def id(self, symbol: str) -> int:
        """The id of a symbol. Raises KeyError for one it lacks."""
        return self._id[symbol]

    def encode(
        self,
        text: str,
        on_unknown: OnUnknown = "error",
        where: str = "text",
        setting: str = "data.on_unknown",
    ) -> NDArray[np.int32]:
        """Ids (N,) of a text. Unknown ones: DataError, left out, or mapped to a look-alike."""
        ids = np.empty(len(text), np.int32)
        for start in range(0, len(text), CHUNK):
            points = code_points(text[start : start + CHUNK])
            np.minimum(points, len(self._table) - 1, out=points)
            np.take(self._table, points, out=ids[start : start + len(points)])
        unknown = np.flatnonzero(ids < 0)
        if not len(unknown):
            return ids
        if on_unknown == "skip":
            return np.delete(ids, unknown)
        points = code_points("".join([text[index] for index in unknown]))
        if on_unknown == "map":
            for point in np.unique(points):
                ids[unknown[points == point]] = self._id[self.look_alike(chr(point))]
            return ids
        raise LackingError(np.unique(points), int(unknown[0]), where, setting)

    def table(self) -> NDArray[np.int32]:
        """The id of every code point, -1 for those it lacks."""
        whole = np.full(sys.maxunicode + 1, -1, np.int32)
        whole[: len(self._table) - 1] = self._table[:-1]
        return whole

    def decode(self, ids: Iterable[int]) -> str:
        return "".join([self.symbols[index] for index in ids])

    def look_alike(self, symbol: str) -> str:
        """The known symbol nearest to an unknown one: punctuation, base letter, other case.

        Where there is none: the replacement character, a space, or the first symbol.
        """
        plain = unicodedata.normalize("NFKD", symbol)[:1]
        for candidate in (LOOK_ALIKES.get(symbol, ""), plain, plain.lower(), plain.upper()):
            if candidate in self._id:
                return candidate
        return next((s for s in ("\ufffd", " ") if s in self._id), self.symbols[0])


class LackingError(DataError):
    """A text has code points that a vocabulary lacks, the first of them at `first`."""

    def __init__(
        self, points: Iterable[int], first: int, where: str, setting: str = "data.on_unknown"
    ) -> None:
        what = f"the vocabulary lacks {describe(points)}, first at character {first}"
        super().__init__(what, where=where)
        self.advise(setting)

    def advise(self, setting: str) -> None:
        """Name what the user can set about it."""
        self.then = f"leave them out of the text, or set {setting} to skip or map"


def distinct(text: str) -> list[str]:
    """The distinct characters of a text, in code point order."""
    seen = np.zeros(sys.maxunicode + 1, bool)
    for start in range(0, len(text), CHUNK):
        seen[code_points(text[start : start + CHUNK])] = True
    return [chr(point) for point in np.flatnonzero(seen)]


def code_points(text: str) -> NDArray[np.uint32]:
    """The code points (N,) of a text."""
    return np.frombuffer(bytearray(text.encode("utf-32-le", "surrogatepass")), np.uint32)


def describe(points: Iterable[int], limit: int = 8) -> str:
    """Characters as people can find them: `'é' (U+00E9), 'ß' (U+00DF) and 3 more`."""
    listed = [f"{chr(point)!r} (U+{point:04X})" for point in points]
    more = f" and {len(listed) - limit} more" if len(listed) > limit else ""
    return ", ".join(listed[:limit]) + more
