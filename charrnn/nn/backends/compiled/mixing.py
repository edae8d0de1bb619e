"""The mixture of a network and an n-gram, compiled; `inference.mixture.mixing` has the equations.

`trie` is (text, symbol, count, ref, first, link, discounts); `learned` is (sets, visits, u); `bins`
are the lengths and entropies that buckets are cut at, and the least logarithm.
"""

from __future__ import annotations

import math

import numpy as np

from charrnn.nn.backends.compiled.compiling import compiled
from charrnn.nn.backends.compiled.ngram import LONGEST, RECENT, advance, distributions

SETS = 4
LEAST_TOTAL = 1.0


@compiled
def score_block(trie, orders, bins, learned, rates, learns, stream, Z, y, nats, likeliest):
    """See `mixing.score_block`; fills nats (n, 3) and likeliest (n,)."""
    K = Z.shape[1]
    path, L, at, q = new_scratch((trie, orders, bins, learned, 1.0), K)
    for t in range(len(y)):
        c = y[t]
        _prepare(trie, orders, bins, learned[2], stream, Z[t], path, L, at)
        total = _mix(learned, L, at, 1.0, -np.inf, q)
        nats[t, 0] = math.log(total) - q[c]
        nats[t, 1], nats[t, 2] = -L[0, c], -L[len(orders), c]
        best = 0
        for k in range(K):
            if q[k] > q[best]:
                best = k
        likeliest[t] = best
        if learns:
            for k in range(K):
                q[k] = math.exp(q[k]) / total
            _learn(learned, L, at, rates, q, c)
        advance(trie, stream, c)


@compiled
def mix_block(trie, orders, bins, learned, ngram_weight, streams, Z):
    """See `mixing.mix_block`."""
    mixture = (trie, orders, bins, learned, ngram_weight)
    scratch = new_scratch(mixture, Z.shape[1])
    for stream in range(len(streams)):
        mix_row(mixture, streams[stream], Z[stream], scratch)


@compiled
def new_scratch(mixture, K):
    """What `mix_row` writes into."""
    trie, orders, _, learned, _ = mixture
    return (
        np.empty(len(trie[6]), np.int64),
        np.empty((1 + len(orders), K)),
        np.empty(SETS + len(learned[2]), np.int64),
        np.empty(K),
    )


@compiled
def mix_row(mixture, stream, z, scratch):
    """Turn the logits z (K,) of one stream into log q, for sampling."""
    trie, orders, bins, learned, ngram_weight = mixture
    path, L, at, q = scratch
    _prepare(trie, orders, bins, learned[2], stream, z, path, L, at)
    shift = math.log(_mix(learned, L, at, ngram_weight, LEAST_TOTAL, q))
    for k in range(len(q)):
        z[k] = q[k] - shift


@compiled
def advance_block(trie, streams, ids):
    """Each stream reads its id."""
    for stream in range(len(streams)):
        advance(trie, streams[stream], ids[stream])


@compiled
def read_block(trie, stream, ids):
    """One stream reads ids one after another."""
    for c in ids:
        advance(trie, stream, c)


@compiled
def _prepare(trie, orders, bins, u, stream, z, path, L, at):
    """Fill L (F, K) and `at`: the buckets of the four sets, then the rows of the features."""
    lengths, entropies, least = bins
    K, F = L.shape[1], L.shape[0]
    best = 0
    for k in range(K):
        if z[k] > z[best]:
            best = k
    total = 0.0
    for k in range(K):
        L[0, k] = np.float64(z[k]) - np.float64(z[best])
    for k in range(K):
        total += math.exp(L[0, k])
    shift, H_network = math.log(total), 0.0
    for k in range(K):
        L[0, k] -= shift
        H_network -= math.exp(L[0, k]) * L[0, k]
    distributions(trie, stream, orders, path, L[1:])
    H_ngram = 0.0
    for k in range(K):
        p = L[F - 1, k]
        L[F - 1, k] = math.log(p)
        H_ngram -= p * L[F - 1, k]
    for f in range(1, F - 1):
        for k in range(K):
            L[f, k] = math.log(L[f, k])
    for f in range(F):
        for k in range(K):
            L[f, k] = max(L[f, k], least)
    n = len(entropies) + 1
    known = _bin(stream[LONGEST], lengths)
    at[0] = 0
    at[1] = (known * n + _bin(H_ngram, entropies)) * n + _bin(H_network, entropies)
    at[2], at[3] = stream[RECENT], best
    h = np.uint64(0)
    for j in range(len(u)):
        h = h * np.uint64(1000003) + np.uint64(stream[RECENT + j]) + np.uint64(1)
        mixed = (h * np.uint64(11400714819323198485)) >> np.uint64(40)
        at[SETS + j] = np.int64(mixed) % u.shape[1]


@compiled
def _bin(x, bounds):
    found = 0
    while found < len(bounds) and x >= bounds[found]:
        found += 1
    return found


@compiled
def _mix(learned, L, at, ngram_weight, least, q):
    """Fill q (K,) with z less its largest, and return Σ exp q."""
    sets, _, u = learned
    F, K = L.shape
    missing = least - (1 - ngram_weight)
    for f in range(F):
        for s in range(SETS):
            missing -= ngram_weight * sets[s, at[s], f]
    for k in range(K):
        q[k] = 0.0
    for f in range(F):
        w = 0.0
        for s in range(SETS):
            w += sets[s, at[s], f]
        w *= ngram_weight
        if f == 0:
            w += 1 - ngram_weight
            w += max(missing, 0.0)
        row = L[f]
        for k in range(K):
            q[k] += w * row[k]
    for j in range(len(u)):
        features = u[j, at[SETS + j]]
        for k in range(K):
            q[k] += ngram_weight * features[k]
    top = q[0]
    for k in range(K):
        top = max(top, q[k])
    total = 0.0
    for k in range(K):
        q[k] -= top
        total += math.exp(q[k])
    return total


@compiled
def _learn(learned, L, at, rates, q, c):
    sets, visits, u = learned
    rate, floor, power, feature_rate = rates
    F, K = L.shape
    for s in range(SETS):
        visits[s, at[s]] += 1
    for f in range(F):
        expected = 0.0
        for k in range(K):
            expected += q[k] * L[f, k]
        for s in range(SETS):
            slower = max(floor, visits[s, at[s]] ** -power)
            sets[s, at[s], f] += rate * slower * (L[f, c] - expected)
    for j in range(len(u)):
        features = u[j, at[SETS + j]]
        for k in range(K):
            features[k] -= np.float32(feature_rate * q[k])
        features[c] += np.float32(feature_rate)
