"""How fast this machine trains: a few updates of the very trainer that a run would have."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from math import exp, log

from charrnn.build.cells import parameter_count
from charrnn.build.hardware import threads, warm_up
from charrnn.build.models import network
from charrnn.build.training import trainer
from charrnn.config import Config
from charrnn.config.schema import InitConfig, Inits
from charrnn.data.corpus import Corpus
from charrnn.nn.network import Network
from charrnn.runtime.mpi_launch import started
from charrnn.runtime.workers import threads as limited_threads

FEWEST_UPDATES = 2
QUICK = Inits(U=InitConfig(scheme="uniform"))  # orthogonal rows take as long as the measurement
MOST_SEQUENCES = 20_000  # so that millions of lines are not sorted to measure
EVALUATION = 1 / 3  # of the time to learn a character, to evaluate one


def seconds_per_character(config: Config, corpus: Corpus, seconds: float) -> float:
    """Of training, measured in about so many seconds, after one update that is not counted."""
    model = config.model.model_copy(update={"init": QUICK})
    with limited_threads(threads(config).blas):
        measured = trainer(config.model_copy(update={"model": model}), corpus)
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


class Machine:
    """What training on a text takes here, by the hidden units of a network.

    `sized` is the configuration that so many have. `prepare` compiles a network's loops, where it
    has any; `seconds` may be spent on each measurement.
    """

    def __init__(
        self, sized: Callable[[int], Config], corpus: Corpus, seconds: float,
        prepare: Callable[[Network], object] = warm_up,
    ) -> None:  # fmt: skip
        self._sized, self._seconds, self._prepare = cache(sized), seconds, prepare
        self._corpus = corpus
        if corpus.boundary is not None:
            few = corpus.rows["train"][:MOST_SEQUENCES]
            self._corpus = replace(corpus, rows={**corpus.rows, "train": few})
        self._measured: dict[int, float] = {}

    def measure(self, H: int, config: Config | None = None) -> None:
        """Measure one width, as it would be or as in `config`."""
        config = config or self._sized(H)
        if not self._measured:
            self._prepare(network(config, self._corpus.vocabulary.K))
        self._measured[H] = self._seconds_per_character(config)

    def _seconds_per_character(self, config: Config) -> float:
        """Ranks share the streams: this one is measured with its own."""
        ranks = started().size
        own = max(config.train.batch_size // ranks, 1)
        train = config.train.model_copy(update={"batch_size": own})
        config = config.model_copy(update={"train": train})
        return seconds_per_character(config, self._corpus, self._seconds) / ranks

    def learning(self, H: int) -> float:
        """Seconds to learn a character, from what was measured."""
        return interpolated(self._measured, H)

    def evaluating(self, H: int) -> float:
        """Seconds to evaluate a character."""
        return EVALUATION * self.learning(H)

    def parameters(self, H: int) -> int:
        """How many the network has."""
        return parameter_count(self._sized(H), self._corpus.vocabulary.K)
