"""The counting languages of Gers and Schmidhuber (2001): a^n b^n and a^n b^n c^n."""

from __future__ import annotations

from math import log2
from random import Random


def string(letters: str, n: int) -> str:
    """``n`` of each letter in turn."""
    return "".join(letter * n for letter in letters)


def strings(
    letters: str, rng: Random, count: int, min_n: int, max_n: int, each: bool = False
) -> tuple[str, float]:
    """Strings one a line, and their bits.

    ``n`` is uniform from ``min_n`` to ``max_n``; with ``each`` every n comes once, in order,
    and there is nothing left to chance.
    """
    if not 1 <= min_n <= max_n:
        raise ValueError("counting: 1 <= min-n <= max-n is needed")
    span = max_n - min_n + 1
    if each:
        sizes, bits = list(range(min_n, max_n + 1)), 0.0
    else:
        sizes = [min_n + int(rng.random() * span) for _ in range(count)]
        bits = count * log2(span)
    return "".join(string(letters, n) + "\n" for n in sizes), bits


def expected(letters: str, min_n: int, max_n: int) -> tuple[float, float]:
    """Expected bits and characters of one line."""
    return log2(max_n - min_n + 1), len(letters) * (min_n + max_n) / 2 + 1
