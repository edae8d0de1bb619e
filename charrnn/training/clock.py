"""How long a run has trained, and how fast it reads. No update depends on either."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


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
