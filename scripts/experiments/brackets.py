"""Two kinds of nested brackets: is the right one closed, and how deep?"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from random import Random

import numpy as np

from corpora import dyck
from experiments.tables import Experiment, Measures
from experiments.training import Trained, read_lines

OPENING, TRAIN_DEPTH, TEST_DEPTH, LENGTH = 0.5, 5, 10, 100
TRAIN_LINES, TEST_LINES = 5_000, 3_000
TEST_SEED = 1_000_000


def closings(line: str) -> list[tuple[int, int]]:
    """(place, depth) of every closing bracket; the outermost pair has depth 1."""
    found, depth = [], 0
    for place, symbol in enumerate(line):
        if symbol in "([":
            depth += 1
        else:
            found.append((place, depth))
            depth -= 1
    return found


@cache
def text(seed: int) -> str:
    return dyck.strings(Random(seed), TRAIN_LINES, OPENING, TRAIN_DEPTH, LENGTH)[0]


def measure(trained: Trained, seed: int) -> Measures:
    """By depth: % of closing brackets at which their own kind is likelier than the other."""
    rng = Random(TEST_SEED + seed)
    lines = dyck.strings(rng, TEST_LINES, OPENING, TEST_DEPTH, LENGTH)[0].split()
    vocabulary = trained.model.vocabulary
    other = {")": vocabulary.id("]"), "]": vocabulary.id(")")}
    right: dict[int, list[bool]] = defaultdict(list)
    for line, Z in zip(lines, read_lines(trained.model, lines), strict=True):
        for place, depth in closings(line):
            own = vocabulary.id(line[place])
            right[depth].append(bool(Z[place, own] > Z[place, other[line[place]]]))
    return {f"depth {d}": 100 * float(np.mean(right[d])) for d in range(1, TEST_DEPTH + 1)}


DYCK = Experiment(
    "dyck2",
    f"Dyck-2, trained to depth {TRAIN_DEPTH}: % of closing brackets of the right kind",
    ("rnn", "lstm1997", "lstm", "gru"),
    text,
    measure,
    {f"depth {depth}": ".1f" for depth in range(1, TEST_DEPTH + 1)},
)
