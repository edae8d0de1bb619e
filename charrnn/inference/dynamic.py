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
from charrnn.errors import DivergenceError
from charrnn.inference.bootstrap import SIZE, Blocks
from charrnn.inference.evaluation import WARM, Score
from charrnn.nn.network import Network, Tape
from charrnn.nn.params import Params

Array = NDArray[Any]
At = NDArray[np.int64]

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
    score, trained = Score(blocks=blocks), network.params.flat.copy()
    grad, state = network.params.like(), network.zero_state(1)
    try:
        for at, context, block in _segments(corpus, part, segment):
            if context is not None:
                state = _after(network, corpus.ids[context])
            x, y = corpus.ids[at - 1][:, None], corpus.ids[at][:, None]
            tape = network.forward(x, state)
            E = _score(network, tape, y, block, score)
            _require_sane(E, score.chars, rate)
            state = network.state_after(tape, tape.T)
            _learn(network, tape, y, state, grad, 1 / segment, rate)
    finally:
        network.params.flat[:] = trained
    return score


def _segments(corpus: Corpus, part: Part, k: int) -> Iterator[tuple[At, At | None, Array]]:
    """Targets of each segment, the ids to read first where it begins anew, and the blocks."""
    if corpus.lines is not None:
        rows = corpus.lines[part]
        for line in np.argsort(rows[:, 0]):
            start, stop = rows[line].tolist()
            for first in range(start + 1, stop, k):
                at = np.arange(first, min(first + k, stop))
                yield at, at[:0] if first == start + 1 else None, np.array([line])
        return
    start, stop = corpus.bounds[part]
    start = max(start, 1)
    for first in range(start, stop, k):
        at = np.arange(first, min(first + k, stop))
        before = np.arange(start - 1 - min(WARM, start - 1), start - 1)
        yield at, before if first == start else None, (at[:, None] - start) // SIZE


def _after(network: Network, ids: Array) -> Array:
    """The state after `ids`, from zero."""
    state = network.zero_state(1)
    if not len(ids):
        return state
    return network.state_after(network.forward(ids[:, None], state), len(ids))


def _score(network: Network, tape: Tape, y: Array, block: Array, score: Score) -> Array:
    E, mask = network.losses(tape, y), np.ones(y.shape, np.bool_)
    assert tape.dZ is not None
    score.add(E, tape.dZ.argmax(axis=-1) == y, mask)
    if score.blocks is not None:
        score.blocks.add(block, E, mask)
    return E


def _learn(
    network: Network, tape: Tape, y: Array, state: Array, grad: Params, scale: float, rate: float
) -> None:
    """After `losses`: the gradient and the step."""
    network.loss_gradient(tape, y, scale)
    grad.flat.fill(0)
    network.backward(tape, np.zeros_like(state), grad)
    grad.flat *= rate
    network.params.flat -= grad.flat


def _require_sane(E: Array, chars: int, rate: float) -> None:
    worst = float(E.max())
    if not (isfinite(worst) and worst < LOST):
        raise DivergenceError(
            f"diverged within the first {chars:,} characters: the rate is too high",
            where=f"--dynamic {rate:g}",
            then=f"try a lower one, for example --dynamic {RECOMMENDED:g}",
        )
