"""K symbols and their ids: Unicode code points, or bytes.

A text of unit "byte" is held as a str of the characters U+0000 to U+00FF, one a byte (Latin-1),
so that every text is a str and both units share this code.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import DataError

Unit = Literal["char", "byte"]
OnUnknown = Literal["error", "skip", "map"]
Ids = NDArray[np.int32]

# Look-alikes tried, in this order, by on_unknown: map.
_LOOK_ALIKES = {
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
        return cls((chr(point) for point in np.unique(code_points(text))), unit)

    def extended(self, text: str) -> Vocabulary:
        """This vocabulary with the new symbols of `text` at its end; old ids stay."""
        added = [chr(p) for p in np.unique(code_points(text)) if chr(p) not in self._id]
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
    ) -> Ids:
        """Ids (N,) of a text. Unknown ones: DataError, left out, or mapped to a look-alike."""
        points = code_points(text)
        ids = self._table[np.minimum(points, len(self._table) - 1)]
        unknown = ids < 0
        if not unknown.any():
            return ids
        if on_unknown == "skip":
            return ids[~unknown]
        if on_unknown == "map":
            for point in np.unique(points[unknown]):
                ids[points == point] = self._id[self.look_alike(chr(point))]
            return ids
        raise DataError(
            f"the vocabulary lacks {describe(np.unique(points[unknown]))}, "
            f"first at character {int(np.argmax(unknown))}",
            where=where,
            then=f"leave them out of the text, or set {setting} to skip or map",
        )

    def decode(self, ids: Iterable[int]) -> str:
        return "".join([self.symbols[index] for index in ids])

    def look_alike(self, symbol: str) -> str:
        """The known symbol nearest to an unknown one: punctuation, base letter, other case.

        Where there is none: the replacement character, a space, or the first symbol.
        """
        plain = unicodedata.normalize("NFKD", symbol)[:1]
        for candidate in (_LOOK_ALIKES.get(symbol, ""), plain, plain.lower(), plain.upper()):
            if candidate in self._id:
                return candidate
        return next((s for s in ("\ufffd", " ") if s in self._id), self.symbols[0])


def code_points(text: str) -> NDArray[np.uint32]:
    """The code points (N,) of a text."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def describe(points: Iterable[int], limit: int = 8) -> str:
    """Characters as people can find them: `'é' (U+00E9), 'ß' (U+00DF) and 3 more`."""
    listed = [f"{chr(point)!r} (U+{point:04X})" for point in points]
    more = f" and {len(listed) - limit} more" if len(listed) > limit else ""
    return ", ".join(listed[:limit]) + more
