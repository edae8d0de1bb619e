"""Dynamic evaluation: the model keeps learning on what it has just scored (Mikolov et al. 2010).

The part is read once, in its own order, a segment at a time (Krause et al. 2018):

1. score the segment of k characters by θ, the state carried into it
2. g = ∇ Σ E / k over the segment, the state on entry held constant
3. θ ← θ - η g

So every character is scored before anything is learned from it. Each sequence, such as a line,
begins from a zero state and a segment ends with it; θ is carried on. A mixture with an n-gram
learns as it scores, a character at a time, from what the network of step 1 makes of the segment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.data.corpus import Corpus, Part
from charrnn.errors import DivergenceError, argument
from charrnn.inference.evaluation import Found
from charrnn.inference.interval import SIZE, Blocks
from charrnn.inference.metrics import Score
from charrnn.inference.mixture.evaluation import MixedScore, entering_state
from charrnn.inference.mixture.model import NGRAM_WARMUP, MixtureScorer
from charrnn.inference.reader import Rows, Window, read
from charrnn.nn.network import Network
from charrnn.nn.params import Params
from charrnn.runtime.progress import working

Array = NDArray[Any]

SEGMENT = 50  # characters
RECOMMENDED = 0.1
LOST = 1e4  # nats of a character that no model recovers from


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def evaluate_dynamically(
    network: Network, corpus: Corpus, part: Part, rate: float, *, segment: int = SEGMENT,
    blocks: Blocks | None = None,
) -> Score:  # fmt: skip
    """Score one part of the corpus as above with η = `rate`; θ is afterwards as it was.

    `segment` is k. At a rate of 0 it is `evaluate`, the state carried; `blocks` as there. Raises
    DivergenceError where the rate is too high.
    """
    score = Score()

    def counted(window: Window, block: Array) -> Array:
        found = Found.of(window)
        found.add_to(score, blocks, block)
        return found.E

    _read_and_learn(network, corpus, part, rate, segment, counted)
    return score


def evaluate_mixture_dynamically(
    network: Network, corpus: Corpus, part: Part, rate: float, scorer: MixtureScorer, *,
    segment: int = SEGMENT, blocks: Blocks | None = None,
) -> MixedScore:  # fmt: skip
    """The same by the mixture, which learns after each character whatever its scorer learns."""
    score = MixedScore(scorer, corpus, blocks)
    sequences = corpus.boundary is not None
    begins = {
        start: 1 if sequences else min(NGRAM_WARMUP, start + 1)
        for start, _ in corpus.predicting(part)
    }

    def counted(window: Window, block: Array) -> Array:
        at = window.at[:, 0]
        if (known := begins.get(int(at[0]))) is not None:
            score.begin(int(at[0]), known=known)
        return score.count(at, window.logits()[:, 0], block if sequences else block[:, 0])

    _read_and_learn(network, corpus, part, rate, segment, counted)
    return score


def _read_and_learn(
    network: Network, corpus: Corpus, part: Part, rate: float, segment: int,
    counted: Callable[[Window, Array], Array],
) -> None:  # fmt: skip
    """Give each segment to `counted`, which returns the network's nats, then learn from it."""
    chars, trained, grad = 0, network.params.flat.copy(), network.params.like()
    try:
        with working("scoring, and learning from it", corpus.characters(part)) as done:
            for window, block in _segments(network, corpus, part, segment):
                E = counted(window, block)
                chars += E.size
                _require_sane(E, chars, rate)
                _learn(network, window, grad, 1 / segment, rate)
                done(E.size)
    finally:
        network.params.flat[:] = trained


def _segments(
    network: Network, corpus: Corpus, part: Part, k: int
) -> Iterator[tuple[Window, Array]]:
    """The windows of k characters, and the block that each character belongs to."""
    if corpus.boundary is not None:
        rows = corpus.rows[part]
        for row in np.argsort(rows[:, 0]):
            start, stop = rows[row]
            rows_read = Rows.whole(start, stop - 1)
            for window in read(network, corpus.ids, rows_read, steps=k, with_tape=True):
                yield window, np.array([row])
        return
    before = 0
    for start, stop in corpus.predicting(part):
        state = entering_state(network, corpus, start)
        part_read = Rows.whole(start, stop)
        windows = read(network, corpus.ids, part_read, steps=k, state=state, with_tape=True)
        for window in windows:
            yield window, (window.at - start + before) // SIZE
        before += stop - start


def _learn(network: Network, window: Window, grad: Params, scale: float, rate: float) -> None:
    """After the window's nats: the gradient and the step."""
    dz = network.loss_gradient(window.prediction(), window.targets, scale)
    grad.flat.fill(0)
    network.backward(window.tape, dz, np.zeros_like(window.final_state), grad)
    grad.flat *= rate
    network.params.flat -= grad.flat


def _require_sane(E: Array, chars: int, rate: float) -> None:
    worst = float(E.max())
    if not (isfinite(worst) and worst < LOST):
        raise DivergenceError(
            f"diverged within the first {chars:,} characters: the rate is too high",
            where=argument("dynamic", rate),
            then=f"try a lower one, for example {argument('dynamic', RECOMMENDED)}",
        )
