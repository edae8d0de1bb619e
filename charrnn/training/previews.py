"""Samples for whoever watches: the first soon, then by the clock, and whenever they are asked for.

They are shown and never written: what a run's files hold does not depend on the clock. A preview is
drawn from the step and the run's seed, as the samples of evaluations are, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

FIRST = 4.0  # seconds of training
GROWTH, LONGEST = 1.5, 120.0  # the pause between two grows, up to so many seconds
COST = 0.01  # of the time, at most
PATIENCE = 0.5  # seconds, after which a preview ends where it is
LENGTH = 200  # characters, where samples are turned off and one is asked for


class Previews:
    """When a preview is due: where `by_time` by the clock, and where `request` says so.

    `asked`: the one that is due was asked for.
    """

    def __init__(self, request: Callable[[], bool] = lambda: False) -> None:
        self.by_time = self.asked = False
        self._request, self._pause, self._due = request, FIRST, inf

    def start(self, seconds: float) -> None:
        """Training begins, or goes on, at so many seconds of the run's clock."""
        self._due = seconds + FIRST

    def is_due(self, seconds: float) -> bool:
        self.asked = self._request()
        return self.asked or (self.by_time and seconds >= self._due)

    def taken(self, seconds: float, cost: float = 0.0) -> None:
        """There was one, or a sample of an evaluation, that took `cost` seconds."""
        self._pause = min(self._pause * GROWTH, LONGEST)
        self._due = seconds + max(self._pause, cost / COST)
