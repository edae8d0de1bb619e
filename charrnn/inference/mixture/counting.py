"""Fitting the n-gram: sort the text's positions once, then read one order after another off them.

1. Positions sorted by the N symbols that begin there; equal grams of every order are neighbours.
2. How many symbols each position shares with the one before it: where that is below m, a gram of
   order m begins.
3. Order by order: the grams, their counts, and those that occur twice and are contexts of the next;
   the positions of all others are dropped.

Numba and NumPy (`numpy_counting`) give the same arrays. Numba sorts by counting, in N passes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.inference.mixture import numpy_counting
from charrnn.inference.mixture.trie import Trie, discounts, fresh, symbol_dtype

Array = NDArray[Any]
BYTES_PER_SYMBOL = 40  # that a stored n-gram takes at most


@dataclass(frozen=True)
class CountingKernels:
    """The loops over positions; the NumPy ones say what they do."""

    sorted_positions: Callable[[Array, int, int], Array]
    common_prefixes: Callable[[Array, int, int, Array], Array]
    level_sizes: Callable[[Array, int, int, Array, Array], tuple[Array, Array]]
    count_level: Callable[..., tuple[int, int, Array]]
    link_level: Callable[..., None]
    order_losses: Callable[[Trie, Sequence[int], Array, int], Array]


def fit(ids: Array, lengths: Array, K: int, order: int, kernels: CountingKernels) -> Trie:
    """The n-gram of sequences one after another in `ids`, of so many symbols each.

    Where order N needs more than `BYTES_PER_SYMBOL` of memory a symbol, the order is the highest
    that does not.
    """
    text = bounded_text(ids, lengths, K, order)
    positions = kernels.sorted_positions(text, K, order)
    shared = kernels.common_prefixes(text, K, order, positions)
    grams, contexts = kernels.level_sizes(text, K, order, positions, shared)
    order = affordable(grams, contexts, text.itemsize, len(ids))
    contexts[0], contexts[order:] = 1, 0
    G, C = int(grams[: order + 1].sum()), int(contexts.sum())
    trie = Trie(
        K, order, text, np.empty(G, text.dtype), np.empty(G, np.int32),
        np.empty(G - int(grams[order]), np.int32), np.empty(C + 1, np.int32),
        np.zeros(C, np.int32), np.zeros((order + 1, 4)),
    )  # fmt: skip
    begin = np.concatenate([[0], np.cumsum(contexts)])
    gram, room = 0, np.asarray(lengths)
    for m in range(1, order + 1):
        highest = m == order
        left, counted, number_of = kernels.count_level(
            text, K, m, highest, positions, shared, trie.symbol, trie.count, trie.ref, trie.first,
            (gram, int(begin[m - 1]), int(begin[m])),
        )  # fmt: skip
        gram += int(grams[m])
        # Grams after a context that occurs once are not stored; each has a count of 1.
        number_of[0] += int(np.maximum(room - m + 1, 0).sum()) - counted
        trie.discounts[m] = discounts(number_of)
        trie.first[begin[m]] = gram
        if not highest:
            kernels.link_level(
                trie.symbol, trie.ref, trie.first, trie.link, (begin[m - 1], begin[m])
            )
        positions, shared = positions[:left], shared[:left]
    return trie


def affordable(grams: Array, contexts: Array, symbol_bytes: int, symbols: int) -> int:
    """The highest order whose arrays take at most `BYTES_PER_SYMBOL` a symbol, and at least 1."""
    spent, order = symbol_bytes * symbols, 1
    for m in range(1, len(grams) - 1):
        spent += int(grams[m]) * (symbol_bytes + 4)
        if m > 1:
            spent += int(grams[m - 1]) * 4 + int(contexts[m - 1]) * 8
        # A text too short for this to matter keeps what it was asked for.
        if spent <= BYTES_PER_SYMBOL * max(symbols, 1 << 16):
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
    from charrnn.nn.backends.compiled import ngram as ngram_counting
    from charrnn.nn.backends.compiled import ngram as ngram_reading

    def order_losses(trie: Trie, orders: Sequence[int], ids: Array, scored: int) -> Array:
        stream = fresh(trie.K, 1)[0]
        return ngram_reading.order_losses(
            trie.flat, stream, np.array(orders), ids.astype(np.int64), scored
        )

    return CountingKernels(
        ngram_counting.sorted_positions,
        ngram_counting.common_prefixes,
        ngram_counting.level_sizes,
        ngram_counting.count_level,
        ngram_counting.link_level,
        order_losses,
    )
