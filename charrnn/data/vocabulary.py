"""K symbols and their ids: Unicode code points, or bytes.

A text of unit "byte" is held as a str of the characters U+0000 to U+00FF, one a byte (Latin-1),
so that every text is a str and both units share this code.

A vocabulary may have a symbol for all that it lacks, `UNKNOWN` (data.min_count). Without one a
character that it lacks is an error, left out, or mapped to a look-alike. Of a letter and its marks
that are written in another way than the vocabulary's, é or e and U+0301, that way is taken first.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import DataError, shortened

Unit = Literal["char", "byte"]
OnUnknown = Literal["error", "skip", "map"]
NAMES: dict[Unit, str] = {"char": "character", "byte": "byte"}
CHUNK = 1 << 20  # characters turned into code points at a time
UNKNOWN = "\ufffd"  # what stands for characters that were too rare for a symbol of their own
MOST_MARKS = 64  # on one letter; no language has so many, nor Unicode's stream-safe text (30)
LINE_END = "\n"  # nothing but itself is mapped to it: in lines mode it ends a sequence

# Look-alikes tried, in this order, by on_unknown: map.
LOOK_ALIKES = {
    "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-",
    "\u2026": ".", "\u00a0": " ", "\t": " ",
}  # fmt: skip


def unit_name(unit: Unit) -> str:
    """What one symbol is called."""
    return NAMES[unit]


class Vocabulary:
    """The symbols of a model, in the order of their ids.

    `unknown`: the one that stands for all that it lacks, if it has one.
    """

    def __init__(
        self, symbols: Iterable[str], unit: Unit = "char", unknown: str | None = None
    ) -> None:
        self.symbols = tuple(symbols)
        self.unit: Unit = unit
        self.unknown = unknown
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
        if self.unknown is not None:
            return self
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
        own, others = ((v.symbols, v.unit, v.unknown) for v in (self, other))
        return own == others

    def __hash__(self) -> int:
        return hash((self.symbols, self.unit, self.unknown))

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
        ids, owner = self.spelled(text)
        unknown = np.flatnonzero(ids < 0)
        if not len(unknown):
            return ids
        if on_unknown == "skip":
            return np.delete(ids, unknown)
        places = unknown if owner is None else owner[unknown]
        points = code_points("".join([text[place] for place in places.tolist()]))
        if on_unknown == "map":
            for point in np.unique(points):
                ids[unknown[points == point]] = self._id[self.substitute(chr(point))]
            return ids
        if self.unknown is not None:
            ids[unknown] = self._id[self.unknown]
            return ids
        raise LackingError(np.unique(points), int(places[0]), where, setting)

    def spelled(self, text: str) -> tuple[NDArray[np.int32], NDArray[np.int64] | None]:
        """Ids (M,) of a text, -1 for what is lacking, and which character (M,) each is of.

        The latter is None where each character has one id. It has not where the vocabulary writes
        a letter and its marks in another way.
        """
        ids = np.empty(len(text), np.int32)
        for start in range(0, len(text), CHUNK):
            points = code_points(text[start : start + CHUNK])
            np.minimum(points, len(self._table) - 1, out=points)
            np.take(self._table, points, out=ids[start : start + len(points)])
        other = self._other_spellings(text, np.flatnonzero(ids < 0))
        if not other:
            return ids, None
        owner = np.arange(len(text))
        all_ids, owners, at = [], [], 0
        for start, stop, spelling in other:
            letters = [self._id[symbol] for symbol in spelling]
            whose = [min(start + i, stop - 1) for i in range(len(letters))]
            all_ids += [ids[at:start], np.array(letters, np.int32)]
            owners += [owner[at:start], np.array(whose, np.int64)]
            at = stop
        return np.concatenate([*all_ids, ids[at:]]), np.concatenate([*owners, owner[at:]])

    def _other_spellings(self, text: str, unknown: NDArray[np.int64]) -> list[tuple[int, int, str]]:
        """Stretches of a text with unknown characters, and how they are written in known ones."""
        if self.unit == "byte":
            return []
        places = [at for at in unknown.tolist() if has_other_spelling(text[at])]
        found: list[tuple[int, int, str]] = []
        for at in places:
            if found and at < found[-1][1]:
                continue
            start, stop = at, at + 1
            while start and joins_the_one_before(text[start]):
                start -= 1
            while stop < len(text) and joins_the_one_before(text[stop]):
                stop += 1
            for form in ("NFC", "NFD"):
                spelling = unicodedata.normalize(form, text[start:stop])
                if all(symbol in self._id for symbol in spelling):
                    found.append((start, stop, spelling))
                    break
        return found

    def respelled(self, text: str) -> str:
        """The text with its letters and marks written as the vocabulary does, where it can."""
        parts, at = list[str](), 0
        points = np.minimum(code_points(text), len(self._table) - 1)
        unknown = np.flatnonzero(self._table[points] < 0)
        for start, stop, spelling in self._other_spellings(text, unknown):
            parts += [text[at:start], spelling]
            at = stop
        return "".join([*parts, text[at:]])

    def table(self) -> NDArray[np.int32]:
        """The id of every code point, -1 for those it lacks."""
        whole = np.full(sys.maxunicode + 1, -1, np.int32)
        whole[: len(self._table) - 1] = self._table[:-1]
        return whole

    def decode(self, ids: Iterable[int]) -> str:
        return "".join([self.symbols[index] for index in ids])

    def look_alike(self, symbol: str) -> str | None:
        """The known symbol most like an unknown one: punctuation, base letter, other case.

        Never a line end, which would end a sequence. None where there is none.
        """
        plain = unicodedata.normalize("NFKD", symbol)[:1]
        for candidate in (LOOK_ALIKES.get(symbol, ""), plain, plain.lower(), plain.upper()):
            if candidate in self._id and candidate != LINE_END:
                return candidate
        return None

    def substitute(self, symbol: str) -> str:
        """A known symbol in the place of an unknown one: its look-alike, or where it has none
        the replacement character, a space, or the first symbol that is no line end.
        """
        like = self.look_alike(symbol)
        if like is not None:
            return like
        others = (s for s in self.symbols if s != LINE_END)
        return next((s for s in (UNKNOWN, " ") if s in self._id), next(others, self.symbols[0]))


def joins_the_one_before(character: str) -> bool:
    """Whether it is a mark on the character before it, or a later part of a Korean syllable."""
    return unicodedata.combining(character) > 0 or "\u1160" <= character <= "\u11ff"


def whole_letters(pieces: Iterable[str]) -> Iterator[str]:
    """The same text; no piece begins with marks that are on the last letter of the one before."""
    held = ""
    for piece in pieces:
        start = len(held)
        if held and joins_the_one_before(piece[0]):
            start, least = start - 1, max(start - MOST_MARKS, 0)
            while start > least and joins_the_one_before(held[start]):
                start -= 1
        if start:
            yield held[:start]
        held = held[start:] + piece
    if held:
        yield held


def has_other_spelling(character: str) -> bool:
    return joins_the_one_before(character) or not (
        unicodedata.is_normalized("NFD", character) and unicodedata.is_normalized("NFC", character)
    )


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


def count_code_points(pieces: Iterable[str]) -> NDArray[np.int64]:
    """How often each code point stands in a text that comes in pieces."""
    counts = np.zeros(sys.maxunicode + 1, np.int64)
    for text in pieces:
        for start in range(0, len(text), CHUNK):
            found = np.bincount(code_points(text[start : start + CHUNK]))
            counts[: len(found)] += found
    return counts


def code_points(text: str) -> NDArray[np.uint32]:
    """The code points (N,) of a text."""
    return np.frombuffer(bytearray(text.encode("utf-32-le", "surrogatepass")), np.uint32)


def describe(points: Iterable[int], limit: int = 8) -> str:
    """Characters as people can find them: `'é' (U+00E9), 'ß' (U+00DF), … and 3 more`."""
    listed = [f"{chr(point)!r} (U+{point:04X})" for point in points]
    return ", ".join(shortened(listed, limit))
