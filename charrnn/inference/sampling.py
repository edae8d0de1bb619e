"""Sampling: one character at a time from the model's distribution.

`sample` reads the prime and asks a sampler, which may be this file's or a compiled one, for some
steps at a time: each steps the network, chooses an id by `Sampling.choose` and feeds it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.data.layout import LINE_END
from charrnn.data.vocabulary import Vocabulary
from charrnn.inference.beginning import Beginning
from charrnn.inference.mixed_sampling import WeightedMixture
from charrnn.inference.reader import state_after
from charrnn.inference.valid_sampling import HeldStreams, Utf8
from charrnn.nn.network import Network, logits_not_finite
from charrnn.runtime.workers import WorkerPool

Array = NDArray[Any]
Ids = NDArray[np.int32]
Uniforms = NDArray[np.float64]
# (x (B,), state, uniforms (n, B)) → (the n ids that follow, (n, B); the state before the last).
# Of a mixture also what its n-gram has read before x, (B, columns), which goes on; and, held to
# valid UTF-8, `HeldStreams`, whose x is what follows the last of the ids.
GenerateSteps = Callable[..., tuple[Ids, Array]]

SAMPLING = 3  # names this use of the seed
FIRST_CHUNK, LARGEST_CHUNK = 16, 1024
MIN_STREAMS_PER_WORKER = 8  # fewer are not worth a thread
ROUNDING = 1e-12  # of a sum of probabilities, as a share of it


@dataclass(frozen=True)
class Sampling:
    """How the next character is chosen.

    `temperature` divides the logits; 0 always takes the likeliest. `top_k` keeps the k likeliest;
    `top_p` the fewest likeliest whose probabilities reach p (Holtzman et al. 2020), up to rounding.
    Of equal ones the first ids are the likelier. Ids that `allowed` (K,) denies are never chosen.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    allowed: NDArray[np.bool_] | None = None

    @property
    def is_certain(self) -> bool:
        """Whether it is always the likeliest."""
        return self.temperature == 0 or self.top_k == 1

    def choose(self, z: NDArray[np.floating[Any]], uniform: float) -> int:
        """An id, given logits z (K,) and a number drawn uniformly from [0, 1)."""
        if self.allowed is not None:
            z = np.where(self.allowed, z, -np.inf)
        if self.temperature == 0:
            require_finite(z)
            return int(np.argmax(z))
        p = self.probabilities(z)
        cumulative = np.cumsum(p)
        chosen = int(np.searchsorted(cumulative, uniform * cumulative[-1], side="right"))
        # Rounding can leave the last sum a little below 1.
        return min(chosen, int(np.flatnonzero(p)[-1]))

    def distribution(self, z: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """How likely `choose` gives each id (K,), in float64."""
        if self.allowed is not None:
            z = np.where(self.allowed, z, -np.inf)
        if self.temperature == 0:
            require_finite(z)
            return np.eye(len(z))[int(np.argmax(z))]
        return self.probabilities(z)

    def probabilities(self, z: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """The distribution (K,) that is drawn from, in float64.

        Raises DivergenceError where there is none.
        """
        require_finite(z)
        with np.errstate(over="ignore"):  # a tiny temperature: -inf, whose exp is 0
            scaled = (z.astype(np.float64) - float(z.max())) / self.temperature
        p = np.exp(scaled)
        p /= p.sum()
        # By z: at a high temperature the order of p is lost in rounding.
        order = np.argsort(-z, kind="stable")
        if self.top_k is not None:
            p[order[self.top_k :]] = 0
        if self.top_p is not None and self.top_p < 1:
            before = np.cumsum(p[order]) - p[order]
            p[order[before >= self.top_p * p.sum() * (1 - ROUNDING)]] = 0
        return np.asarray(p / p.sum())


def require_finite(z: NDArray[np.floating[Any]]) -> None:
    """Raise DivergenceError unless logits z say what is likeliest; -inf is never chosen."""
    if not np.isfinite(z.max()):
        raise logits_not_finite()


def numpy_sampler(
    network: Network,
    sampling: Sampling,
    boundary: int | None = None,
    mixed: WeightedMixture | None = None,
) -> GenerateSteps:
    """Steps the network's own forward pass; after `boundary` the state is zero."""

    def generate_steps(
        x: Ids, state: Array, uniforms: Uniforms, streams: Array | None = None,
        held: HeldStreams | None = None,
    ) -> tuple[Ids, Array]:  # fmt: skip
        ids, state = np.empty(uniforms.shape, np.int32), state.copy()
        for t, row in enumerate(uniforms):
            if held is not None:
                held.hold(x, state, streams)
            if boundary is not None:
                state[:, :, x == boundary] = 0
            tape = network.forward(x[None], state)
            Z = network.logits(tape)[0]
            state = network.state_after(tape, 1)
            if mixed is not None and streams is not None:
                mixed.step(streams, x, Z, boundary)
            if held is not None and sampling.is_certain:
                Z = np.where(held.utf8.able[held.phase], Z, -np.inf)
            ids[t] = x = np.array(
                [sampling.choose(z, u) for z, u in zip(Z, row, strict=True)], np.int32
            )
            if held is not None:
                x = held.follow(x, state, streams)
        return ids, state

    return generate_steps


def shared_sampler(pool: WorkerPool, generate_steps: GenerateSteps) -> GenerateSteps:
    """The same by a pool's workers, each with streams of its own, where there are many streams.

    `generate_steps` must be safe to run in several threads.
    """

    def share(
        x: Ids, state: Array, uniforms: Uniforms, read: Array | None = None,
        held: HeldStreams | None = None,
    ) -> tuple[Ids, Array]:  # fmt: skip
        def part(_: int, network: Network, streams: range) -> tuple[Ids, Array]:
            own = slice(streams.start, streams.stop)
            return generate_steps(
                x[own], state[:, :, own], np.ascontiguousarray(uniforms[:, own]),
                *([] if read is None and held is None else [None if read is None else read[own]]),
                *([] if held is None else [held.of(own)]),
            )  # fmt: skip

        ids, states = zip(*pool.run(len(x), part, least=MIN_STREAMS_PER_WORKER), strict=True)
        return np.concatenate(ids, axis=1), np.concatenate(states, axis=2)

    return share


def sample(
    network: Network,
    prime: Ids,
    length: int,
    generate_steps: GenerateSteps,
    seed: int,
    boundary: int | None = None,
    indices: Sequence[int] = (0,),
    mixed: WeightedMixture | None = None,
    utf8: Utf8 | None = None,
    beginning: Beginning | None = None,
) -> Iterator[Ids]:
    """Ids (n, B) of B = len(indices) streams, some n at a time, until each has `length`.

    `prime` (ids, at least one) is read once. `indices` tell several samples of one seed apart:
    each gives the same text whatever others are sampled beside it, up to rounding. `mixed`: what
    `generate_steps` samples from, if not from the network alone. `utf8`: hold the streams to valid
    UTF-8; the ids are all that was drawn, and `ValidOnly` knows which of them stay. The prime is
    read from the state of `beginning`, whose id it begins with, or from zeros.
    """
    B = len(indices)
    rngs = [np.random.default_rng([SAMPLING, seed, index]) for index in indices]
    state = np.repeat(state_before_last(network, prime, boundary, beginning), B, axis=2)
    x = np.full(B, prime[-1], np.int32)
    read = None if mixed is None else mixed.streams(read_before_last(prime, boundary, beginning), B)
    held = None if utf8 is None else utf8.streams(x, state, read)
    more: list[Any] = [] if read is None else [read]
    if held is not None:
        more = [read, held]
    chunk = FIRST_CHUNK
    while length > 0:
        n = min(chunk, length)
        uniforms = np.stack([rng.random(n) for rng in rngs], axis=1)
        ids, state = generate_steps(x, state, uniforms, *more)
        yield ids
        x, length = ids[-1] if held is None else held.x.copy(), length - n
        chunk = min(2 * chunk, LARGEST_CHUNK)


def writable(vocabulary: Vocabulary) -> NDArray[np.bool_] | None:
    """Which ids (K,) a sample may hold: not that of unknown characters; None where all may."""
    if vocabulary.unknown is None:
        return None
    mask = np.ones(vocabulary.K, np.bool_)
    mask[vocabulary.id(vocabulary.unknown)] = False
    return mask


def next_logits(
    network: Network, prime: Ids, boundary: int | None = None,
    mixed: WeightedMixture | None = None, beginning: Beginning | None = None,
) -> Array:  # fmt: skip
    """z (K,) for the character after a prime (ids, at least one); log q of a mixture."""
    state = state_before_last(network, prime, boundary, beginning)
    Z = network.logits(network.forward(prime[-1:, None], state))[0].astype(np.float64)
    if mixed is not None:
        streams = mixed.streams(read_before_last(prime, boundary, beginning), 1)
        mixed.step(streams, prime[-1:], Z, boundary)
    return Z[0]


def state_before_last(
    network: Network, prime: Ids, boundary: int | None, beginning: Beginning | None = None
) -> Array:
    """The state (L, n, 1, H) before the prime's last character is read."""
    read = last_sequence(prime, boundary)[:-1]
    state = None if beginning is None or boundary is not None else beginning.state
    return state_after(network, read[:, None], state)


def read_before_last(prime: Ids, boundary: int | None, beginning: Beginning | None) -> Ids:
    """What an n-gram has read before the prime's last character."""
    read = last_sequence(prime, boundary)[:-1]
    if beginning is None or boundary is not None:
        return read
    return np.concatenate([beginning.before, read]).astype(np.int32)


def last_sequence(prime: Ids, boundary: int | None) -> Ids:
    """The part of the prime that the state has seen: from its last boundary on, if any."""
    if boundary is None:
        return prime
    at = np.flatnonzero(prime == boundary)
    return prime[at[-1] :] if len(at) else prime


class StopConditions:
    """A text ends before the first of `texts` in it, or after its N-th line end or sequence.

    `boundary`: the symbol that ends a sequence, None of a stream.
    """

    def __init__(
        self, texts: Iterable[str] = (), lines: int | None = None, sequences: int | None = None,
        boundary: str | None = None,
    ) -> None:  # fmt: skip
        self.texts, self.lines = tuple(text for text in texts if text), lines
        self.sequences, self.boundary = sequences, boundary

    def __bool__(self) -> bool:
        return bool(self.texts) or self.lines is not None or self.sequences is not None

    def truncate(
        self, pieces: Iterable[str], truncation: Truncation | None = None
    ) -> Iterator[str]:
        """The text up to its end, each part as soon as it is sure."""
        truncation = truncation or Truncation(self)
        for piece in pieces:
            if sure := truncation.feed(piece):
                yield sure
            if truncation.ended:
                return
        if truncation.held:
            yield truncation.held


class Truncation:
    """One text that comes in pieces. `ended`: it has met a condition; `sequences`: whole ones.

    `held`: what may be the beginning of a text that ends it, and is part of it if nothing follows.
    """

    def __init__(self, conditions: StopConditions) -> None:
        self._conditions, self._line_ends, self.sequences = conditions, 0, 0
        self.held, self.ended = "", False

    def feed(self, piece: str) -> str:
        """What the text is sure to have, now that this piece of it is known."""
        if not self._conditions:
            return piece
        sure = []
        for character in "" if self.ended else piece:
            sure.append(self._next(character))
            if self.ended:
                break
        return "".join(sure)

    def _next(self, character: str) -> str:
        text, texts = self.held + character, self._conditions.texts
        boundary = self._conditions.boundary
        self._line_ends += character in (LINE_END, boundary)
        self.sequences += character == boundary
        stop = next((stop for stop in texts if text.endswith(stop)), None)
        self.ended = (
            stop is not None
            or self._line_ends == self._conditions.lines
            or self.sequences == self._conditions.sequences
        )
        kept = 0 if self.ended else max((_beginning(text, stop) for stop in texts), default=0)
        self.held = text[len(text) - kept :]
        return text.removesuffix(stop or "") if self.ended else text[: len(text) - kept]


def _beginning(text: str, stop: str) -> int:
    """Length of the longest end of `text` that `stop` begins with."""
    return next(n for n in range(min(len(stop), len(text)), -1, -1) if text.endswith(stop[:n]))
