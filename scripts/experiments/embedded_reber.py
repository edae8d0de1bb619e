"""Embedded Reber strings, one a line (1997) and in one endless stream (2000).

The outer symbol, T or P, stands second and second to last: between the two lies a whole Reber
string that says nothing of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from random import Random

import numpy as np
from corpora import reber

from charrnn.data.vocabulary import Vocabulary
from experiments.tables import Experiment, Measures
from experiments.training import (
    Array,
    Trained,
    legal_first,
    legal_mask,
    read_lines,
    read_stream,
)

TRAIN_LINES = 3_000
TEST_LINES = 1_000
LONG, LONG_LINES = 30, 100  # symbols of a long string, and how many are tested
TRAIN_SYMBOLS = 1_000_000
TEST_SYMBOLS = 100_000
TEST_SEED = 1_000_000  # added to a seed, so that no seed is tested on another one's text

OUTER, OUTER_LONG = "outer symbols right, %", f"outer right in strings of {LONG} or more, %"
STEPS, STRINGS = "steps legal, %", "strings legal throughout, %"
T_OR_P, STATE = "T against P, %", "largest state"

WHOLE = re.compile(r"B[TP]B[TPSXV]*E[TP]E")

# State → symbol → next state; at "close" only the symbol seen at "outer" is legal.
ARCS = {
    "start": {"B": "outer"},
    "outer": {"T": "open", "P": "open"},
    "open": {"B": "one"},
    "one": {"T": "two", "P": "three"},
    "two": {"S": "two", "X": "four"},
    "three": {"T": "three", "V": "five"},
    "four": {"X": "three", "S": "six"},
    "five": {"P": "four", "V": "six"},
    "six": {"E": "close"},
    "close": {"T": "last", "P": "last"},
    "last": {"E": "start"},
}


def successors(text: str) -> list[str]:
    """For each symbol of a stream of strings, the symbols that may follow it."""
    state, outer, found = "start", "", []
    for symbol in text:
        if state == "outer":
            outer = symbol
        state = ARCS[state][symbol]
        found.append(outer if state == "close" else "".join(ARCS[state]))
    return found


def successors_in_line(line: str) -> list[str]:
    """The same for a line: after the boundary before it, and after each symbol."""
    return ["B", *successors(line)[:-1], "\n"]


def outer_symbols(text: str) -> list[int]:
    """Where in a stream the second-to-last symbols of its whole strings are."""
    return [match.end() - 2 for match in WHOLE.finditer(text)]


@cache
def lines_text(seed: int) -> str:
    return reber.strings(Random(seed), TRAIN_LINES)[0]


@cache
def held_out(seed: int, count: int = TEST_LINES, shortest: int = 0) -> list[str]:
    """Fresh strings of a length or longer, none of which is in the text of this seed."""
    known, rng = set(lines_text(seed).split()), Random(TEST_SEED + seed)
    found: list[str] = []
    while len(found) < count:
        lines = reber.strings(rng, TEST_LINES)[0].split()
        found += [line for line in lines if len(line) >= shortest and line not in known]
    return found[:count]


def measure_lines(trained: Trained, seed: int) -> Measures:
    """Shares, in %, of outer symbols, of steps and of whole strings predicted right."""
    lines, vocabulary = held_out(seed), trained.model.vocabulary
    read = read_lines(trained.model, lines)
    legal = [
        legal_first(Z, legal_mask(vocabulary, successors_in_line(line)))
        for line, Z in zip(lines, read, strict=True)
    ]
    long = held_out(seed, LONG_LINES, LONG)
    return {
        OUTER: outer_share(vocabulary, lines, read),
        OUTER_LONG: outer_share(vocabulary, long, read_lines(trained.model, long)),
        STEPS: 100 * float(np.mean(np.concatenate(legal))),
        STRINGS: 100 * float(np.mean([steps.all() for steps in legal])),
    }


def outer_share(vocabulary: Vocabulary, lines: Sequence[str], read: Sequence[Array]) -> float:
    """% of lines whose second-to-last symbol was the likeliest of all symbols."""
    return 100 * float(
        np.mean(
            [
                Z[len(line) - 2].argmax() == vocabulary.id(line[-2])
                for line, Z in zip(lines, read, strict=True)
            ]
        )
    )


@cache
def stream_text(seed: int) -> str:
    return reber.stream(Random(seed), TRAIN_SYMBOLS)[0]


def measure_stream(trained: Trained, seed: int) -> Measures:
    """Shares, in %, on a fresh stream, and the largest element that the state came to have."""
    text = reber.stream(Random(TEST_SEED + seed), TEST_SYMBOLS)[0]
    chunks = list(read_stream(trained.model, text))
    Z = np.concatenate([logits for logits, _ in chunks])
    at = np.array(outer_symbols(text))
    vocabulary = trained.model.vocabulary
    truth = vocabulary.encode(text, "error", "the test text")[at]
    T, P = vocabulary.id("T"), vocabulary.id("P")
    legal = legal_first(Z, legal_mask(vocabulary, successors(text)))
    return {
        OUTER: 100 * float(np.mean(Z[at - 1].argmax(axis=-1) == truth)),
        T_OR_P: 100 * float(np.mean((Z[at - 1, T] > Z[at - 1, P]) == (truth == T))),
        STEPS: 100 * float(np.mean(legal)),
        STATE: max(float(np.abs(state).max()) for _, state in chunks),
    }


REBER = Experiment(
    "reber",
    "Embedded Reber grammar, one string a line",
    ("rnn", "lstm1997", "lstm", "gru"),
    lines_text,
    measure_lines,
    dict.fromkeys((OUTER, OUTER_LONG, STEPS, STRINGS), ".1f"),
)
CONTINUAL = Experiment(
    "continual",
    "Continual embedded Reber grammar, one stream that is never reset",
    ("lstm1997", "lstm"),
    stream_text,
    measure_stream,
    {OUTER: ".2f", T_OR_P: ".1f", STEPS: ".1f", STATE: ".0f"},
)
