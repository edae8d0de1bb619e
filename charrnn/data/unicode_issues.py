"""Unicode issues of a text: control characters, look-alikes, combining marks."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from charrnn.data.vocabulary import LOOK_ALIKES

Counts = Mapping[int, int]  # how often each code point stands in a text

_C0 = {
    0x00: "NULL", 0x07: "BELL", 0x08: "BACKSPACE", 0x09: "TAB", 0x0A: "LINE FEED",
    0x0B: "VERTICAL TAB", 0x0C: "FORM FEED", 0x0D: "CARRIAGE RETURN", 0x1A: "SUBSTITUTE",
    0x1B: "ESCAPE", 0x7F: "DELETE", 0x85: "NEXT LINE",
}  # fmt: skip
_ORDINARY = "\t\n\r"

# Letters of other scripts that are drawn like a Latin one.
_HOMOGLYPHS = dict(zip("аеорсухіјѕАВЕКМНОРСТХІΑΒΕΖΗΙΚΜΝΟΡΤΥΧο",
                       "aeopcyxijsABEKMHOPCTXIABEZHIKMNOPTYXo", strict=True))  # fmt: skip
_MINORITY = 0.01  # share of its script's letters below which a homoglyph is suspicious


def name(point: int) -> str:
    """The Unicode name of a character, or what a control character is called."""
    return unicodedata.name(chr(point), "") or _C0.get(point) or "unnamed"


def controls(counts: Counts) -> list[int]:
    """Control and invisible format characters, and those that stand for lost ones."""
    return [
        point
        for point in sorted(counts)
        if chr(point) not in _ORDINARY
        and (unicodedata.category(chr(point)) in ("Cc", "Cf", "Cs", "Co") or point == 0xFFFD)
    ]


def combining_marks(counts: Counts) -> int:
    """How many characters of the text are marks on the one before."""
    return sum(n for p, n in counts.items() if unicodedata.category(chr(p)).startswith("M"))


def look_alikes(counts: Counts) -> list[tuple[int, int]]:
    """Pairs (character, plainer one) that are both in the text and look much the same."""
    pairs = []
    for point in sorted(counts):
        character = chr(point)
        like = LOOK_ALIKES.get(character) if character not in _ORDINARY else None
        like = like or _compatible(character) or _homoglyph(character, counts)
        if like and ord(like) in counts:
            pairs.append((point, ord(like)))
    return pairs


def _compatible(character: str) -> str | None:
    """What a full-width, ligature or other compatibility character is a form of."""
    plain = unicodedata.normalize("NFKC", character)
    return plain if plain != character and len(plain) == 1 else None


def _homoglyph(character: str, counts: Counts) -> str | None:
    like = _HOMOGLYPHS.get(character)
    if like is None:
        return None
    here, latin = (_letters(counts, _script(c)) for c in (character, like))
    return like if here < _MINORITY * latin or latin < _MINORITY * here else None


def _script(character: str) -> str:
    return unicodedata.name(character).partition(" ")[0]


def _letters(counts: Counts, script: str) -> int:
    return sum(n for p, n in counts.items() if unicodedata.name(chr(p), "").startswith(script))
