"""The n-gram as arrays: a trie of grams whose contexts know themselves without their first symbol.

A context is a gram of 0 to N - 1 symbols that occurs at least twice. Context j has the grams
`first[j]` to `first[j + 1]`, sorted by the `symbol` that each adds; the contexts of one length
follow those of the length below, and 0 is the empty one. `ref` of a gram is

    j          where the gram is itself context j;
    -1 - q     where it occurs once: `text[q]` is what follows, and longer ones are read there.

So a position of the text adds at most one gram that occurs once, however high the order is.
`link[j]` is context j without its first symbol. `count` is a(g) of (MIX.1):
how often the gram occurs at order N, and how many symbols stand before it below that.

Reading a text by it: the longest context that the training text holds decides: all shorter ones are
its ends. Those that occur at least twice are found by `link` from the longest of them; those that
occur once all end at one place of the text, where what follows can be read. So p is made from the
empty context up,

    p_0(c) = 1 / K
    p_m(c) = (a(h c) - D_m(a(h c)) + Σ_c' D_m(a(h c')) · p_{m-1}(c)) / Σ_c' a(h c')      (MIX.1)

with h the last m - 1 characters, and stays p_m where longer ones are not known.

A stream is a row of integers, so that compiled loops go on from it; the columns are named below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
LEAST_DISCOUNT = 0.01
MAX_ORDER = 255


@dataclass(frozen=True)
class Trie:
    """A modified Kneser-Ney n-gram of order `order` over ids 0 … K - 1.

    `discounts` (order + 1, 4) are 0, D_1, D_2, D_3 of each order. `text` holds K before, between
    and after the sequences.
    """

    K: int
    order: int
    text: Array
    symbol: Array
    count: NDArray[np.int32]
    ref: NDArray[np.int32]
    first: NDArray[np.int32]
    link: NDArray[np.int32]
    discounts: NDArray[np.float64]

    @property
    def arrays(self) -> dict[str, Array]:
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name not in ("K", "order")
        }

    @cached_property
    def flat(self) -> tuple[Array, ...]:
        """As compiled loops take it."""
        return tuple(self.arrays.values())

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in self.arrays.values())

    def require_sound(self) -> None:
        """Raise ValueError where reading the arrays could go beyond them, or not end."""
        if not all(a.ndim == 1 + (n == "discounts") for n, a in self.arrays.items()):
            raise ValueError("its arrays have other dimensions")
        G, C, K = len(self.symbol), len(self.link), self.K
        lower = len(self.ref)  # grams below the highest order, which are the first
        sound = {
            "discounts": self.discounts.shape == (self.order + 1, 4)
            and bool((self.discounts[1:, 0] == 0).all() and _are_possible(self.discounts[1:, 1:])),
            "dtypes": self.text.dtype == self.symbol.dtype == symbol_dtype(K),
            "sizes": len(self.count) == G and lower <= G and len(self.first) == C + 1 and C > 0,
        }
        for name, is_sound in sound.items():
            if not is_sound:
                raise ValueError(f"its {name} do not fit together")
        first, contexts = self.first.astype(np.int64), self.ref[self.ref >= 0]
        sound = {
            "text": len(self.text) > 0 and bool((self.text <= K).all()) and self.text[-1] == K,
            "symbol": bool((self.symbol < K).all()),
            "count": bool((self.count >= 0).all()),
            "first": first[0] == 0 and first[-1] == G and bool((np.diff(first) >= 0).all()),
            # Each context is one gram, in order.
            "ref": np.array_equal(contexts, np.arange(1, C))
            and bool((-1 - self.ref[self.ref < 0].astype(np.int64) < len(self.text)).all()),
            "link": self.link[0] == 0 and bool((self.link >= 0).all()),
        }
        for name, is_sound in sound.items():
            if not is_sound:
                raise ValueError(f"its {name} array is not one of an n-gram")
        self._require_depths(first)

    def _require_depths(self, first: NDArray[np.int64]) -> None:
        """Only contexts below N - 1 characters have grams with a `ref`, and links to shorter."""
        begin, end = 0, 1
        for _ in range(self.order - 1):
            begin, end = end, end + int(np.count_nonzero(self.ref[first[begin] : first[end]] >= 0))
            if (self.link[begin:end] >= begin).any():
                raise ValueError("its link array is not one of an n-gram")
        if end != len(self.link) or first[begin] != len(self.ref):
            raise ValueError("its ref array is not one of an n-gram")


def _are_possible(taken: Array) -> bool:
    """Whether something is left of counts of 1, 2 and 3, and something taken off: p is above 0."""
    return bool(((taken >= LEAST_DISCOUNT) & (taken <= np.arange(1, 4) - LEAST_DISCOUNT)).all())


def symbol_dtype(K: int) -> np.dtype[Any]:
    """The smallest unsigned integer that holds 0 … K."""
    return np.min_scalar_type(K)


def discounts(number_of: Array) -> NDArray[np.float64]:
    """0, D_1, D_2, D_3, from how many grams have counts of 1 to 4; each less than its count."""
    n1, n2, n3, n4 = (int(n) for n in number_of)
    Y = n1 / (n1 + 2 * n2) if n1 else 0.5
    D = [0.0]
    for count, (here, above) in enumerate([(n1, n2), (n2, n3), (n3, n4)], 1):
        wanted = count - (count + 1) * Y * above / here if here else Y
        D.append(min(max(wanted, LEAST_DISCOUNT), count - LEAST_DISCOUNT))
    return np.array(D)


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
