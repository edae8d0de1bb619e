"""Two kinds of nested brackets: is the right one closed, and how deep?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from random import Random

import numpy as np
from corpora import dyck

from experiments.tables import Experiment, Measures
from experiments.training import Model, Trained, read_lines

OPENING, LENGTH, TRAIN_DEPTH, TEST_DEPTH = 0.5, 100, 5, 20
TRAIN_LINES, TEST_LINES, TEST_NESTS = 5_000, 3_000, 300
TEST_SEED = 1_000_000
DEPTHS = (1, 2, 3, 4, 5, 6, 7, 8, 10)  # those that are shown
NESTS = (2, 3, 4, 5, 6, 8, 10)


def far_closings(line: str) -> list[tuple[int, int]]:
    """(place, depth) of every closing bracket with something between it and its opening.

    The outermost pair has depth 1. A bracket that is closed at once asks for no memory.
    """
    found, depth = [], 0
    for place, symbol in enumerate(line):
        if symbol in "([":
            depth += 1
            continue
        if line[place - 1] in ")]":
            found.append((place, depth))
        depth -= 1
    return found


def nest(rng: Random, depth: int) -> str:
    """So many brackets opened, then all of them closed."""
    opened = ["(["[int(rng.random() * 2)] for _ in range(depth)]
    return "".join(opened) + "".join(dyck.CLOSING[symbol] for symbol in reversed(opened))


@cache
def text(seed: int) -> str:
    """The training text of a seed."""
    return dyck.strings(Random(seed), TRAIN_LINES, OPENING, TRAIN_DEPTH, LENGTH)[0]


def right_kinds(model: Model, lines: Sequence[str]) -> list[list[tuple[int, bool]]]:
    """For each line (depth, whether its own kind is likelier than the other) by far closing."""
    vocabulary, found = model.vocabulary, []
    other = {")": vocabulary.id("]"), "]": vocabulary.id(")")}
    for line, Z in zip(lines, read_lines(model, lines), strict=True):
        pairs = [
            (depth, bool(Z[place, vocabulary.id(line[place])] > Z[place, other[line[place]]]))
            for place, depth in far_closings(line)
        ]
        found.append(pairs)
    return found


def measure(trained: Trained, seed: int) -> Measures:
    """In %: far closings right by depth, on deeper strings; and pure nests right throughout."""
    rng, model = Random(TEST_SEED + seed), trained.model
    lines = dyck.strings(rng, TEST_LINES, OPENING, TEST_DEPTH, LENGTH)[0].split()
    by_depth: dict[int, list[bool]] = defaultdict(list)
    for pairs in right_kinds(model, lines):
        for depth, right in pairs:
            by_depth[depth].append(right)
    found = {_depth(depth): _percent(by_depth[depth]) for depth in DEPTHS}
    for depth in NESTS:
        nests = right_kinds(model, [nest(rng, depth) for _ in range(TEST_NESTS)])
        found[_nest(depth)] = _percent([all(right for _, right in pairs) for pairs in nests])
    return found


def _percent(values: Sequence[bool]) -> float:
    return 100 * float(np.mean(values))


def _depth(depth: int) -> str:
    return f"brackets at depth {depth}"


def _nest(depth: int) -> str:
    return f"whole nests of {depth}"


DYCK = Experiment(
    "dyck2",
    f"Dyck-2, trained to depth {TRAIN_DEPTH}: % of closing brackets of the right kind",
    ("rnn", "lstm1997", "lstm", "gru"),
    text,
    measure,
    {
        **{_depth(depth): ".1f" for depth in DEPTHS},
        **{_nest(depth): ".1f" for depth in NESTS},
    },
    cells_across=True,
)
