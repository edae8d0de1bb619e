"""The mixture of a network and an n-gram, one character after another, in NumPy.

    L_0 = log p_network      L_1 = log p_6      L_2 = log p_N      of (MIX.1), each at least -16
    w = Σ_s W_s[b_s]                                                                       (MIX.2)
    z(c) = Σ_f w_f L_f(c) + Σ_j u_j[x_{t-j}…x_{t-1}, c]                                    (MIX.3)
    q = softmax(z)      E = -log q(x_t)                                                    (MIX.4)

The buckets b_s of the four sets of weights are: one for all characters; the length of the longest
known context together with both entropies; the last character; and the network's likeliest. Only
when E is known does the mixture learn from x_t, by the gradient of E,

    W_s[b_s] ← W_s[b_s] + η · max(floor, n^-power) · (L(x_t) - Σ_c q(c) L(c))              (MIX.5)
    u_j[…, c] ← u_j[…, c] + η_u · ([c = x_t] - q(c))                                       (MIX.6)

n being how often that bucket was learned from. Weights that add up to less than 1 say that both
parts are too sure of a text that they do not know. A sample is no such text, and would be flatter
than what both agree on; so for sampling

    w_0 ← w_0 + max(0, 1 - Σ_f w_f)                                                        (MIX.7)

Weights in contexts are those of PAQ (Mahoney 2005),
features of hashed contexts those of RNNME (Mikolov et al. 2011).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.inference.mixture.trie import (
    LONGEST,
    RECENT,
    RECENT_LENGTH,
    Stream,
    Trie,
    advance,
    distributions,
)
from charrnn.nn.window import log_softmax

LENGTHS = np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 20, 24, 28])
ENTROPIES = np.array([0.3, 1.0, 1.8])  # nats
SETS = 4
LOWER_ORDER = 6  # of the second distribution of the n-gram that is mixed
LOWEST_LOG_P = -16.0  # that is mixed
LEAST_TOTAL = 1.0  # of the weights, for sampling
FEATURE_NUMBERS = 1 << 21  # of each length of context


@dataclass(frozen=True)
class Rates:
    """Of learning: `weights` · max(`floor`, n^-`power`) at a weight's n-th use, and `features`."""

    weights: float = 0.02
    floor: float = 0.1
    power: float = 0.3
    features: float = 0.1


@dataclass(frozen=True)
class Weights:
    """`sets` (4, buckets, F), to be added up; how often each was learned from (4, buckets)."""

    sets: NDArray[np.float64]
    visits: NDArray[np.int64]

    @classmethod
    def equal(cls, K: int, F: int) -> Weights:
        """The network and the highest order are weighted one half each, whatever the text."""
        buckets = max((len(LENGTHS) + 1) * (len(ENTROPIES) + 1) ** 2, K + 1)
        sets = np.zeros((SETS, buckets, F))
        sets[0, 0, 0] = sets[0, 0, -1] = 0.5
        return cls(sets, np.zeros((SETS, buckets), np.int64))

    def copy(self) -> Weights:
        return Weights(self.sets.copy(), self.visits.copy())


def no_features(K: int) -> NDArray[np.float32]:
    """Features that are not used: (0, 1, K)."""
    return np.zeros((0, 1, K), np.float32)


def new_features(K: int) -> NDArray[np.float32]:
    """u (contexts' lengths, rows, K), all zero; what is not touched takes no memory."""
    return np.zeros((RECENT_LENGTH, max(FEATURE_NUMBERS // K, 1), K), np.float32)


Array = NDArray[Any]
Floats = NDArray[np.float64]
NATS = ("mixture", "network", "ngram")  # the columns of what a block's characters cost


@dataclass
class _Inputs:
    """L (F, K) of (MIX.2), the buckets of the sets, and the rows of the features."""

    L: Floats
    buckets: list[int]
    rows: list[int]


def score_block(
    trie: Trie, orders: Sequence[int], weights: Weights, u: Array, rates: Rates | None,
    stream: Stream, Z: Array, y: Array,
) -> tuple[Floats, NDArray[np.int64]]:  # fmt: skip
    """Score characters `y` (n,) given the network's logits Z (n, K), then learn from each.

    Returns nats (n, 3), as `NATS` names them, and the likeliest characters (n,). Nothing is learned
    where `rates` is None. `weights`, `u` and `stream` go on.
    """
    nats, likeliest = np.empty((len(y), 3)), np.empty(len(y), np.int64)
    for t, c in enumerate(y.tolist()):
        inputs = _inputs(trie, orders, weights, u, stream, Z[t])
        log_q = _mixed(inputs, weights, u)
        nats[t] = -log_q[c], -inputs.L[0, c], -inputs.L[-1, c]
        likeliest[t] = np.argmax(log_q)
        if rates is not None:
            _learn(inputs, weights, u, rates, np.exp(log_q), c)
        advance(trie, stream, c)
    return nats, likeliest


def mix_block(
    trie: Trie, orders: Sequence[int], weights: Weights, u: Array, ngram_weight: float,
    streams: NDArray[np.int64], Z: Array,
) -> None:  # fmt: skip
    """Turn the logits Z (B, K) of streams (B, columns) into log q, in place, for sampling.

    `ngram_weight`, from 0 to 1, draws w from the network alone to the mixture.
    """
    for stream, z in zip(streams, Z, strict=True):
        inputs = _inputs(trie, orders, weights, u, stream, z)
        z[:] = _mixed(inputs, weights, u, ngram_weight, LEAST_TOTAL)


def _inputs(
    trie: Trie, orders: Sequence[int], weights: Weights, u: Array, stream: Stream, z: Array
) -> _Inputs:
    network = log_softmax(z.astype(np.float64))
    p = distributions(trie, stream, orders)
    L = np.stack([network, *np.log(p)])
    entropies = np.digitize([-(np.exp(network) * network).sum(), -(p[-1] * L[-1]).sum()], ENTROPIES)
    n = len(ENTROPIES) + 1
    known = int(np.digitize(stream[LONGEST], LENGTHS))
    buckets = [
        0,
        (known * n + int(entropies[1])) * n + int(entropies[0]),
        int(stream[RECENT]),
        int(np.argmax(z)),
    ]
    recent = stream[RECENT : RECENT + len(u)]
    return _Inputs(np.maximum(L, LOWEST_LOG_P), buckets, feature_rows(recent, u.shape[1]))


def _mixed(
    inputs: _Inputs, weights: Weights, u: Array, ngram_weight: float = 1.0, least: float = -np.inf
) -> Floats:
    """log q (K,), by (MIX.2) to (MIX.4); the weights add up to `least` at least, by (MIX.7)."""
    w = sum((weights.sets[s, b] for s, b in enumerate(inputs.buckets)), np.zeros(len(inputs.L)))
    w = ngram_weight * w
    w[0] += 1 - ngram_weight
    w[0] += max(least - float(w.sum()), 0.0)
    z = w @ inputs.L
    for j, row in enumerate(inputs.rows):
        z = z + ngram_weight * u[j, row].astype(np.float64)
    return log_softmax(z)


def _learn(inputs: _Inputs, weights: Weights, u: Array, rates: Rates, q: Floats, c: int) -> None:
    gradient = inputs.L[:, c] - inputs.L @ q
    for s, b in enumerate(inputs.buckets):
        weights.visits[s, b] += 1
        slower = max(rates.floor, float(weights.visits[s, b]) ** -rates.power)
        weights.sets[s, b] += rates.weights * slower * gradient  # (MIX.5)
    for j, row in enumerate(inputs.rows):
        u[j, row] -= (rates.features * q).astype(np.float32)  # (MIX.6)
        u[j, row, c] += np.float32(rates.features)


def feature_rows(recent: Array, rows: int) -> list[int]:
    """The row of u_j that the last j characters, newest first, share with few other contexts."""
    found, h = [], 0
    for c in recent.tolist():
        h = (h * 1000003 + c + 1) % (1 << 64)
        found.append(((h * 11400714819323198485) % (1 << 64) >> 40) % rows)
    return found
