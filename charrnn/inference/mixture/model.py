"""A network and a stored n-gram as one model: fitting, scoring, and mixing for sampling."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from charrnn.inference.mixture.counting import HELD_OUT, CountingKernels, fit, lowest_order
from charrnn.inference.mixture.kernels import (
    MixtureKernels,
    fastest_counting,
    fastest_mixture,
    flat_mixture,
)
from charrnn.inference.mixture.mixing import LOWER_ORDER, Rates, Weights, new_features, no_features
from charrnn.inference.mixture.trie import LONGEST, Trie, fresh

Array = NDArray[Any]
Learning = Literal["nothing", "weights", "everything"]
HIGHEST_AUTO = 24
ENOUGH = 0.005  # nats that a higher order has to bring, to be worth its memory
CANDIDATES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24)
NGRAM_WARMUP = 64  # characters read before those that are scored, where the text has them
AVERAGED = 100  # characters between two weights of a mean


@dataclass(frozen=True)
class Mixture:
    """An n-gram and the weights of both; `reached` are those of a validation part, on average."""

    trie: Trie
    reached: Weights | None = None
    kernels: MixtureKernels = field(default_factory=fastest_mixture, repr=False, compare=False)

    @classmethod
    def fitted(
        cls, ids: Array, lengths: Array, K: int, order: int | None = None,
        counting: CountingKernels | None = None, kernels: MixtureKernels | None = None,
    ) -> Mixture:  # fmt: skip
        """From sequences one after another in `ids`, of so many characters; no order is `auto`."""
        counting = counting or fastest_counting()
        kernels = kernels or fastest_mixture()
        if order is None:
            order = best_order(ids, lengths, K, counting)
        return cls(fit(ids, lengths, K, order, counting), None, kernels)

    @property
    def K(self) -> int:
        return self.trie.K

    @property
    def order(self) -> int:
        return self.trie.order

    @property
    def orders(self) -> tuple[int, ...]:
        """Those of the n-gram that are mixed."""
        return (LOWER_ORDER, self.order) if self.order > LOWER_ORDER else (self.order,)

    def initial_weights(self) -> Weights:
        """The same whatever the text: nothing of them is tuned on anything."""
        return Weights.equal(self.K, 1 + len(self.orders))

    def with_weights(self, reached: Weights) -> Mixture:
        return replace(self, reached=reached.copy())

    def scorer(
        self, learning: Learning = "weights", *, start: Literal["initial", "reached"] = "initial",
        rates: Rates | None = None, averages: bool = False,
    ) -> MixtureScorer:  # fmt: skip
        """`initial` where the part may be the one that `reached` was learned on. `averages`: for
        `mean_weights`.
        """
        weights = (self.reached if start == "reached" else None) or self.initial_weights()
        return MixtureScorer(self, weights.copy(), learning, rates, averages)

    def streams(self, n: int) -> NDArray[np.int64]:
        """What n streams have read, for `mix` and `advance`: rows that may be copied and stored."""
        return fresh(self.K, n)

    def read(self, stream: NDArray[np.int64], ids: Array) -> None:
        """One stream (a row) reads ids (n,)."""
        self.kernels.read(self.trie, stream, ids)

    def advance(self, streams: NDArray[np.int64], ids: Array) -> None:
        """Each stream reads its id (B,)."""
        self.kernels.advance(self.trie, streams, ids)

    def mix(self, streams: NDArray[np.int64], Z: Array, ngram_weight: float = 1.0) -> None:
        """Turn the network's logits Z (B, K) into log-probabilities of the mixture, in place.

        By the weights reached and (MIX.7). `ngram_weight` lowers the n-gram's: at 0 they are the
        network's.
        """
        self.kernels.mix_block(*self._frozen(ngram_weight), streams, Z)

    def for_sampling(self, ngram_weight: float = 1.0) -> tuple[Any, ...]:
        """For the compiled sampler: `mix` as it draws."""
        return flat_mixture(*self._frozen(ngram_weight))

    def _frozen(self, ngram_weight: float) -> tuple[Trie, tuple[int, ...], Weights, Array, float]:
        weights = self.reached or self.initial_weights()
        return self.trie, self.orders, weights, no_features(self.K), ngram_weight


@dataclass
class MixtureScorer:
    """Scores one text from its beginning to its end, and learns from each character once scored."""

    mixture: Mixture
    weights: Weights
    learning: Learning
    rates: Rates | None = None
    averages: bool = False

    def __post_init__(self) -> None:
        K = self.mixture.K
        self._features = new_features(K) if self.learning == "everything" else no_features(K)
        self._rates = None if self.learning == "nothing" else self.rates or Rates()
        self._sum, self._summed = np.zeros_like(self.weights.sets), 0
        self._scored = 0
        self.begin()

    def begin(self) -> None:
        """Begin a sequence: what was read is forgotten, what was learned is not."""
        self._stream = fresh(self.mixture.K, 1)[0]

    def read(self, ids: Array) -> None:
        """Read ids (n,) as context only; the last `NGRAM_WARMUP` of a long text are enough."""
        self.mixture.read(self._stream, ids[-NGRAM_WARMUP:])

    def score(self, Z: Array, y: Array) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The next characters y (n,), given the network's logits for them (n, K).

        Returns nats (n, 3), of the mixture, the network and the n-gram, and the likeliest (n,).
        """
        if not self.averages:
            return self._score(Z, y)
        nats, likeliest = np.empty((len(y), 3)), np.empty(len(y), np.int64)
        for at in self._pieces(len(y)):
            nats[at], likeliest[at] = self._score(Z[at], y[at])
        return nats, likeliest

    def mean_weights(self) -> Weights:
        """The mean along what was scored, as the last ones are much of what last surprised them."""
        if self._summed == 0:
            return self.weights.copy()
        return Weights(self._sum / self._summed, self.weights.visits.copy())

    def _pieces(self, n: int) -> Iterator[slice]:
        """Of the next n characters; the weights after each `AVERAGED` of the text are added up."""
        start = 0
        while start < n:
            stop = min(start + AVERAGED - self._scored % AVERAGED, n)
            yield slice(start, stop)
            self._scored += stop - start
            if self._scored % AVERAGED == 0:
                self._sum += self.weights.sets
                self._summed += 1
            start = stop

    def _score(self, Z: Array, y: Array) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        mixture = self.mixture
        return mixture.kernels.score_block(
            mixture.trie, mixture.orders, self.weights, self._features, self._rates,
            self._stream, Z, y,
        )  # fmt: skip

    @property
    def longest_context(self) -> int:
        """Characters of the longest context known now."""
        return int(self._stream[LONGEST])


def best_order(ids: Array, lengths: Array, K: int, counting: CountingKernels) -> int:
    """The lowest order that, counted without the last tenth, is there within `ENOUGH` of the best.

    Every order's p_m is read off one n-gram of order `HIGHEST_AUTO`, or of what memory allows.
    """
    held = max(len(ids) // HELD_OUT, 1)
    if len(ids) <= held + 1:
        return 1
    kept = np.minimum(lengths, np.maximum(len(ids) - held - (np.cumsum(lengths) - lengths), 0))
    trie = fit(ids[: len(ids) - held], kept[kept > 0], K, HIGHEST_AUTO, counting)
    orders = [m for m in CANDIDATES if m < trie.order] + [trie.order]
    text = ids[-held - NGRAM_WARMUP :]
    nats = counting.order_losses(trie, orders, text, np.array([len(text)]), len(text) - held)
    return lowest_order(orders, nats, within=ENOUGH)
