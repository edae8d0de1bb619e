"""Counting n-grams and reading text by them, compiled.

As `inference.mixture.numpy_counting` counts, in less memory: `text` holds symbols 0 … K - 1 and K
between sequences, before the first and, `order` times, after the last.

A trie is the tuple (text, symbol, count, ref, first, link, discounts) of `inference.mixture.trie`,
which says how it is read. A stream is a row of integers whose columns it names.
"""

from __future__ import annotations

import math

import numpy as np

from charrnn.nn.backends.compiled.compiling import compiled


@compiled
def sorted_positions(text, K, order):
    """Positions of symbols below K, sorted by the `order` symbols that begin there; stable."""
    n = 0
    for p in range(len(text)):
        n += text[p] < K
    here, there = np.empty(n, np.int32), np.empty(n, np.int32)
    n = 0
    for p in range(len(text)):
        if text[p] < K:
            here[n] = p
            n += 1
    for offset in range(order - 1, -1, -1):
        starts = np.zeros(K + 2, np.int64)
        for i in range(n):
            # Past the end of the text there is nothing but K.
            starts[text[min(here[i] + offset, len(text) - 1)] + 1] += 1
        for k in range(K + 1):
            starts[k + 1] += starts[k]
        for i in range(n):
            k = text[min(here[i] + offset, len(text) - 1)]
            there[starts[k]] = here[i]
            starts[k] += 1
        here, there = there, here
    return here


@compiled
def common_prefixes(text, K, order, positions):
    """How many of the first `order` symbols, before any K, each position shares with the last."""
    shared = np.zeros(len(positions), np.uint8)
    for i in range(1, len(positions)):
        a, b = positions[i - 1], positions[i]
        m = 0
        while m < order and text[a + m] == text[b + m] and text[a + m] < K:
            m += 1
        shared[i] = m
    return shared


@compiled
def level_sizes(text, K, order, positions, shared):
    """Grams of each order that are stored, (order + 1,), and contexts of each length."""
    grams, contexts = np.zeros(order + 2, np.int64), np.zeros(order + 2, np.int64)
    n = len(positions)
    for i in range(n):
        before = shared[i]
        after = shared[i + 1] if i + 1 < n else 0
        repeated = max(before, after)
        # Grams begin a run where they differ from what is before, and are stored where the
        # context, one symbol shorter, is repeated.
        for m in range(before + 1, min(repeated + 1, order) + 1):
            if text[positions[i] + m - 1] == K:
                break
            grams[m] += 1
            if after >= m:
                contexts[m] += 1
    return grams, contexts


@compiled
def count_level(text, K, m, highest, positions, shared, symbol, count, ref, first, at):
    """Write the grams of order m from number `at[0]` on; see `numpy_counting.count_level`.

    Returns how many positions are left, how many were counted, and how many grams have a count
    of 1, 2, 3 and 4.
    """
    gram, context, repeated = at
    n, kept, counted = len(positions), 0, 0
    number_of = np.zeros(5, np.int64)
    last = np.full(K + 1, -1, np.int64)  # the last gram that a symbol stands before
    i = 0
    while i < n:
        if i == 0 or shared[i] < m - 1:
            first[context] = gram
            context += 1
        c = text[positions[i] + m - 1]
        if c == K:
            i += 1
            continue
        end, value = i, 0
        while end == i or (end < n and shared[end] >= m):
            left = text[positions[end] - 1]
            if left == K:
                value += m > 1
            elif highest or last[left] != gram:
                value += 1
                last[left] = gram
            end += 1
        counted += end - i
        symbol[gram], count[gram] = c, value
        if 1 <= value <= 4:
            number_of[value] += 1
        if not highest:
            if end - i == 1:
                ref[gram] = -1 - (positions[i] + m)
            else:
                ref[gram] = repeated
                repeated += 1
                for j in range(i, end):
                    positions[kept], shared[kept] = positions[j], shared[j]
                    kept += 1
        gram += 1
        i = end
    return kept, counted, number_of[1:]


@compiled
def link_level(symbol, ref, first, link, parents):
    """`link` of the contexts one symbol longer than contexts `parents[0]` to `parents[1]`."""
    for parent in range(parents[0], parents[1]):
        shorter = link[parent]
        for g in range(first[parent], first[parent + 1]):
            if ref[g] >= 0:
                if parent == 0:
                    link[ref[g]] = 0
                else:
                    link[ref[g]] = ref[find(symbol, first, shorter, symbol[g])]


@compiled
def find(symbol, first, context, wanted):
    """The gram of a context and a symbol, -1 where it is not there."""
    low, high = first[context], first[context + 1]
    while low < high:
        middle = (low + high) // 2
        if symbol[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < first[context + 1] and symbol[low] == wanted else -1


CONTEXT, LENGTH, PLACE, LONGEST, RECENT = range(5)


@compiled
def forget(stream, K):
    """As a stream of `trie.fresh`."""
    stream[:] = K
    stream[CONTEXT], stream[LENGTH], stream[PLACE], stream[LONGEST] = 0, 0, -1, 0


@compiled
def advance(trie, stream, c):
    """Read symbol c. See `trie.advance`."""
    text, symbol, _, ref, first, link, discounts = trie
    limit = len(discounts) - 2  # symbols of the longest context
    context, length = stream[CONTEXT], stream[LENGTH]
    place, longest = -1, -1
    if stream[PLACE] >= 0 and text[stream[PLACE]] == c:
        place, longest = stream[PLACE] + 1, min(stream[LONGEST] + 1, limit)
    if length == limit and length > 0:
        context, length = link[context], length - 1
    while limit > 0:
        gram = find(symbol, first, context, c)
        if gram >= 0:
            if ref[gram] >= 0:
                context, length = ref[gram], length + 1
                break
            if longest < 0:
                place, longest = -1 - ref[gram], length + 1
        if length == 0:
            context = 0
            break
        context, length = link[context], length - 1
    stream[CONTEXT], stream[LENGTH], stream[PLACE] = context, length, place
    stream[LONGEST] = max(longest, length)
    for j in range(len(stream) - 1, RECENT, -1):
        stream[j] = stream[j - 1]
    stream[RECENT] = c


@compiled
def distributions(trie, stream, orders, path, p):
    """Fill p (len(orders), K), the orders rising. `path` (order) is scratch."""
    text, symbol, count, _, first, link, D = trie
    K = p.shape[1]
    context, length = stream[CONTEXT], stream[LENGTH]
    for depth in range(length, -1, -1):
        path[depth] = context
        context = link[context]
    o = 0
    row = p[0]
    row[:] = 1.0 / K
    for m in range(1, stream[LONGEST] + 2):
        if m <= length + 1:
            a, b = first[path[m - 1]], first[path[m - 1] + 1]
            total, taken = 0.0, 0.0
            for gram in range(a, b):
                total += count[gram]
                taken += D[m, min(count[gram], 3)]
            if total > 0:
                kept, share = taken / total, 1 / total
                for k in range(K):
                    row[k] *= kept
                for gram in range(a, b):
                    n = count[gram]
                    row[symbol[gram]] += (n - D[m, min(n, 3)]) * share
        else:
            c = text[stream[PLACE]]
            if c < K:
                for k in range(K):
                    row[k] *= D[m, 1]
                row[c] += 1 - D[m, 1]
        if m == orders[o] and o + 1 < len(orders):
            p[o + 1] = row
            o += 1
            row = p[o]
        elif m == orders[o]:
            break
    for rest in range(o + 1, len(orders)):
        p[rest] = row


@compiled
def order_losses(trie, stream, orders, ids, lengths, skipped):
    """See `numpy_counting.order_losses`."""
    K = stream[RECENT]
    p, path = np.empty((len(orders), K)), np.empty(len(trie[6]), np.int64)
    nats, scored, t = np.zeros(len(orders)), 0, 0
    for length in lengths:
        forget(stream, K)
        for place in range(length):
            if place > 0 and t >= skipped:
                distributions(trie, stream, orders, path, p)
                for o in range(len(orders)):
                    nats[o] -= math.log(p[o, ids[t]])
                scored += 1
            advance(trie, stream, ids[t])
            t += 1
    return nats / scored
