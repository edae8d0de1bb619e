"""Dynamic evaluation: the model keeps learning on what it has just scored (Mikolov et al. 2010).

The part is read once, in its own order, a segment at a time (Krause et al. 2018):

1. score the segment of k characters by θ, the state carried into it
2. g = ∇ Σ E / k over the segment, the state on entry held constant
3. θ ← θ - η g

So every character is scored before anything is learned from it. In lines mode each line begins from
a zero state and a segment ends with its line; θ is carried on.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.data.corpus import Corpus, Part
from charrnn.errors import DivergenceError, argument
from charrnn.inference.evaluation import count, predicting
from charrnn.inference.interval import SIZE, Blocks
from charrnn.inference.metrics import Score
from charrnn.inference.reader import WARM, Rows, Window, read, state_after
from charrnn.nn.network import Network
from charrnn.nn.params import Params

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
    score, trained = Score(), network.params.flat.copy()
    grad = network.params.like()
    try:
        for window, block in _segments(network, corpus, part, segment):
            E = count(score, window, blocks, block)
            _require_sane(E, score.chars, rate)
            _learn(network, window, grad, 1 / segment, rate)
    finally:
        network.params.flat[:] = trained
    return score


def _segments(
    network: Network, corpus: Corpus, part: Part, k: int
) -> Iterator[tuple[Window, Array]]:
    """The windows of k characters, and the block that each character belongs to."""
    if corpus.lines is not None:
        lines = corpus.lines[part]
        for line in np.argsort(lines[:, 0]):
            start, stop = lines[line]
            for window in read(network, corpus.ids, Rows.whole(start, stop - 1), steps=k):
                yield window, np.array([line])
        return
    start, stop = predicting(corpus, part)
    context = corpus.ids[np.arange(max(start - WARM, 0), start)]
    state = state_after(network, context[:, None])
    for window in read(network, corpus.ids, Rows.whole(start, stop), steps=k, state=state):
        yield window, (window.at - start) // SIZE


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
