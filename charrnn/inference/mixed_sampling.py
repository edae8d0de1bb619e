"""Sampling from the mixture of a network and an n-gram: what `inference.sampling` adds for it.

Each stream keeps what the n-gram has read of it, beside the network's state. A step is the
network's; then its logits become log-probabilities of the mixture, by weights that stay as they
are, and temperature, top-k, top-p and masks work on those.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.inference.beginning import Beginning
from charrnn.inference.mixture.model import Mixture
from charrnn.inference.reader import SCORING, Rows, read
from charrnn.nn.network import Network

Array = NDArray[Any]
Ids = NDArray[np.int32]
Streams = NDArray[np.int64]


@dataclass(frozen=True)
class WeightedMixture:
    """A mixture to sample from; `ngram_weight`, from 0 to 1, is how much its n-gram counts."""

    mixture: Mixture
    ngram_weight: float = 1.0

    def streams(self, read: Ids, B: int) -> Streams:
        """B streams, each of which has read ids (n,)."""
        one = self.mixture.streams(1)
        self.mixture.read(one[0], read)
        return np.repeat(one, B, axis=0)

    def step(self, streams: Streams, x: Ids, Z: Array, boundary: int | None) -> None:
        """The streams read ids x (B,); logits Z (B, K) become log-probabilities, in place."""
        if boundary is not None:
            streams[x == boundary] = self.mixture.streams(1)
        self.mixture.advance(streams, x)
        self.mixture.mix(streams, Z, self.ngram_weight)

    def compiled(self) -> tuple[Any, ...]:
        """What the compiled sampler takes."""
        return self.mixture.for_sampling(self.ngram_weight)


def log_probabilities(
    network: Network, mixed: WeightedMixture, ids: Any, rows: Rows,
    beginning: Beginning | None = None,
) -> Iterator[tuple[NDArray[np.int64], Array]]:  # fmt: skip
    """Places of inputs (n,) and log q (n, K) of what follows each, rows from the beginning, or a
    zero state.

    They come in no particular order of places.
    """
    for batch in SCORING.batches(rows.lengths):
        own = rows[batch]
        streams, state = mixed.mixture.streams(len(own)), None
        if beginning is not None:
            streams, state = mixed.streams(beginning.before, len(own)), beginning.states(len(own))
        for window in read(network, ids, own, steps=SCORING.steps(len(own)), state=state):
            Z = window.logits().astype(np.float64)
            for x, z in zip(ids[window.at], Z, strict=True):
                mixed.step(streams, x, z, None)
            yield window.at[window.mask], Z[window.mask]


def mixed_nats_of_rows(
    network: Network, mixed: WeightedMixture, ids: Ids, rows: Rows,
    beginning: Beginning | None = None,
) -> NDArray[np.float64]:  # fmt: skip
    """Nats (N,) of the characters that rows predict, each from the state of the beginning, or from
    a zero state; NaN for the others.
    """
    nats = np.full(len(ids), np.nan)
    for at, log_q in log_probabilities(network, mixed, ids, rows, beginning):
        nats[at + 1] = -log_q[np.arange(len(at)), ids[at + 1]]
    return nats
