"""When a run ends, what it does on the way, how long it has trained and how fast it reads.

No update depends on the clock, but for the schedule of a run that minutes end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil

LATE = 0.1  # of the minutes, from when on it is told whether a first epoch fits


@dataclass(frozen=True)
class Limits:
    """What ends a run; None is no limit. The first one reached ends it.

    `rollbacks`: how often a run that diverges may go back before that is its end.
    `whole_epochs`: minutes end it with an epoch, where another would take longer than they are.
    """

    epochs: float | None = None
    steps: int | None = None
    minutes: float | None = None
    evaluations_without_progress: int | None = None
    rollbacks: int = 0
    whole_epochs: bool = False

    def share(self, step: int, epoch: float, seconds: float, fitting: int | None = None) -> float:
        """The share of the run that is done, from 0 to 1, by the limit that is nearest.

        `fitting`: how many whole epochs fit, once that is known: they, and no clock, are the run.
        """
        shares = [0.0]
        epochs = min((n for n in (self.epochs, fitting) if n is not None), default=None)
        if epochs is not None:
            shares.append(epoch / epochs)
        if self.steps:
            shares.append(step / self.steps)
        if self.minutes is not None:
            by_clock = seconds / 60 / self.minutes
            # Of a first epoch that does not fit the clock is the end, and the schedule's.
            in_time = epoch >= 1 or by_clock < max(epoch, LATE)
            if not (self.whole_epochs and epochs is not None and in_time):
                shares.append(by_clock)
        return min(max(shares), 1.0)

    def fitting_epochs(self, epochs: int, seconds: float) -> int | None:
        """How many whole epochs fit, after the first `epochs` of them took so many seconds.

        No more than are wanted: so what is saved of a run in time does not know the clock.
        """
        if not self.whole_epochs or self.minutes is None or epochs < 1:
            return None
        fitting = max(_fitting(60 * self.minutes, epochs, seconds), 1)
        return fitting if self.epochs is None else min(fitting, ceil(self.epochs))

    def reached(self, step: int, epoch: float, seconds: float, waited: int) -> dict[str, str]:
        """The limits that the run has reached, by the key of `train` that sets them, in words.

        `waited` evaluations were without progress.
        """
        found, patience = {}, self.evaluations_without_progress
        if self.steps is not None and step >= self.steps:
            found["steps"] = f"{self.steps:,} steps"
        if self.epochs is not None and epoch >= self.epochs:
            found["epochs"] = f"{self.epochs:g} epochs"
        if self.minutes is not None and seconds >= 60 * self.minutes:
            found["minutes"] = f"{self.minutes:g} minutes"
        elif self._ends_with(epoch, seconds):
            found["minutes"] = f"{self.minutes:g} minutes of training hold no more epochs"
        if patience is not None and waited >= patience:
            found["early_stopping"] = f"{patience} evaluations without a better validation loss"
        return found

    def _ends_with(self, epoch: float, seconds: float) -> bool:
        """Whether an epoch has just ended, and another does not fit."""
        if self.minutes is None or not self.whole_epochs or epoch < 1 or epoch != int(epoch):
            return False
        return _fitting(60 * self.minutes, epoch, seconds) <= epoch

    def is_nearly_over(self, seconds: float) -> bool:
        """Whether the minutes end the run at once: the last line of a log may be a little older."""
        return self.minutes is not None and 60 * self.minutes - seconds < max(0.6 * self.minutes, 2)


def _fitting(limit: float, epochs: float, seconds: float) -> int:
    """Whole epochs in `limit` seconds, where the first of them took so many."""
    return int(limit * epochs / max(seconds, 1e-9))


@dataclass(frozen=True)
class Intervals:
    """Steps between lines, evaluations and checkpoints; None is once an epoch."""

    log: int
    evaluate: int | None = None
    save: int | None = None
    sample_length: int = 0


class Clock:
    """Seconds of training; `before` are those of earlier parts of the run."""

    def __init__(self) -> None:
        self.before = 0.0
        self._started = time.perf_counter()

    def start(self) -> None:
        """Count from now on."""
        self._started = time.perf_counter()

    @property
    def seconds(self) -> float:
        return self.before + time.perf_counter() - self._started


class Throughput:
    """Characters per second of training proper, since the last line of the log."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._since, self._characters = clock, clock.seconds, 0

    def add(self, characters: int) -> None:
        self._characters += characters

    def restart(self) -> float:
        """The rate so far; counting restarts."""
        now = self._clock.seconds
        rate = self._characters / max(now - self._since, 1e-9)
        self._since, self._characters = now, 0
        return rate

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What is done meanwhile, such as a validation, does not count."""
        began = self._clock.seconds
        try:
            yield
        finally:
            self._since += self._clock.seconds - began


@dataclass
class Mean:
    """A running mean that can be saved."""

    total: float = 0.0
    weight: float = 0.0

    def add(self, total: float, weight: float) -> None:
        self.total += total
        self.weight += weight

    @property
    def value(self) -> float:
        return self.total / self.weight if self.weight else float("nan")

    def reset(self) -> None:
        self.total = self.weight = 0.0


@dataclass(frozen=True)
class Update:
    """What one step did."""

    loss: float
    grad_norm: float
    learning_rate: float
    characters: int
