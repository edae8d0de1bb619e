"""Where in a text the losses are taken whose gradients are sent back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.data.corpus import Corpus
from charrnn.errors import DataError

Ids = NDArray[np.int32]
WARMUP = 100  # characters read before the first that gradients reach


@dataclass(frozen=True)
class Positions:
    """Windows x, y (T, B) read from a zero state; the last step of each column is a position t.

    `max_lag` characters before each can be measured, all in one stream or sequence.
    """

    x: Ids
    y: Ids
    max_lag: int


def positions(corpus: Corpus, count: int, max_lag: int) -> Positions:
    """At most `count` positions of the training part, with `max_lag` steps before each, or fewer.

    A stream has them evenly apart, one in blocks in its longest stretch. Of sequences the longest
    are taken, since no gradient crosses into the one before, and all windows are as long as the
    shortest of these. Raises DataError for a text in which no character has another before it.
    """
    ids, rows = corpus.ids, corpus.rows["train"]
    lengths = rows[:, 1] - rows[:, 0] - 1
    if corpus.boundary is None:
        row = int(np.argmax(lengths))
        length = int(lengths[row])
        T = min(WARMUP + max_lag, length)
        starts = np.unique(np.linspace(0, max(length - T, 0), count).astype(np.int64))
        starts += rows[row, 0]
    else:
        longest = np.argsort(-lengths, kind="stable")[:count]
        T = min(max_lag, int(lengths[longest].min(initial=max_lag)))
        starts = rows[longest, 0]
    if T < 1 or not len(starts):
        raise DataError("the training part is too short to send a gradient back in")
    at = starts + np.arange(T)[:, None]
    return Positions(ids[at].astype(np.int32), ids[at + 1].astype(np.int32), min(max_lag, T))
