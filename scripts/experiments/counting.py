"""aⁿbⁿ and aⁿbⁿcⁿ: trained on small n, how far does the network count?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import numpy as np
from corpora import counting
from numpy.typing import NDArray

from experiments.tables import Experiment, Measures
from experiments.training import Array, Model, Trained

TRAIN_LINES = 1_500
TRAIN_N = 30
LARGEST_N = 1_000  # tested no further
BLOCK = 100  # values of n read side by side


@dataclass(frozen=True)
class _Prefix:
    """After k letters a: the state, and whether every prediction so far was right."""

    k: int
    state: Array
    right: bool


def largest_n(model: Model, letters: str, limit: int = LARGEST_N) -> int:
    """The largest N up to `limit` such that every n in 1 … N is processed right.

    After the boundary, a must be the likeliest symbol; after each a, a and b the two likeliest;
    after the first b everything is determined, and must be the likeliest, the end included.
    """
    block: list[_Prefix] = []
    for prefix in _prefixes(model, limit):
        if not prefix.right:
            break
        block.append(prefix)
        if len(block) == BLOCK or prefix.k == limit:
            right = _determined(model, letters, block)
            if not right.all():
                return block[int(np.argmin(right))].k - 1
            last, block = block[-1].k, []
            if last == limit:
                return limit
    if not block:
        return prefix.k - 1
    right = _determined(model, letters, block)
    return block[-1].k if right.all() else block[int(np.argmin(right))].k - 1


def _prefixes(model: Model, limit: int) -> Iterator[_Prefix]:
    """The state after 1, 2, … letters a; all n have these in common."""
    network, a, b = model.network, model.vocabulary.id("a"), model.vocabulary.id("b")
    tape = network.forward(_column(model, "\n"), network.zero_state(1))
    right = int(network.logits(tape)[0, 0].argmax()) == a
    state = network.state_after(tape, 1)
    for k in range(1, limit + 1):
        tape = network.forward(_column(model, "a"), state)
        z = network.logits(tape)[0, 0]
        right = right and set(np.argsort(z)[-2:].tolist()) == {a, b}
        state = network.state_after(tape, 1)
        yield _Prefix(k, state, right)


def _determined(model: Model, letters: str, block: list[_Prefix]) -> NDArray[np.bool_]:
    """For each n of the block, whether all that follows the first b is predicted."""
    rests = ["".join(letter * prefix.k for letter in letters[1:]) for prefix in block]
    length = max(map(len, rests))
    x = _columns(model, [rest.ljust(length, "\n") for rest in rests])
    y = _columns(model, [rest[1:].ljust(length, "\n") for rest in rests])
    mask = np.arange(length)[:, None] < np.array([len(rest) for rest in rests])
    state = np.concatenate([prefix.state for prefix in block], axis=2)
    logits = model.network.logits(model.network.forward(x, state))
    return np.asarray(((logits.argmax(axis=-1) == y) | ~mask).all(axis=0))


def _column(model: Model, text: str) -> NDArray[np.int32]:
    return _columns(model, [text])


def _columns(model: Model, rows: list[str]) -> NDArray[np.int32]:
    ids = model.vocabulary.encode("".join(rows), "error", "the test text")
    return np.ascontiguousarray(ids.reshape(len(rows), -1).T)


def _experiment(name: str, letters: str, title: str) -> Experiment:
    key = f"largest N (trained to {TRAIN_N}, tested to {LARGEST_N})"

    def text(seed: int) -> str:
        return counting.strings(letters, Random(seed), TRAIN_LINES, 1, TRAIN_N)[0]

    def measure(trained: Trained, seed: int) -> Measures:
        return {key: largest_n(trained.model, letters)}

    cells = ("rnn", "gru", "lstm1997", "lstm", "peephole")
    return Experiment(name, title, cells, text, measure, {key: ".0f"})


ANBN = _experiment("anbn", "ab", "aⁿbⁿ")
ANBNCN = _experiment("anbncn", "abc", "aⁿbⁿcⁿ")
