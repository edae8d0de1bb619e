"""Cross-entropy and accuracy over a whole part, every character scored once.

*carried*: the state flows through the part as it does in training, and enters it from up to 512
characters of the text before. One stream carries it through the whole part; of several, read side
by side, each first reads 512 characters before its own, to forget the cold start.

*cold*: windows of N characters one after another, each from a zero state. Lines are sequences of
their own, and are always scored whole, from a zero state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from math import exp, inf, log

import numpy as np
from numpy.typing import NDArray

from charrnn.data.corpus import Corpus, Part
from charrnn.data.line_loader import pad
from charrnn.data.sources import Ids
from charrnn.inference.bootstrap import SIZE, Blocks
from charrnn.nn.network import Network
from charrnn.runtime.workers import WorkerPool

Window = NDArray[np.int32]  # ids (T, B)

CHUNK = 4096  # steps times streams of one forward call
WARM = 512


@dataclass
class Score:
    """Sums over characters: nats of cross-entropy, and how often the likeliest was right."""

    nats: float = 0.0
    right: int = 0
    chars: int = 0
    blocks: Blocks | None = None

    def add(
        self, E: NDArray[np.floating], right: NDArray[np.bool_], mask: NDArray[np.bool_]
    ) -> None:
        self.nats += float(E.sum(dtype=np.float64, where=mask))
        self.right += int(np.count_nonzero(right & mask))
        self.chars += int(np.count_nonzero(mask))

    @property
    def nats_per_char(self) -> float:
        return self.nats / self.chars

    @property
    def bits_per_char(self) -> float:
        return self.nats_per_char / log(2)

    @property
    def perplexity(self) -> float:
        return exp(self.nats_per_char) if self.nats_per_char < 700 else inf

    @property
    def accuracy(self) -> float:
        return self.right / self.chars


def evaluate(
    network: Network, corpus: Corpus, part: Part, *, streams: int = 1, cold: int | None = None,
    split: WorkerPool | None = None, blocks: Blocks | None = None,
) -> Score:  # fmt: skip
    """Score one part of the corpus; see the module's docstring for `streams` and `cold`.

    `split`: threads and ranks that share the streams. `blocks` is given the sums of each block of
    the part, or of each line; not with several threads.
    """
    score = Score(blocks=blocks)
    split = split or WorkerPool(network)
    if corpus.lines is not None:
        batches = islice(_line_batches(corpus, part), split.ranks.rank, None, split.ranks.size)
        for x, y, mask, lines in batches:
            _score(network, x, y, mask, network.zero_state(x.shape[1]), score, lines)
        return _total(split.ranks.all_gather(score), score.blocks)
    start, stop = corpus.bounds[part]
    start = max(start, 1)
    if cold is not None:
        for at in _cold_windows(start, stop, cold):
            mask, x, y = at < stop, *_around(corpus.ids, at, stop)
            _score(network, x, y, mask, network.zero_state(x.shape[1]), score, (at - start) // SIZE)
        return score
    return _score_streams(split, corpus.ids, start, stop, streams, score.blocks)


def _score_streams(
    split: WorkerPool, ids: Ids, start: int, stop: int, streams: int, blocks: Blocks | None
) -> Score:
    """Targets start … stop - 1 (the first character of all has no context and is left out)."""
    B = max(min(streams, (stop - start) // (2 * WARM)), 1)
    L = -(-(stop - start) // B)
    warm = min(WARM, start - 1)

    def part(_: int, network: Network, own: range) -> Score:
        score, begins = Score(blocks=blocks), start + L * np.array(own)
        # Row t of stream b is target begins[b] + t; negative t warms up, and is not scored.
        state = network.zero_state(len(own))
        step = max(CHUNK // B, 1)
        for t in range(-warm, L, step):
            ts = np.arange(t, min(t + step, L))[:, None]
            at = begins + ts
            mask = (ts >= 0) & (at < stop)
            x, y = _around(ids, at, stop)
            state = _score(network, x, y, mask, state, score, (at - start) // SIZE)
        return score

    scores = split.ranks.all_gather(split.run(B, part))
    return _total([score for of_rank in scores for score in of_rank], blocks)


def _total(scores: Iterable[Score], blocks: Blocks | None) -> Score:
    total = Score(blocks=blocks)
    for score in scores:
        total.nats += score.nats
        total.right += score.right
        total.chars += score.chars
    return total


def _score(
    network: Network,
    x: Window,
    y: Window,
    mask: NDArray[np.bool_],
    state: NDArray[np.floating],
    score: Score,
    blocks: NDArray[np.int64],
) -> NDArray[np.floating]:
    tape = network.forward(x, state)
    E = network.losses(tape, y)
    assert tape.dZ is not None  # the probabilities, until `loss_gradient` is called
    score.add(E, tape.dZ.argmax(axis=-1) == y, mask)
    if score.blocks is not None:
        score.blocks.add(blocks, E, mask)
    return network.state_after(tape, tape.T)


def _around(ids: Ids, at: NDArray[np.int64], stop: int) -> tuple[Window, Window]:
    """The characters before targets `at`, and the targets."""
    at = np.minimum(at, stop - 1)
    return ids[at - 1], ids[at]


def _cold_windows(start: int, stop: int, context: int) -> Iterator[NDArray[np.int64]]:
    """Windows (T, B) of targets start … stop - 1, `context` each, the last one shorter."""
    begins = np.arange(start, stop, context)
    ts = np.arange(context)[:, None]
    B = max(CHUNK // context, 1)
    for first in range(0, len(begins), B):
        yield begins[first : first + B] + ts


def _line_batches(
    corpus: Corpus, part: Part
) -> Iterator[tuple[Window, Window, NDArray[np.bool_], NDArray[np.int64]]]:
    """x, y and mask (T, B) of lines of about the same length, and which lines they are (B,)."""
    assert corpus.lines is not None
    rows = corpus.lines[part]
    order = np.argsort(rows[:, 1] - rows[:, 0], kind="stable")
    rows = rows[order]
    start = 0
    while start < len(rows):
        longest = int(rows[start, 1] - rows[start, 0])
        stop = start + max(CHUNK // longest, 1)
        yield *pad(corpus.ids, rows[start:stop]), order[start:stop]
        start = stop
