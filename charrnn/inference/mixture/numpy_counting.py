"""The loops of `counting`, in NumPy: they say what the compiled ones do.

Positions are sorted by the ranks of the 1, 2, 4, … symbols that begin there (Manber & Myers 1993).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.inference.mixture.trie import Trie

Array = NDArray[Any]


def sorted_positions(text: Array, K: int, order: int) -> Array:
    """Positions of symbols below K, sorted by the `order` symbols that begin there; stable."""
    rank, known = text.astype(np.int64), 1
    while known < order:
        after = np.full(len(rank), K if known == 1 else int(rank.max()), np.int64)
        after[:-known] = rank[known:]
        pair = rank * (int(max(rank.max(), after.max())) + 1) + after
        rank, known = np.unique(pair, return_inverse=True)[1], 2 * known
    at = np.flatnonzero(text < K)
    return at[np.argsort(rank[at], kind="stable")].astype(np.int32)


def common_prefixes(text: Array, K: int, order: int, positions: Array) -> Array:
    """How many of the first `order` symbols, before any K, each position shares with the last."""
    shared = np.zeros(len(positions), np.uint8)
    same = np.ones(max(len(positions) - 1, 0), np.bool_)
    for m in range(order):
        a, b = text[positions[:-1] + m], text[positions[1:] + m]
        same &= (a == b) & (a < K)
        shared[1:] += same
    return shared


def level_sizes(
    text: Array, K: int, order: int, positions: Array, shared: Array
) -> tuple[Array, Array]:
    """Stored grams of each order 0 … order + 1, and contexts of each length."""
    grams, contexts = np.zeros(order + 2, np.int64), np.zeros(order + 2, np.int64)
    after = np.append(shared[1:], np.uint8(0))
    inside = np.ones(len(positions), np.bool_)
    for m in range(1, order + 1):
        inside &= text[positions + m - 1] < K
        begins = inside & (shared < m)
        grams[m] = np.count_nonzero(begins & (np.maximum(shared, after) >= m - 1))
        contexts[m] = np.count_nonzero(begins & (after >= m))
    return grams, contexts


def count_level(
    text: Array, K: int, m: int, highest: bool, positions: Array, shared: Array,
    symbol: Array, count: Array, ref: Array, first: Array, at: tuple[int, int, int],
) -> tuple[int, int, Array]:  # fmt: skip
    """Write the grams of order m, given the sorted positions in contexts of m - 1 symbols.

    `at` are the numbers of the first gram, of the first of those contexts, and of the first
    context of m symbols. Positions in these move to the front of `positions` and `shared`. Returns
    how many they are, how many positions were counted, and how many grams have counts of 1 to 4.
    """
    gram, context, repeated = at
    inside = text[positions + m - 1] < K  # not past the end of the sequence
    begins = inside & (shared < m)
    if len(shared):
        begins[0] = inside[0]
    new = np.flatnonzero(begins)
    of = np.cumsum(begins)[inside] - 1
    opens = np.append(True, shared[1:] < m - 1)[: len(shared)]
    here = np.cumsum(begins) - begins
    first[context : context + np.count_nonzero(opens)] = gram + here[opens]
    left = text[positions[inside] - 1].astype(np.int64)
    begun = left == K
    values = np.bincount(of[begun], minlength=len(new)) if m > 1 else np.zeros(len(new), np.int64)
    before = of[~begun] * K + left[~begun]
    values += np.bincount((before if highest else np.unique(before)) // K, minlength=len(new))
    symbol[gram : gram + len(new)] = text[positions[new] + m - 1]
    count[gram : gram + len(new)] = values
    number_of = np.bincount(np.minimum(values, 5), minlength=6)[1:5]
    if highest:
        return 0, len(of), number_of
    twice = np.bincount(of, minlength=len(new)) > 1
    ref[gram : gram + len(new)] = np.where(
        twice, repeated + np.cumsum(twice) - 1, -1 - (positions[new] + m)
    )
    keep = np.flatnonzero(inside)[twice[of]]
    positions[: len(keep)], shared[: len(keep)] = positions[keep], shared[keep]
    return len(keep), len(of), number_of


def link_level(
    symbol: Array, ref: Array, first: Array, link: Array, parents: tuple[int, int]
) -> None:
    """`link` of the contexts one symbol longer than contexts `parents[0]` to `parents[1]`."""
    if parents[0] == 0 or parents[0] == parents[1]:
        return  # one symbol without its first is the empty context, which is 0
    shorter = range(int(link[parents[0] : parents[1]].min()), int(parents[0]))
    of, known = _grams(symbol, first, shorter)
    width = int(symbol.max()) + 1
    keys = of * width + symbol[known]
    context, gram = _grams(symbol, first, range(*parents))
    longer = ref[gram] >= 0
    context, gram = context[longer], gram[longer]
    at = np.searchsorted(keys, link[context].astype(np.int64) * width + symbol[gram])
    link[ref[gram]] = ref[known[at]]


def _grams(symbol: Array, first: Array, contexts: range) -> tuple[Array, Array]:
    """Each gram of some contexts, and before it the context that it is of."""
    a, b = int(first[contexts.start]), int(first[contexts.stop])
    number: Array = np.diff(first[contexts.start : contexts.stop + 1]).astype(np.int64)
    return np.repeat(np.arange(contexts.start, contexts.stop), number), np.arange(a, b)


def order_losses(
    trie: Trie, orders: Sequence[int], ids: Array, lengths: Array, skipped: int
) -> Array:
    """Mean nats by p_m, for each m in `orders`, which rise, of sequences one after another.

    The first symbol of each is context only, and so are the first `skipped` of all.
    """
    before = np.arange(len(ids)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    counted = (before > 0) & (np.arange(len(ids)) >= skipped)
    p, means = np.full(len(ids), 1 / trie.K), []
    # The context of m - 1 symbols before each: its number; ref of its gram, where it occurs once.
    at, contexts = np.zeros(len(ids), np.int64), range(1)
    for m in range(1, orders[-1] + 1):
        reached, contexts = _order(trie, m, contexts, at, ids, p)
        at = np.concatenate([[NOWHERE], reached[:-1]])
        at[before < m] = NOWHERE
        if m in orders:
            means.append(-np.log(p[counted]).mean())
    return np.array(means)


NOWHERE = np.iinfo(np.int64).min


def _order(
    trie: Trie, m: int, contexts: range, at: Array, ids: Array, p: Array
) -> tuple[Array, range]:
    """From p_{m-1} to p_m, in place, of `ids` that follow contexts `at`.

    Returns where each of them leads to, as `at` says it, and the contexts of m symbols.
    """
    of, grams = _grams(trie.symbol, trie.first, contexts)
    a, D, of = trie.count[grams].astype(np.int64), trie.discounts[m], of - contexts.start
    taken = D[np.minimum(a, 3)]
    total, all_taken = (np.bincount(of, x, len(contexts)) for x in (a, taken))
    known, reached = np.flatnonzero(at >= 0), np.full(len(at), NOWHERE)
    h, keys = at[known] - contexts.start, of * trie.K + trie.symbol[grams]
    found = np.searchsorted(keys, h * trie.K + ids[known])
    found[found == len(keys)] = 0
    is_there = (keys[found] == h * trie.K + ids[known]) if len(keys) else found < 0
    kept = np.zeros(len(h))
    kept[is_there] = (a - taken)[found[is_there]]
    seen = total[h] > 0
    p[known[seen]] = (kept + all_taken[h] * p[known])[seen] / total[h][seen]

    once = np.flatnonzero((at < 0) & (at > NOWHERE))
    follows = trie.text[-1 - at[once]]
    once, follows = once[follows < trie.K], follows[follows < trie.K]
    p[once] = D[1] * p[once] + (1 - D[1]) * (follows == ids[once])

    begin = contexts.stop
    if m == trie.order:
        return reached, range(begin, begin)
    reached[known[is_there]] = trie.ref[grams[found[is_there]]]
    goes_on = once[follows == ids[once]]
    reached[goes_on] = at[goes_on] - 1
    return reached, range(begin, begin + int(np.count_nonzero(trie.ref[grams] >= 0)))
