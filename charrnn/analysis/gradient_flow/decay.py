"""How fast norms fall with the lag: one exponential, its rate and its half-life."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Decay:
    """norm(k) ≈ const · rate^k, fitted to lags 1 to `last`.

    `half_life` in characters is -ln 2 / ln rate; inf where norms do not fall.
    """

    rate: float
    last: int

    @property
    def half_life(self) -> float:
        if self.rate == 0:
            return 0.0
        return log(2) / -log(self.rate) if self.rate < 1 else inf

    def left_after(self, lags: int) -> float:
        """The share of the gradient at one lag that the fit leaves `lags` later."""
        return exp(min(lags * log(self.rate), 700.0)) if self.rate else 0.0


def fit(norms: Array) -> Decay | None:
    """Least squares on ln norms (max_lag + 1,), from lag 1 to the last above numeric noise.

    Noise begins where the dtype's numbers lose their digits: tiny / eps, 1e-292 in float64. None
    where no gradient arrives at lag 1. Where one arrives there and none at lag 2 the rate is 0.
    """
    limits = np.finfo(norms.dtype)
    usable = np.isfinite(norms) & (norms > limits.tiny / limits.eps)
    usable[0] = True
    last = int(np.argmin(usable)) - 1 if not usable.all() else len(norms) - 1
    if last < 1:
        return None
    if last == 1:
        return Decay(0.0, 1) if len(norms) > 2 and norms[2] < norms[1] else None
    derivative = np.polyfit(np.arange(1, last + 1), np.log(norms[1 : last + 1]), 1)[0]
    return Decay(exp(min(derivative, 700.0)), last)
