"""Scoring a part of a text by the mixture, in the text's order, and by its parts beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.data.corpus import Corpus, Part
from charrnn.inference.interval import SIZE, Blocks
from charrnn.inference.metrics import Score
from charrnn.inference.mixture.model import NGRAM_WARMUP, MixtureScorer
from charrnn.inference.mixture.scoring import Block, OrderedStream, ordered_rows
from charrnn.inference.reader import EVALUATION, WARMUP, Rows, state_after
from charrnn.nn.network import Network
from charrnn.runtime.progress import working
from charrnn.runtime.workers import WorkerPool

Array = NDArray[Any]
Ints = NDArray[np.int64]


@dataclass
class MixedScore:
    """What the mixture, and its parts alone, make of the characters counted so far."""

    scorer: MixtureScorer
    corpus: Corpus
    blocks: Blocks | None = None
    whole: Score = field(default_factory=Score)
    network: float = 0.0  # sums of nats
    ngram: float = 0.0

    @property
    def parts(self) -> dict[str, float]:
        """Nats per character of the network and of the n-gram."""
        return {"network": self.network / self.whole.chars, "ngram": self.ngram / self.whole.chars}

    def begin(self, first: int, *, known: int) -> None:
        """A sequence begins with the input at `first`, of which `known` inputs are context."""
        self.scorer.begin()
        self.scorer.read(np.asarray(self.corpus.ids[first + 1 - known : first + 1]))

    def count(self, at: Ints, Z: Array, block_of: Ints) -> Array:
        """Score what follows the inputs at `at` (n,) by logits Z (n, K); the network's nats (n,).

        `block_of` (n,) or (1,): blocks of the interval.
        """
        y = np.asarray(self.corpus.ids[at + 1])
        nats, likeliest = self.scorer.score(Z, y)
        E, all_of_them = nats[:, :1], np.ones((len(y), 1), np.bool_)
        self.whole.add(E, (likeliest == y)[:, None], all_of_them)
        self.network += float(nats[:, 1].sum())
        self.ngram += float(nats[:, 2].sum())
        if self.blocks is not None:
            self.blocks.add(np.broadcast_to(block_of, len(y))[:, None], E, all_of_them)
        return nats[:, 1]


def evaluate_mixture(
    pool: WorkerPool, corpus: Corpus, part: Part, scorer: MixtureScorer, *, streams: int = 1,
    cold: int | None = None, blocks: Blocks | None = None,
) -> MixedScore:  # fmt: skip
    """As `charrnn.inference.evaluation.evaluate`: `streams` of the network, windows from a zero
    state with `cold`, or sequences.

    Sequences are scored in the order of the text. With `cold` the n-gram too knows nothing from
    before a window. The scorer's weights afterwards are those reached.
    """
    score = MixedScore(scorer, corpus, blocks)
    with working("scoring by the mixture", corpus.characters(part)) as done:
        for block, block_of, known in _planned(pool, corpus, part, streams, cold):
            if block.begins:
                score.begin(int(block.at[0]), known=known)
            score.count(block.at, block.Z, block_of)
            done(len(block.at))
    return score


def _planned(
    pool: WorkerPool, corpus: Corpus, part: Part, streams: int, cold: int | None
) -> Iterator[tuple[Block, Ints, int]]:
    """Blocks in the text's order, those of the interval, and how many inputs are context only."""
    if corpus.boundary is not None:
        own = corpus.rows[part]
        order = np.argsort(own[:, 0])
        rows = Rows.whole(own[order, 0], own[order, 1] - 1)
        for block in ordered_rows(pool, corpus.ids, rows):
            yield block, order[block.row : block.row + 1], 1
        return
    before = 0
    for start, stop in corpus.predicting(part):
        known = 1 if cold is not None else min(NGRAM_WARMUP, start + 1)
        for block in _blocks(pool, corpus, start, stop, streams, cold):
            yield block, (block.at - start + before) // SIZE, known
        before += stop - start


def entering_state(network: Network, corpus: Corpus, start: int) -> Array:
    """The state (L, n, 1, H) with which a part begins: after up to 512 characters before it."""
    context = corpus.ids[np.arange(max(start - WARMUP, 0), start)]
    return state_after(network, context[:, None])


def _blocks(
    pool: WorkerPool, corpus: Corpus, start: int, stop: int, streams: int, cold: int | None
) -> Iterator[Block]:
    if cold is not None:
        first = np.arange(start, stop, cold)
        rows = Rows.whole(first, np.minimum(first + cold, stop))
        yield from ordered_rows(pool, corpus.ids, rows)
        return
    state = entering_state(pool.network, corpus, start)
    stream = OrderedStream(pool, state, streams, EVALUATION)
    yield from stream.blocks(corpus.ids, start, stop, begins=True)
