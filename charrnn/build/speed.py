"""How fast this machine trains: a few updates of the very trainer that a run would have."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Mapping
from math import exp, log

from charrnn.build.hardware import threads
from charrnn.build.training import trainer
from charrnn.config import Config
from charrnn.data.corpus import Corpus
from charrnn.runtime.workers import threads as limited_threads

FEWEST_UPDATES = 2


def seconds_per_character(config: Config, corpus: Corpus, seconds: float) -> float:
    """Of training, measured in about so many seconds, after one update that is not counted."""
    measured = trainer(config, corpus)
    with limited_threads(threads(config).blas):
        measured.update()
        characters, updates, began = 0, 0, time.perf_counter()
        while updates < FEWEST_UPDATES or time.perf_counter() - began < seconds:
            characters += measured.update().characters
            updates += 1
        return (time.perf_counter() - began) / max(characters, 1)


def interpolated(measured: Mapping[int, float], H: int) -> float:
    """Seconds per character at H from those that were measured at some widths, one at least.

    Between two widths it is a power of H, and beyond them as between the nearest two: what one
    character costs is a constant, a multiple of H and one of H², of which one outweighs the others.
    """
    widths = sorted(measured)
    if len(widths) == 1:
        return measured[widths[0]]
    above = min(max(bisect_left(widths, H), 1), len(widths) - 1)
    low, high = widths[above - 1], widths[above]
    power = log(measured[high] / measured[low]) / log(high / low)
    return measured[low] * exp(min(max(power, 0.0), 2.0) * log(H / low))
