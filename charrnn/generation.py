"""Sampling: one character at a time from the model's distribution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.network import Network

SAMPLING = 3  # names this use of the seed


@dataclass(frozen=True)
class Sampling:
    """How the next character is chosen.

    `temperature` divides the logits; 0 always takes the likeliest. `top_k` keeps the k likeliest;
    `top_p` the fewest likeliest whose probabilities reach p (Holtzman et al. 2020).
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None

    def choose(self, z: NDArray[np.floating[Any]], rng: np.random.Generator) -> int:
        """An id, given logits z (K,)."""
        if self.temperature == 0:
            return int(np.argmax(z))
        cumulative = np.cumsum(self.probabilities(z))
        chosen = int(np.searchsorted(cumulative, rng.random(), side="right"))
        # Rounding can leave the last sum a little below 1.
        return min(chosen, len(cumulative) - 1)

    def probabilities(self, z: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """The distribution (K,) that is drawn from, in float64."""
        scaled = (z.astype(np.float64) - float(z.max())) / self.temperature
        p = np.exp(scaled)
        p /= p.sum()
        if self.top_k is not None and self.top_k < len(p):
            p[np.argsort(-p, kind="stable")[self.top_k :]] = 0
        if self.top_p is not None:
            order = np.argsort(-p, kind="stable")
            before = np.cumsum(p[order]) - p[order]
            p[order[before >= self.top_p * p.sum()]] = 0
        return np.asarray(p / p.sum())


def sample(
    network: Network,
    prime: NDArray[np.int32],
    length: int,
    sampling: Sampling,
    seed: int,
    boundary: int | None = None,
    index: int = 0,
) -> Iterator[int]:
    """Ids of `length` characters that follow `prime` (ids, at least one).

    `boundary` (lines mode) resets the state: each line is a sequence of its own. `index` tells
    several samples of one seed apart.
    """
    rng = np.random.default_rng([SAMPLING, seed, index])
    zero = network.zero_state(1)
    tape = network.forward(_last_sequence(prime, boundary)[:, None], zero)
    z = network.logits(tape, first=tape.T - 1)[0, 0]
    state = network.state_after(tape, tape.T)
    x = np.empty((1, 1), np.int32)
    for _ in range(length):
        chosen = sampling.choose(z, rng)
        yield chosen
        if chosen == boundary:
            state = zero
        x[0, 0] = chosen
        tape = network.forward(x, state)
        z = network.logits(tape)[0, 0]
        state = network.state_after(tape, 1)


def _last_sequence(prime: NDArray[np.int32], boundary: int | None) -> NDArray[np.int32]:
    """The part of the prime that the state has seen: from its last boundary on, in lines mode."""
    if boundary is None:
        return prime
    at = np.flatnonzero(prime == boundary)
    return prime[at[-1] :] if len(at) else prime
