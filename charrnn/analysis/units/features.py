"""What characters are, as a reader would say: inside quotes, how far into the line.

Each feature has one value a character, that after the character was read: the opening quotation
mark is inside the quotes, the closing one is not, and after a line end the position is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
OPENING, CLOSING = "([{", ")]}"
CURLY = {"\u201c": "\u201d", "\u201e": "\u201c\u201d", "\u00ab": "\u00bb"}


@dataclass(frozen=True)
class Feature:
    """`values` (N,): a number, or 0 and 1 where `yes_no`, for each character."""

    name: str
    meaning: str
    yes_no: bool
    values: Array


def features(text: str, boundary: str | None = None) -> list[Feature]:
    """The features of a text that are not the same for all its characters.

    `boundary`: what ends a sequence, across which nothing is open.
    """
    found = [
        Feature("quotes", "inside quotation marks", True, _quotes(text, boundary)),
        Feature("brackets", "inside ( ), [ ] or { }", True, _brackets(text, boundary)),
        Feature(
            "position in line", "characters since the line began", False, _column(text, boundary)
        ),
        Feature(
            "indentation", "blanks that the line began with", False, _indentation(text, boundary)
        ),
        Feature("position in word", "letters since the word began", False, _word(text)),
        Feature("word end", "the last letter of a word", True, _word_end(text)),
        Feature("upper case", "an upper-case letter", True, _each(text, str.isupper)),
    ]
    return [f for f in found if len(text) and np.ptp(f.values)]


def _each(text: str, is_so: Callable[[str], bool]) -> Array:
    return np.array([is_so(c) for c in text], np.float64)


def _between(text: str, pairs: list[tuple[int, int]]) -> Array:
    """1 from each opening character up to, and without, its closing one."""
    change = np.zeros(len(text) + 1)
    for start, stop in pairs:
        change[start] += 1
        change[stop] -= 1
    return np.minimum(np.cumsum(change[:-1]), 1)


def _brackets(text: str, boundary: str | None) -> Array:
    """Brackets without a partner are left out."""
    pairs, still_open = list[tuple[int, int]](), list[tuple[str, int]]()
    for index, c in enumerate(text):
        if c == boundary:
            still_open.clear()
        elif c in OPENING:
            still_open.append((CLOSING[OPENING.index(c)], index))
        elif c in CLOSING and any(closing == c for closing, _ in still_open):
            while (last := still_open.pop())[0] != c:
                pass
            pairs.append((last[1], index))
    return _between(text, pairs)


def _quotes(text: str, boundary: str | None) -> Array:
    """Pairs of " and of typographic marks within a paragraph; one without a partner is left out."""
    pairs, opened, closing, before = list[tuple[int, int]](), -1, "", ""
    for index, c in enumerate(text):
        if c == boundary or c == before == "\n":
            opened = -1
        elif opened >= 0 and c in closing:
            pairs.append((opened, index))
            opened = -1
        elif opened < 0 and (c == '"' or c in CURLY):
            opened, closing = index, CURLY.get(c, '"')
        before = c
    return _between(text, pairs)


def _column(text: str, boundary: str | None) -> Array:
    return _counted(text, lambda c, n: 0 if c in ("\n", boundary) else n + 1)


def _indentation(text: str, boundary: str | None) -> Array:
    values, blanks, leading = np.empty(len(text)), 0, True
    for index, c in enumerate(text):
        if c in ("\n", boundary):
            blanks, leading = 0, True
        elif leading and c in " \t":
            blanks += 1
        else:
            leading = False
        values[index] = blanks
    return values


def _word(text: str) -> Array:
    return _counted(text, lambda c, n: n + 1 if c.isalpha() else 0)


def _word_end(text: str) -> Array:
    letters = _each(text, str.isalpha)
    after = np.append(letters[1:], letters[-1:])
    return letters * (1 - after)


def _counted(text: str, next_value: Callable[[str, int], int]) -> Array:
    values, n = np.empty(len(text)), 0
    for index, c in enumerate(text):
        n = next_value(c, n)
        values[index] = n
    return values
