"""Reading text by a stored n-gram: what is known of the last characters, and what may follow.

The longest context that the training text holds decides: all shorter ones are its ends. Those that
occur at least twice are found by `link` from the longest of them; those that occur once all end at
one place of the text, where what follows can be read. So p is made from the empty context up,

    p_0(c) = 1 / K
    p_m(c) = (a(h c) - D_m(a(h c)) + Σ_c' D_m(a(h c')) · p_{m-1}(c)) / Σ_c' a(h c')      (MIX.1)

with h the last m - 1 characters, and stays p_m where longer ones are not known.

A stream is a row of integers, so that compiled loops go on from it; the columns are named below.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.inference.mixture.trie import Trie

Array = NDArray[Any]
Stream = NDArray[np.int64]

# The longest context that occurs at least twice, and its length; where the text goes on after the
# longest that occurs once, -1 where there is none; the length of the longest of both; and then
# the last characters, newest first, K where the sequence has none.
CONTEXT, LENGTH, PLACE, LONGEST, RECENT = range(5)
RECENT_LENGTH = 6


def fresh(K: int, streams: int) -> NDArray[np.int64]:
    """Streams (streams, columns) that have read nothing."""
    rows = np.full((streams, RECENT + RECENT_LENGTH), K, np.int64)
    rows[:, :RECENT] = (0, 0, -1, 0)
    return rows


def advance(trie: Trie, stream: Stream, c: int) -> None:
    """Read character c."""
    most = trie.order - 1
    place, longest = -1, -1
    if stream[PLACE] >= 0 and trie.text[stream[PLACE]] == c:
        place, longest = int(stream[PLACE]) + 1, min(int(stream[LONGEST]) + 1, most)
    context, length = int(stream[CONTEXT]), int(stream[LENGTH])
    if length == most and length > 0:
        context, length = int(trie.link[context]), length - 1
    while most > 0:
        gram = find(trie, context, c)
        if gram >= 0 and trie.ref[gram] >= 0:
            context, length = int(trie.ref[gram]), length + 1
            break
        if gram >= 0 and longest < 0:
            place, longest = -1 - int(trie.ref[gram]), length + 1
        if length == 0:
            break
        context, length = int(trie.link[context]), length - 1
    stream[:RECENT] = (context, length, place, max(longest, length))
    stream[RECENT + 1 :] = stream[RECENT:-1].copy()
    stream[RECENT] = c


def find(trie: Trie, context: int, c: int) -> int:
    """The gram of a context and a character, -1 where it never occurred."""
    a, b = int(trie.first[context]), int(trie.first[context + 1])
    gram = a + int(np.searchsorted(trie.symbol[a:b], c))
    return gram if gram < b and trie.symbol[gram] == c else -1


def distributions(trie: Trie, stream: Stream, orders: Sequence[int]) -> NDArray[np.float64]:
    """p_m (len(orders), K) of the next character, for the m in `orders`, which rise."""
    known = {0: np.full(trie.K, 1 / trie.K)}
    D = trie.discounts
    for m, context in enumerate(_contexts(trie, stream), 1):
        grams = slice(int(trie.first[context]), int(trie.first[context + 1]))
        a, p = trie.count[grams].astype(np.int64), known[m - 1].copy()
        taken = D[m][np.minimum(a, 3)]
        if a.sum() > 0:
            p *= taken.sum() / a.sum()
            p[trie.symbol[grams]] += (a - taken) / a.sum()
        known[m] = p
    for m in range(int(stream[LENGTH]) + 2, int(stream[LONGEST]) + 2):
        c, p = int(trie.text[stream[PLACE]]), known[m - 1].copy()
        if c < trie.K:  # the sequence goes on there: a(h c) = 1
            p *= D[m, 1]
            p[c] += 1 - D[m, 1]
        known[m] = p
    highest = max(known)
    return np.stack([known[min(m, highest)] for m in orders])


def _contexts(trie: Trie, stream: Stream) -> list[int]:
    """Those that occur at least twice, the empty one first."""
    found = [int(stream[CONTEXT])]
    for _ in range(int(stream[LENGTH])):
        found.append(int(trie.link[found[-1]]))
    return found[::-1]
