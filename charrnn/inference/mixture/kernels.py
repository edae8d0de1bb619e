"""The mixture's loops, in NumPy and compiled, behind one signature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from charrnn.inference.mixture import mixing
from charrnn.inference.mixture.counting import (
    NUMPY_COUNTING,
    CountingKernels,
    compiled_counting,
)
from charrnn.inference.mixture.mixing import ENTROPIES, LENGTHS, LOWEST_LOG_P, Rates, Weights
from charrnn.inference.mixture.trie import Stream, Trie, advance
from charrnn.nn.backends.availability import has_compiled

Array = NDArray[Any]
Streams = NDArray[np.int64]
Scored = tuple[NDArray[np.float64], NDArray[np.int64]]
_BINS = (LENGTHS.astype(np.float64), ENTROPIES, LOWEST_LOG_P)


class MixtureKernels(Protocol):
    """`mixing.score_block` and `mixing.mix_block`, and streams that read without being scored."""

    def score_block(
        self, trie: Trie, orders: Sequence[int], weights: Weights, u: Array, rates: Rates | None,
        stream: Stream, Z: Array, y: Array,
    ) -> Scored: ...  # fmt: skip

    def mix_block(
        self, trie: Trie, orders: Sequence[int], weights: Weights, u: Array, ngram_weight: float,
        streams: Streams, Z: Array,
    ) -> None: ...  # fmt: skip

    def advance(self, trie: Trie, streams: Streams, ids: Array) -> None:
        """Each stream (B, columns) reads its id (B,)."""

    def read(self, trie: Trie, stream: Stream, ids: Array) -> None:
        """One stream reads ids (n,) one after another."""


class NumPyMixture:
    """The loops that read like the equations."""

    score_block = staticmethod(mixing.score_block)
    mix_block = staticmethod(mixing.mix_block)

    def advance(self, trie: Trie, streams: Streams, ids: Array) -> None:
        for stream, c in zip(streams, ids.tolist(), strict=True):
            advance(trie, stream, c)

    def read(self, trie: Trie, stream: Stream, ids: Array) -> None:
        for c in ids.tolist():
            advance(trie, stream, c)


class CompiledMixture:
    """The same by Numba. Needs the extra `fast`."""

    def __init__(self) -> None:
        from charrnn.nn.backends.compiled import mixing as compiled

        self._loops = compiled

    def score_block(
        self, trie: Trie, orders: Sequence[int], weights: Weights, u: Array, rates: Rates | None,
        stream: Stream, Z: Array, y: Array,
    ) -> Scored:  # fmt: skip
        nats, likeliest = np.empty((len(y), 3)), np.empty(len(y), np.int64)
        used = rates or Rates()
        self._loops.score_block(
            trie.flat, np.array(orders), _BINS, (weights.sets, weights.visits, u),
            (used.weights, used.floor, used.power, used.features), rates is not None,
            stream, np.ascontiguousarray(Z), y.astype(np.int64), nats, likeliest,
        )  # fmt: skip
        return nats, likeliest

    def mix_block(
        self, trie: Trie, orders: Sequence[int], weights: Weights, u: Array, ngram_weight: float,
        streams: Streams, Z: Array,
    ) -> None:  # fmt: skip
        self._loops.mix_block(*flat_mixture(trie, orders, weights, u, ngram_weight), streams, Z)

    def advance(self, trie: Trie, streams: Streams, ids: Array) -> None:
        self._loops.advance_block(trie.flat, streams, ids.astype(np.int64))

    def read(self, trie: Trie, stream: Stream, ids: Array) -> None:
        self._loops.read_block(trie.flat, stream, ids.astype(np.int64))


def flat_mixture(
    trie: Trie, orders: Sequence[int], weights: Weights, u: Array, ngram_weight: float
) -> tuple[Any, ...]:
    """A mixture as compiled loops take it."""
    learned = (weights.sets, weights.visits, u)
    return trie.flat, np.array(orders), _BINS, learned, float(ngram_weight)


def fastest_mixture() -> MixtureKernels:
    """The compiled loops where Numba works."""
    return CompiledMixture() if has_compiled() else NumPyMixture()


def fastest_counting() -> CountingKernels:
    """The compiled loops where Numba works."""
    return compiled_counting() if has_compiled() else NUMPY_COUNTING
