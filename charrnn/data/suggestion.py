"""How a text is to be read, from what a survey found; each setting with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np

from charrnn.config import Config
from charrnn.data.survey import Survey

Keys = dict[str, Any]

# Beyond this many symbols, or with fewer characters than this for each, bytes are tried first.
MANY_SYMBOLS, CHARACTERS_A_SYMBOL = 2000, 50
# Lines of at most this many words and characters, none blank, are taken to be records.
RECORD_WORDS, RECORD_CHARACTERS, FEWEST_RECORDS = 3.0, 500, 20
# Lines are wrapped where so many have one length, of at least so many characters, and code where so
# many are indented.
WRAPPED, WRAPPED_AT, INDENTED = 0.8, 40, 0.2
LINES_SPLIT = [0.8, 0.1, 0.1]
# Scripts without spaces: code points, and the letters of a word.
UNSPACED = (
    (0x0E00, 0x0EFF, 5), (0x1000, 0x109F, 5), (0x1780, 0x17FF, 5), (0x3040, 0x30FF, 3),
    (0x3400, 0x9FFF, 2), (0xF900, 0xFAFF, 2), (0x20000, 0x3FFFF, 2),
)  # fmt: skip


@dataclass
class Suggestion:
    """Keys to set, where that is not their default, and why."""

    keys: Keys = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)


def suggest(found: Survey) -> Suggestion | None:
    """Keys of `data` for a text; None for one that has too little to learn from."""
    if found.K < 2 or found.characters < 100:
        return None
    suggestion = Suggestion()
    if found.encodings != ["utf-8"]:
        suggestion.keys["data.encoding"] = found.encodings[0]
        suggestion.reasons.append("encoding: as in the file")
    _unit(found, suggestion)
    if are_records(found):
        _lines(found, suggestion)
    else:
        _stream(found, suggestion)
        suggestion.reasons += _records(found)
    suggestion.keys = {k: v for k, v in suggestion.keys.items() if v != _default(k)}
    return suggestion


def _default(key: str) -> Any:
    return reduce(getattr, key.split("."), Config())


def are_records(found: Survey) -> bool:
    """Whether each line looks like a thing of its own: a name, a word, a formula."""
    lines = found.lines
    full = lines.ended - lines.blank
    words = (found.count.get(ord(" "), 0) + _unspaced_words(found)) / full + 1 if full else 0.0
    return (
        full >= FEWEST_RECORDS
        and lines.blank <= 0.001 * full
        and words <= RECORD_WORDS
        and lines.longest <= RECORD_CHARACTERS
        and continued_lines(found) is None
    )


def continued_lines(found: Survey) -> str | None:
    """Why short lines without blank ones are no things of their own, in words; None if they are."""
    lines, full = found.lines, found.lines.ended - found.lines.blank
    if not full or found.lines.blank > 0.001 * full:
        return None
    begins = found.first.get(ord(">"))
    if found.headers and begins is not None and (begins.line, begins.column) == (1, 1):
        return f"FASTA: {found.headers:,} headers begin with >, and sequences go on over lines"
    width = int(np.argmax(lines.lengths[1:])) + 1
    if WRAPPED_AT <= width <= RECORD_CHARACTERS and lines.lengths[width] >= WRAPPED * full:
        return f"wrapped: {lines.lengths[width] / full:.0%} of the lines have {width} characters"
    if found.indented >= INDENTED * full:
        return f"code: {found.indented / full:.0%} of the lines are indented"
    return None


def _unspaced_words(found: Survey) -> float:
    """About how many words there are in scripts that are written without spaces."""
    return sum(
        n / letters
        for point, n in found.count.items()
        for first, last, letters in UNSPACED
        if first <= point <= last
    )


def _unit(found: Survey, suggestion: Suggestion) -> None:
    """Bytes, where there are too many characters, or too few of each, to learn them."""
    per_symbol = found.characters / found.K
    if found.K > MANY_SYMBOLS or (found.K > 256 and per_symbol < CHARACTERS_A_SYMBOL):
        suggestion.keys["data.unit"] = "byte"
        suggestion.keys.pop("data.encoding", None)
        suggestion.reasons.append(
            f"bytes: K = {found.K:,} characters, {per_symbol:,.0f} of the text for each; as bytes "
            f"K is at most 256 and the text {found.bytes / found.characters:.1f} times as long"
        )


def _stream(found: Survey, suggestion: Suggestion) -> None:
    suggestion.keys["data.mode"] = "stream"
    why = continued_lines(found)
    suggestion.reasons.append(
        "stream: lines that go on from each other" + (f" ({why})" if why else "")
    )


def _records(found: Survey) -> list[str]:
    """What only the owner of a text can tell: whether its parts are texts of their own."""
    if found.lines.groups >= FEWEST_RECORDS:
        return [
            "or data.mode: records, set along with the minutes, if the "
            f"{found.lines.groups:,} groups of lines between blank ones are texts of their own: "
            "poems, recipes, letters"
        ]
    if len(found.files) >= FEWEST_RECORDS:
        return [
            "or data.mode: records and data.separator: file, set along with the minutes, if the "
            f"{len(found.files):,} files are texts of their own"
        ]
    return []


def _lines(found: Survey, suggestion: Suggestion) -> None:
    full = found.lines.ended - found.lines.blank
    suggestion.keys |= {"data.mode": "lines", "data.split": LINES_SPLIT}
    suggestion.reasons.append(
        f"lines: {full:,} short ones, none blank, few words each: a sequence of its own each"
    )
