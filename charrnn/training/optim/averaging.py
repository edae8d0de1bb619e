"""Averaging of the weights on the way (Polyak & Juditsky 1992), by an exponential moving mean.

The mean θ̄ is what is validated, sampled and kept; training continues from θ itself:

    θ̄ ← d_n θ̄ + (1 - d_n) θ,   d_n = min(decay, n / (n + 9)),   n = updates before this one

so that the mean forgets where the run began, and is θ after the first update.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
MeanStep = Callable[[Array, Array, float], None]  # as `WeightAverage.plain_step`


class WeightAverage:
    """The mean of θ, a vector that is changed in place by others."""

    def __init__(self, theta: Array, decay: float, step: MeanStep | None = None) -> None:
        self.theta, self.decay = theta, decay
        self._step = step or self.plain_step
        self.mean = theta.copy()
        self._scratch = np.empty_like(theta)

    def restart(self) -> None:
        """Forget the past: the mean is θ as it is now."""
        self.mean[...] = self.theta

    def update(self, n: int) -> None:
        """Take in θ after its update, n updates having come before."""
        decay = min(self.decay, n / (n + 9))
        self._step(self.mean, self.theta, 1 - decay)

    def plain_step(self, mean: Array, theta: Array, share: float) -> None:
        """mean ← mean + share · (θ - mean) in NumPy."""
        np.subtract(theta, mean, out=self._scratch)
        self._scratch *= share
        mean += self._scratch

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """θ holds the mean while it lasts."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def _exchange(self) -> None:
        self._scratch[...] = self.theta
        self.theta[...] = self.mean
        self.mean[...] = self._scratch
