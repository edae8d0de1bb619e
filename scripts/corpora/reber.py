"""Embedded Reber grammar strings (Hochreiter and Schmidhuber 1997), and the endless stream of
them without separators (Gers, Schmidhuber and Cummins 2000).

Both arcs that leave a state are taken with probability one half, and so are both outer symbols.
"""

from __future__ import annotations

from random import Random

from .grammar import Grammar
from .measure import Chart

# One rule per state: the arc's symbol and the state it leads to.
_GRAMMAR = r"""
embedded:
  BT<reber>TE | BP<reber>PE
reber:
  B<one>
one:
  T<two> | P<three>
two:
  S<two> | X<four>
three:
  T<three> | V<five>
four:
  X<three> | SE
five:
  P<four> | VE
"""


def reber_grammar() -> Grammar:
    """The grammar; ``embedded`` gives a whole string and ``reber`` an inner one."""
    return Grammar(_GRAMMAR)


def strings(rng: Random, count: int, end: str = "\n") -> tuple[str, float]:
    """So many embedded strings, each followed by ``end``, and their bits."""
    grammar = reber_grammar()
    start = grammar.symbol("embedded")
    made = [grammar.sample(start, rng) for _ in range(count)]
    return "".join(text + end for text, _ in made), sum(bits for _, bits in made)


def stream(rng: Random, characters: int) -> tuple[str, float]:
    """A stream of exactly so many characters (the last string may be cut) and its bits.

    A cut string is charged for its beginning alone, which in this grammar is told by the
    characters themselves: one bit for each choice that has been seen.
    """
    grammar = reber_grammar()
    start = grammar.symbol("embedded")
    pieces: list[str] = []
    length, total = 0, 0.0
    while length < characters:
        text, bits = grammar.sample(start, rng)
        if length + len(text) > characters:
            text = text[: characters - length]
            bits = prefix_bits(grammar, start, text)
        pieces.append(text)
        length += len(text)
        total += bits
    return "".join(pieces), total


def prefix_bits(grammar: Grammar, start: int, text: str) -> float:
    """-log2 of the probability that a string begins with ``text``."""
    return Chart(grammar, text, prefix=True).bits(start)
