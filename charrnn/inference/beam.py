"""Beam search: the likeliest text that can be found, where sampling draws one of the likely.

Of every text that is still open the N likeliest are kept and each is continued by every symbol; a
text that meets a stop condition is complete. Nothing is drawn: log p of a text is the sum of its
symbols' by the model, and only falls as it grows, so that the search ends when no open text can
better the complete ones (Lowerre 1976). Of equal ones the earlier, with lower ids, comes first. A
text of bytes ends where the character at its length does.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.data.utf8 import LONGEST
from charrnn.inference.beginning import Beginning
from charrnn.inference.mixed_sampling import WeightedMixture
from charrnn.inference.sampling import (
    Ids,
    StopConditions,
    Truncation,
    read_before_last,
    require_finite,
    state_before_last,
)
from charrnn.inference.valid_sampling import Utf8
from charrnn.nn.network import Network
from charrnn.nn.window import log_softmax

Array = NDArray[Any]


@dataclass(frozen=True)
class Found:
    """Ids of a text after the prime, and their log-probability."""

    ids: Ids
    log_p: float


@dataclass(frozen=True)
class _Open:
    """A text that may go on: the last id, the text before it, and how near it is to a condition.

    `phase`: where in a character of bytes it is.
    """

    log_p: float
    id: int
    before: _Open | None
    truncation: Truncation
    phase: int

    def ids(self) -> Ids:
        found: list[int] = []
        at: _Open | None = self
        while at is not None:
            found.append(at.id)
            at = at.before
        return np.array(found[::-1], np.int32)


def beam_search(
    network: Network, prime: Ids, length: int, width: int, *, count: int,
    stop: StopConditions, symbols: Sequence[str], boundary: int | None = None,
    allowed: NDArray[np.bool_] | None = None, mixed: WeightedMixture | None = None,
    utf8: Utf8 | None = None, beginning: Beginning | None = None,
) -> list[Found]:  # fmt: skip
    """The `count` likeliest texts after a prime (ids, at least one), the likeliest first.

    At most `width` are kept, and none is longer than `length`. `symbols` are those of the ids; what
    `allowed` (K,) denies is in no text. After `boundary` the state is zero. With `utf8` a text has
    only bytes that it says may follow, and is complete where a character is, up to three later.
    """
    state = state_before_last(network, prime, boundary, beginning)
    streams = (
        None if mixed is None else mixed.streams(read_before_last(prime, boundary, beginning), 1)
    )
    x, texts = prime[-1:].astype(np.int32), list[_Open | None]([None])
    complete: list[_Open] = []
    for n in range(1, length + 1 if utf8 is None or not length else length + LONGEST):
        log_p, state = _continued(network, x, state, streams, boundary, mixed)
        log_p += np.array([[0.0 if text is None else text.log_p] for text in texts])
        if allowed is not None:
            log_p[:, ~allowed] = -np.inf
        if utf8 is not None:
            phases = [utf8.first if text is None else text.phase for text in texts]
            log_p[~utf8.able[phases]] = -np.inf
        kept, parents = list[_Open](), list[int]()
        for place in np.argsort(-log_p, axis=None, kind="stable"):
            parent, symbol = divmod(int(place), network.K)
            if len(kept) == width or log_p[parent, symbol] == -np.inf:
                break
            text = _continue(
                texts[parent], symbol, float(log_p[parent, symbol]), stop, symbols, utf8
            )
            if text.truncation.ended or (utf8 is not None and n >= length and not text.phase):
                complete.append(text)
            else:
                kept.append(text)
                parents.append(parent)
        complete = sorted(complete, key=lambda text: -text.log_p)[:count]
        texts = [*kept]
        if not kept or (len(complete) == count and complete[-1].log_p >= kept[0].log_p):
            break
        x = np.array([text.id for text in kept], np.int32)
        state = np.ascontiguousarray(state[:, :, parents])
        streams = None if streams is None else streams[parents]
    rest = [text for text in texts if text is not None]
    best = sorted([*complete, *rest], key=lambda text: -text.log_p)
    return [Found(text.ids(), text.log_p) for text in best[:count]]


def _continue(
    text: _Open | None, symbol: int, log_p: float, stop: StopConditions, symbols: Sequence[str],
    utf8: Utf8 | None,
) -> _Open:  # fmt: skip
    truncation = Truncation(stop) if text is None else copy(text.truncation)
    truncation.feed(symbols[symbol])
    phase = 0
    if utf8 is not None:
        phase = int(utf8.after[utf8.first if text is None else text.phase, symbol])
    return _Open(log_p, symbol, text, truncation, phase)


def _continued(
    network: Network, x: Ids, state: Array, streams: Array | None, boundary: int | None,
    mixed: WeightedMixture | None,
) -> tuple[Array, Array]:  # fmt: skip
    """log p (B, K) of what follows x (B,), and the state after x; the streams go on."""
    if boundary is not None:
        state = state.copy()
        state[:, :, x == boundary] = 0
    tape = network.forward(x[None], state)
    Z = network.logits(tape)[0].astype(np.float64)
    if mixed is not None and streams is not None:
        mixed.step(streams, x, Z, boundary)
    for z in Z:
        require_finite(z)
    return log_softmax(Z), network.state_after(tape, 1)
