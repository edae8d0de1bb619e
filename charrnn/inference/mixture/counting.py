"""Fitting the n-gram: sort the text's positions once, then read one order after another off them.

1. Positions sorted by the N symbols that begin there; equal grams of every order are neighbours.
2. How many symbols each position shares with the one before it: where that is below m, a gram of
   order m begins.
3. Order by order: the grams, their counts, and those that occur twice and are contexts of the next;
   the positions of all others are dropped.

Numba and NumPy (`numpy_counting`) give the same arrays. Numba sorts by counting, in N passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.inference.mixture import numpy_counting
from charrnn.inference.mixture.trie import Trie, discounts, fresh, symbol_dtype
from charrnn.runtime.progress import working

Array = NDArray[Any]
BYTES_PER_SYMBOL = 40  # that a stored n-gram takes at most
HELD_OUT = 10  # the last 1 / HELD_OUT of what is counted chooses the order


@dataclass(frozen=True)
class CountingKernels:
    """The loops over positions; the NumPy ones say what they do."""

    sorted_positions: Callable[[Array, int, int], Array]
    common_prefixes: Callable[[Array, int, int, Array], Array]
    level_sizes: Callable[[Array, int, int, Array, Array], tuple[Array, Array]]
    count_level: Callable[..., tuple[int, int, Array]]
    link_level: Callable[..., None]
    order_losses: Callable[[Trie, Sequence[int], Array, Array, int], Array]


def fit(
    ids: Array, lengths: Array, K: int, order: int, kernels: CountingKernels,
    bytes_per_symbol: float = BYTES_PER_SYMBOL,
) -> Trie:  # fmt: skip
    """The n-gram of sequences one after another in `ids`, of so many symbols each.

    Where order N needs more than `bytes_per_symbol` of memory, the order is the highest that does
    not.
    """
    with working(f"counting the n-gram of {len(ids):,} characters", 2 * order) as done:
        levels = _Levels(ids, lengths, K, order, kernels, bytes_per_symbol)
        done(order)  # Numba sorts in as many passes
        for m in range(1, levels.order):
            levels.add(m)
            done()
        return levels.highest(levels.order)


def lowest_order(orders: Sequence[int], nats: Array, within: float = 0.0) -> int:
    """The lowest of rising orders whose nats (orders,) are within so many of the best."""
    # Where nothing was held out, nats are NaN, and none is better than the first.
    return orders[int(np.flatnonzero(~(nats > nats.min() + within))[0])]


def rising(
    ids: Array, lengths: Array, K: int, order: int, kernels: CountingKernels
) -> Iterator[Trie]:
    """The n-grams of order 1, 2, … `order`, each in memory that the next one uses."""
    levels = _Levels(ids, lengths, K, order, kernels, inf)
    for m in range(1, order + 1):
        yield levels.highest(m)
        if m < order:
            levels.add(m)


class _Levels:
    """Positions sorted once, and the arrays that one order after another is written into."""

    def __init__(
        self, ids: Array, lengths: Array, K: int, order: int, kernels: CountingKernels,
        bytes_per_symbol: float,
    ) -> None:  # fmt: skip
        self._K, self._kernels, self._lengths = K, kernels, np.asarray(lengths)
        text = bounded_text(ids, lengths, K, order)
        self._positions = kernels.sorted_positions(text, K, order)
        self._shared = kernels.common_prefixes(text, K, order, self._positions)
        grams, contexts = kernels.level_sizes(text, K, order, self._positions, self._shared)
        self.order = order = affordable(grams, contexts, text.itemsize, len(ids), bytes_per_symbol)
        contexts[0], contexts[order:] = 1, 0
        # Grams of lower orders, and contexts shorter than m.
        self._grams = np.concatenate([[0, 0], np.cumsum(grams[1 : order + 1])])
        self._contexts = np.concatenate([[0], np.cumsum(contexts)])
        G, C = int(self._grams[-1]), int(self._contexts[-1])
        self._text = text
        self._symbol, self._count = np.empty(G, text.dtype), np.empty(G, np.int32)
        self._ref = np.empty(G - int(grams[order]), np.int32)
        self._first, self._link = np.empty(C + 1, np.int32), np.zeros(C, np.int32)
        self._discounts = np.zeros((order + 1, 4))

    def add(self, m: int) -> None:
        """Write order m as one that higher ones go back to; their positions alone are left."""
        left = self._count_level(m, highest=False)
        self._kernels.link_level(
            self._symbol, self._ref, self._first, self._link,
            (self._contexts[m - 1], self._contexts[m]),
        )  # fmt: skip
        self._positions, self._shared = self._positions[:left], self._shared[:left]

    def highest(self, m: int) -> Trie:
        """The n-gram whose highest order is m, those below being there."""
        self._count_level(m, highest=True)
        G, C = int(self._grams[m + 1]), int(self._contexts[m])
        return Trie(
            self._K, m, self._text, self._symbol[:G], self._count[:G],
            self._ref[: self._grams[m]], self._first[: C + 1], self._link[:C],
            self._discounts[: m + 1],
        )  # fmt: skip

    def _count_level(self, m: int, *, highest: bool) -> int:
        at = (int(self._grams[m]), int(self._contexts[m - 1]), int(self._contexts[m]))
        left, counted, number_of = self._kernels.count_level(
            self._text, self._K, m, highest, self._positions, self._shared,
            self._symbol, self._count, self._ref, self._first, at,
        )  # fmt: skip
        # Grams after a context that occurs once are not stored; each has a count of 1.
        number_of[0] += int(np.maximum(self._lengths - m + 1, 0).sum()) - counted
        self._discounts[m] = discounts(number_of)
        self._first[self._contexts[m]] = self._grams[m + 1]
        return left


def affordable(
    grams: Array, contexts: Array, symbol_bytes: int, symbols: int, bytes_per_symbol: float
) -> int:
    """The highest order whose arrays take at most so many bytes a symbol, and at least 1."""
    spent, order = symbol_bytes * symbols, 1
    for m in range(1, len(grams) - 1):
        spent += int(grams[m]) * (symbol_bytes + 4)
        if m > 1:
            spent += int(grams[m - 1]) * 4 + int(contexts[m - 1]) * 8
        # A text too short for this to matter keeps what it was asked for.
        if spent <= bytes_per_symbol * max(symbols, 1 << 16):
            order = m
    return order


def bounded_text(ids: Array, lengths: Array, K: int, order: int) -> Array:
    """The sequences with K before each and `order` times after the last."""
    lengths = np.asarray(lengths, np.int64)
    text = np.full(len(ids) + len(lengths) + order, K, symbol_dtype(K))
    text[np.arange(len(ids)) + np.repeat(np.arange(len(lengths)) + 1, lengths)] = ids
    return text


NUMPY_COUNTING = CountingKernels(
    numpy_counting.sorted_positions,
    numpy_counting.common_prefixes,
    numpy_counting.level_sizes,
    numpy_counting.count_level,
    numpy_counting.link_level,
    numpy_counting.order_losses,
)


def compiled_counting() -> CountingKernels:
    """The same, compiled. Needs the extra `fast`."""
    from charrnn.nn.backends.compiled import ngram

    def order_losses(
        trie: Trie, orders: Sequence[int], ids: Array, lengths: Array, skipped: int
    ) -> Array:
        stream, order = fresh(trie.K, 1)[0], np.array(orders)
        return ngram.order_losses(
            trie.flat, stream, order, ids.astype(np.int64), np.asarray(lengths), skipped
        )

    return CountingKernels(
        ngram.sorted_positions,
        ngram.common_prefixes,
        ngram.level_sizes,
        ngram.count_level,
        ngram.link_level,
        order_losses,
    )
