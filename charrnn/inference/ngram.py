"""An interpolated character n-gram with modified Kneser-Ney smoothing (Chen & Goodman 1998).

    p_m(c | h) = (a(h c) - D(a(h c)) + Σ_c' D(a(h c')) · p_{m-1}(c | h')) / Σ_c' a(h c')

h are m - 1 characters, h' all but the first of them, and p_0 = 1 / K. At the highest order a(g)
is how often g occurs; below it is how many characters stand before g, and where g begins a
sequence, which has none before it, how often. After an h that never occurred p_m = p_{m-1}.
D takes off D_1, D_2 or D_3 for a = 1, 2, and 3 or more.

Grams are told apart exactly: the id of a gram is the rank of the pair (id of all but its first
character, first character), so that one sort of the text's positions makes each order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HIGHEST = 10  # characters of the longest gram
SMALLEST_DISCOUNT = 0.01

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sequences:
    """Sequences one after another: `ids` (N,), and how many characters each has `before` it.

    A sequence's first character is context, and never predicted.
    """

    ids: Ints
    before: Ints

    @classmethod
    def of(cls, ids: Ints, lengths: Ints) -> Sequences:
        """From ids and how many of them belong to each sequence."""
        starts = np.repeat(np.cumsum(lengths) - lengths, lengths)
        return cls(ids, np.arange(len(ids)) - starts)


def losses(train: Sequences, scored: Sequences, K: int, highest: int) -> Iterator[Floats]:
    """Nats of each predicted character of `scored`, by the n-gram of order 1, 2, …, `highest`."""
    targets = np.flatnonzero(scored.before > 0)
    lower = np.full(len(targets), 1 / K)
    found = np.zeros(len(scored.ids), np.int64)
    for level in _levels(train, K, highest):
        contexts = np.where(scored.before[targets] >= level.order - 1, found[targets - 1], -1)
        if level.order == 1:
            contexts[:] = 0
        found = level.find(scored, found)
        known = contexts >= 0
        h, g = contexts[known], found[targets[known]]
        highest_p, lower_p = lower.copy(), lower
        highest_p[known] = level.counts.probabilities(h, g, lower[known])
        yield -np.log(highest_p)
        lower_p[known] = level.continuations.probabilities(h, g, lower[known])


@dataclass(frozen=True)
class _Smoothed:
    """What is left of each gram's count, and per context the sum of counts and of discounts."""

    left: Floats
    total: Floats
    taken: Floats

    @classmethod
    def of(cls, counts: Ints, contexts: Ints, C: int) -> _Smoothed:
        taken = _discounts(counts)[np.minimum(counts, 3)]
        total: Floats = np.bincount(contexts, counts, C).astype(np.float64)
        return cls(counts - taken, total, np.bincount(contexts, taken, C).astype(np.float64))

    def probabilities(self, h: Ints, g: Ints, lower: Floats) -> Floats:
        """p_m for contexts h and grams g, -1 for a gram that never occurred."""
        total, left = self.total[h], np.zeros(len(g))
        left[g >= 0] = self.left[g[g >= 0]]
        with np.errstate(invalid="ignore"):
            p = (left + self.taken[h] * lower) / total
        return np.where(total > 0, p, lower)


def _discounts(counts: Ints) -> Floats:
    """0, D_1, D_2, D_3, from how many grams have counts of 1 to 4; each less than its count."""
    n1, n2, n3, n4 = np.bincount(np.clip(counts, 0, 5), minlength=6)[1:5].tolist()
    Y = n1 / (n1 + 2 * n2) if n1 else 0.5
    D = [0.0]
    for count, (here, above) in enumerate([(n1, n2), (n2, n3), (n3, n4)], 1):
        wanted = count - (count + 1) * Y * above / here if here else Y
        D.append(min(max(wanted, SMALLEST_DISCOUNT), count - SMALLEST_DISCOUNT))
    return np.array(D)


@dataclass(frozen=True)
class _Grams:
    """The distinct grams of one order, sorted by (id without the first character) · K + it."""

    order: int
    K: int
    keys: Ints
    of_position: Ints  # the gram that ends at a position; -1 where it would begin too early

    @classmethod
    def longer(cls, text: Sequences, shorter: _Grams | None, K: int) -> _Grams:
        order = shorter.order + 1 if shorter else 1
        at = np.flatnonzero(text.before >= order - 1)
        tails = shorter.of_position[at] if shorter else 0
        keys, ranks = np.unique(tails * K + text.ids[at - (order - 1)], return_inverse=True)
        of_position = np.full(len(text.ids), -1, np.int64)
        of_position[at] = ranks
        return cls(order, K, keys, of_position)


@dataclass(frozen=True)
class _Level:
    """One order: its grams, how often they occur, and how many characters stand before them."""

    order: int
    K: int
    keys: Ints
    counts: _Smoothed
    continuations: _Smoothed

    def find(self, scored: Sequences, tails: Ints) -> Ints:
        """The gram that ends at each position of another text; -1 where it is none of these."""
        found = np.full(len(tails), -1, np.int64)
        if not len(self.keys):
            return found
        at = np.flatnonzero((tails >= 0) & (scored.before >= self.order - 1))
        wanted = tails[at] * self.K + scored.ids[at - (self.order - 1)]
        ranks = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        found[at] = np.where(self.keys[ranks] == wanted, ranks, -1)
        return found


def _levels(text: Sequences, K: int, highest: int) -> Iterator[_Level]:
    shorter, grams = None, _Grams.longer(text, None, K)
    while grams.order <= highest:
        longer = _Grams.longer(text, grams, K)
        yield _level(text, shorter, grams, longer)
        shorter, grams = grams, longer


def _level(text: Sequences, shorter: _Grams | None, grams: _Grams, longer: _Grams) -> _Level:
    n = len(grams.keys)
    targets = np.flatnonzero(text.before >= max(grams.order - 1, 1))
    ranks = grams.of_position[targets]
    contexts = np.zeros(n, np.int64)
    if shorter is not None:
        contexts[ranks] = shorter.of_position[targets - 1]
    C = len(shorter.keys) if shorter else 1
    occurrences = np.bincount(ranks, minlength=n)
    first = ranks[text.before[targets] == grams.order - 1]
    # A first character is only ever context: it is not itself predicted after what stands before.
    continuations = np.bincount(longer.keys // grams.K, minlength=n)
    continuations += np.bincount(first, minlength=n)
    return _Level(
        grams.order, grams.K, grams.keys,
        _Smoothed.of(occurrences, contexts, C), _Smoothed.of(continuations, contexts, C),
    )  # fmt: skip
