"""Cross-entropy and accuracy over a whole part, every character scored once.

*carried*: the state flows through the part as it does in training, and enters it from up to 512
characters of the text before. One stream carries it through the whole part; of several, read side
by side, each first reads 512 characters before its own, to forget the cold start.

*cold*: windows of N characters one after another, each from a zero state. Sequences, such as lines,
are always scored whole, from a zero state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.data.corpus import Corpus, Part
from charrnn.data.sources import Ids
from charrnn.inference.interval import SIZE, Blocks
from charrnn.inference.metrics import Score
from charrnn.inference.reader import EVALUATION, WARMUP, WHOLE_ROWS, Ints, Rows, Window, read, share
from charrnn.nn.network import Network
from charrnn.runtime.progress import Done, working
from charrnn.runtime.workers import WorkerPool


def evaluate(
    network: Network, corpus: Corpus, part: Part, *, streams: int = 1, cold: int | None = None,
    split: WorkerPool | None = None, blocks: Blocks | None = None,
) -> Score:  # fmt: skip
    """Score one part of the corpus; see the module's docstring for `streams` and `cold`.

    `split`: threads and ranks that share the streams. `blocks` is given the sums of each block of
    the part, or of each sequence; not where several threads share streams.
    """
    pool, most = split or WorkerPool(network), corpus.characters(part)
    with working("scoring", most / (split.ranks.size if split else 1)) as done:
        if corpus.boundary is not None:
            return _total(pool.ranks.all_gather(_score_sequences(pool, corpus, part, blocks, done)))
        scores, before = list[Score](), 0
        for start, stop in corpus.predicting(part):
            if cold is not None:
                score = _score_cold(pool, corpus.ids, start, stop, cold, blocks, before, done)
            else:
                score = _score_streams(pool, corpus.ids, start, stop, streams, blocks, before, done)
            scores.append(score)
            before += stop - start
    return _total(scores)


class Found(NamedTuple):
    """Of a window, all (T, B): nats, whether the likeliest was right, what counts, and where."""

    E: NDArray[np.floating]
    correct: NDArray[np.bool_]
    mask: NDArray[np.bool_]
    at: Ints

    @classmethod
    def of(cls, window: Window) -> Found:
        """Computed now."""
        return cls(*window.nats_and_correct(), window.mask, window.at)

    def add_to(
        self, score: Score, blocks: Blocks | None, of: Ints, done: Done | None = None
    ) -> None:
        """Add it to a score and, where there are any, to blocks: those `of` (T, B) or (B,)."""
        score.add(self.E, self.correct, self.mask)
        if blocks is not None:
            blocks.add(of, self.E, self.mask)
        if done is not None:
            done(int(np.count_nonzero(self.mask)))


def _read_rows(
    network: Network, ids: Ids, rows: Rows, length: int | None = None
) -> Iterable[Found]:
    """Rows, of `length` steps if that is given: read now if they are one window.

    More than that as they are asked for.
    """
    steps = WHOLE_ROWS.steps(len(rows))
    windows = read(network, ids, rows, steps=steps, length=length)
    found = map(Found.of, windows)
    return list(found) if int(rows.lengths.max()) <= steps else found


def _score_sequences(
    pool: WorkerPool, corpus: Corpus, part: Part, blocks: Blocks | None, done: Done
) -> Score:
    """This rank's sequences."""
    score = Score()
    own = islice(sequence_batches(corpus, part), pool.ranks.rank, None, pool.ranks.size)

    def found(network: Network, batch: tuple[Ints, Rows]) -> tuple[Ints, Iterable[Found]]:
        return batch[0], _read_rows(network, corpus.ids, batch[1])

    for sequences, windows in pool.each(own, found):
        for window in windows:
            window.add_to(score, blocks, sequences, done)
    return score


def sequence_batches(corpus: Corpus, part: Part) -> Iterator[tuple[Ints, Rows]]:
    """Sequences of about the same length: which of the part's they are (B,), and where to read."""
    start, stop = corpus.rows[part].T
    for sequences in EVALUATION.batches(stop - start):
        yield sequences, Rows.whole(start[sequences], stop[sequences] - 1)


def _score_cold(
    pool: WorkerPool, ids: Ids, start: int, stop: int, context: int, blocks: Blocks | None,
    before: int, done: Done,
) -> Score:  # fmt: skip
    """Windows from a zero state; `before`: characters of the part before them."""
    context = min(context, stop - start)  # beyond the text there is nothing to read
    score, begins = Score(), np.arange(start, stop, context)
    B = EVALUATION.steps(context)
    batches = (begins[first : first + B] for first in range(0, len(begins), B))

    def found(network: Network, begin: Ints) -> Iterable[Found]:
        rows = Rows.whole(begin, np.minimum(begin + context, stop))
        return _read_rows(network, ids, rows, context)

    for windows in pool.each(batches, found):
        for window in windows:
            window.add_to(score, blocks, (window.at - start + before) // SIZE, done)
    return score


def _score_streams(
    pool: WorkerPool, ids: Ids, start: int, stop: int, streams: int, blocks: Blocks | None,
    before: int, done: Done,
) -> Score:  # fmt: skip
    """Inputs start … stop - 1, cut in streams that the workers share; `before` as there."""
    B = EVALUATION.streams(stop - start, streams)
    rows = Rows.streams(start, stop, B, warm=min(WARMUP, start))
    # All workers cut their rows where one would that has all of them.
    steps, length = EVALUATION.steps(B), int(rows.lengths[0])

    def part(network: Network, own: Rows) -> Score:
        score = Score()
        for window in read(network, ids, own, steps=steps, length=length):
            of = (window.at - start + before) // SIZE
            Found.of(window).add_to(score, blocks, of, done)
        return score

    scores = pool.ranks.all_gather(share(pool, rows, part))
    return _total([score for of_rank in scores for score in of_rank])


def _total(scores: list[Score]) -> Score:
    total = Score()
    for score in scores:
        total += score
    return total
