"""Balanced strings over two kinds of brackets, with a limit on depth and on length.

Position by position: an open bracket is closed or another one opened, with probability ``p`` of
opening wherever both are allowed; the two kinds are equally likely.  At depth 0 the line ends
instead of closing.  The limits only remove choices, so every choice keeps a known probability.
"""

from __future__ import annotations

from functools import cache
from math import log2
from random import Random

CLOSING = {"(": ")", "[": "]"}


def chance_of_opening(done: int, depth: int, p: float, max_depth: int, max_length: int) -> float:
    """The probability that the next symbol opens, after ``done`` symbols at this depth."""
    if done == 0:
        return 1.0  # no empty lines
    if depth >= max_depth or done + depth + 2 > max_length:
        return 0.0
    return p


def string(rng: Random, p: float, max_depth: int, max_length: int) -> tuple[str, float]:
    """One balanced string and the bits of its choices."""
    if not 0 < p < 1 or max_depth < 1 or max_length < 2:
        raise ValueError("dyck2: needs 0 < p < 1, max-depth >= 1 and max-length >= 2")
    out: list[str] = []
    waiting: list[str] = []
    bits = 0.0
    while True:
        chance = chance_of_opening(len(out), len(waiting), p, max_depth, max_length)
        opens = chance == 1.0 or (chance > 0.0 and rng.random() < chance)
        if 0.0 < chance < 1.0:
            bits -= log2(chance if opens else 1.0 - chance)
        if opens:
            kind = "(["[int(rng.random() * 2)]
            bits += 1.0
            out.append(kind)
            waiting.append(CLOSING[kind])
        elif waiting:
            out.append(waiting.pop())
        else:
            return "".join(out), bits


def strings(
    rng: Random, count: int, p: float, max_depth: int, max_length: int
) -> tuple[str, float]:
    """So many strings, one a line, and their bits."""
    made = [string(rng, p, max_depth, max_length) for _ in range(count)]
    return "".join(text + "\n" for text, _ in made), sum(bits for _, bits in made)


def expected(p: float, max_depth: int, max_length: int) -> tuple[float, float]:
    """Expected bits and characters of one line (the new line counted)."""

    @cache
    def rest(done: int, depth: int) -> tuple[float, float]:
        chance = chance_of_opening(done, depth, p, max_depth, max_length)
        bits = chars = 0.0
        if 0.0 < chance < 1.0:
            bits -= chance * log2(chance) + (1 - chance) * log2(1 - chance)
        if chance > 0.0:
            more = rest(done + 1, depth + 1)
            bits += chance * (1.0 + more[0])
            chars += chance * (1.0 + more[1])
        if chance < 1.0:
            more = rest(done + 1, depth - 1) if depth else (0.0, 0.0)
            bits += (1.0 - chance) * more[0]
            chars += (1.0 - chance) * (1.0 + more[1])
        return bits, chars

    return rest(0, 0)
