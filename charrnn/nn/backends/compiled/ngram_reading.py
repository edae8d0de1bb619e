"""Reading text by a stored n-gram, compiled; `inference.mixture.reading` says what each does.

A trie is the tuple (text, symbol, count, ref, first, link, discounts) of `inference.mixture.trie`.
A stream is a row of integers whose columns it names.
"""

from __future__ import annotations

import math

import numpy as np

from charrnn.nn.backends.compiled.compiling import compiled
from charrnn.nn.backends.compiled.ngram_counting import find

CONTEXT, LENGTH, PLACE, LONGEST, RECENT = range(5)


@compiled
def forget(stream, K):
    """As a stream of `reading.fresh`."""
    stream[:] = K
    stream[CONTEXT], stream[LENGTH], stream[PLACE], stream[LONGEST] = 0, 0, -1, 0


@compiled
def advance(trie, stream, c):
    """Read symbol c. See `reading.advance`."""
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
def order_losses(trie, stream, orders, ids, scored):
    """See `numpy_counting.order_losses`."""
    p, path = np.empty((len(orders), stream[RECENT])), np.empty(len(trie[6]), np.int64)
    nats = np.zeros(len(orders))
    for t in range(len(ids)):
        if t >= len(ids) - scored:
            distributions(trie, stream, orders, path, p)
            for o in range(len(orders)):
                nats[o] -= math.log(p[o, ids[t]])
        advance(trie, stream, ids[t])
    return nats / scored
