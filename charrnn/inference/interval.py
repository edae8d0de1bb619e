"""How sure a mean over a text is: from the means of 40 to 80 stretches, or of all sequences.

Characters of a text are not independent, and neither are stretches of it: scenes, subjects and
files come and go at every scale, so that the variance of a mean over m characters falls as
m^(2H - 2) with H near 0.8 or 0.9, not as 1 / m (H = 0.5): long memory (Beran 1994). The part is
cut in n ≤ 80 batches of the same length, 250 characters or more, side by side, whose means are y
(Schmeiser 1982). Two models of y are weighed, with 1 a vector of ones:

1. y ~ N(μ 1, σ² R), R = I, or R = 0.7 F + 0.3 I with F of fractional Gaussian noise, H = 0.9,
   which is the same for batches of any length (Mandelbrot & Van Ness 1968)
2. s² = min over μ of (y - μ 1)ᵀ R⁻¹ (y - μ 1) / (n - 1)
3. p(R | y) ∝ p(R) |R|^(-1/2) (1ᵀ R⁻¹ 1)^(-1/2) s^(1 - n), for p(μ, σ²) ∝ 1 / σ²
4. given R, (mean - μ) n / (s √(1ᵀ R 1)) is taken as Student's t with n - 1 degrees of freedom
5. the half width h is where Σ_R p(R | y) P(|t| ≤ h n / (s √(1ᵀ R 1))) = 0.95

n, H, the share of I and p(R) were chosen, and the coverage was measured, by
`benchmarks/interval_coverage.py`; see docs/eval.md. Sequences, such as lines, are in random
order, and Student's t is for them.
"""

from __future__ import annotations

from functools import cache
from math import atan, exp, lgamma, log, pi, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZE = 25  # characters of a block, of which batches are put together
BATCHES = 80  # at most
BATCH = 250  # characters of a batch, at least
SHORTEST = 10_000  # characters: 40 batches
FEWEST_SEQUENCES = 10
LEVEL = 0.95
HURST = 0.9
NOISE = 0.3  # the share of I in the R of long memory
INDEPENDENT = 0.4  # p(R = I)
_MOST = 1 << 14  # sums kept; where there are more blocks, neighbours are added up

Floats = NDArray[np.float64]


class Blocks:
    """Sums of nats and numbers of characters of the blocks of a part, in bounded memory.

    A block is SIZE characters, in the order of the text, or with `sequences` one of
    them, in random order.
    """

    def __init__(self, *, sequences: bool = False) -> None:
        self._sequences = sequences
        self._joined = 1  # blocks in one sum
        self._nats, self._chars = np.zeros(_MOST), np.zeros(_MOST)

    def add(self, blocks: NDArray[np.int64], E: NDArray[Any], mask: NDArray[np.bool_]) -> None:
        """Nats E (T, B) where the mask is true, to blocks (T, B) or (B,), in any order."""
        at = np.broadcast_to(blocks, mask.shape)[mask]
        if not len(at):
            return
        while int(at.max()) // self._joined >= _MOST:
            self._nats, self._chars = _join_pairs(self._nats), _join_pairs(self._chars)
            self._joined *= 2
        at = at // self._joined
        first, stop = int(at.min()), int(at.max()) + 1
        self._nats[first:stop] += np.bincount(at - first, E[mask])
        self._chars[first:stop] += np.bincount(at - first)

    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the nats per character; None where the part is too short."""
        used = self._chars > 0
        nats, chars = self._nats[used], self._chars[used]
        half = (
            _half_width_of_sequences(nats, chars) if self._sequences else _half_width(nats, chars)
        )
        if half is None:
            return None
        mean = float(nats.sum() / chars.sum())
        return mean - half, mean + half


def half_width(y: Floats) -> float:
    """h for the mean of y (n,), the means of n batches side by side: equation 5."""
    if np.ptp(y) <= 1e-12 * abs(y).max():
        return 0.0
    return _quantile(*weights_and_scales(y), len(y) - 1)


def weights_and_scales(y: Floats) -> tuple[Floats, Floats]:
    """Of both R, the independent batches first: p(R | y) and s √(1ᵀ R 1) / n."""
    n = len(y)
    log_weights, scales = [], []
    for prior, R in (INDEPENDENT, np.eye(n)), (1 - INDEPENDENT, long_memory(n)):
        inverse = np.linalg.inv(R)
        ones = inverse.sum(axis=0)  # R⁻¹ 1
        deviation = y - ones @ y / ones.sum()
        s = sqrt(float(deviation @ inverse @ deviation) / (n - 1))
        determinant = float(np.linalg.slogdet(R)[1])
        log_weights.append(log(prior) - (determinant + log(ones.sum())) / 2 - (n - 1) * log(s))
        scales.append(s * sqrt(float(R.sum())) / n)
    weights = np.exp(np.array(log_weights) - max(log_weights))
    return weights / weights.sum(), np.array(scales)


def long_memory(n: int) -> Floats:
    """R (n, n) of the second model."""
    return (1 - NOISE) * fractional_noise(n, HURST) + NOISE * np.eye(n)


def fractional_noise(n: int, hurst: float) -> Floats:
    """Correlations (n, n) of fractional Gaussian noise."""
    lag = np.abs(np.subtract.outer(np.arange(n), np.arange(n))).astype(np.float64)
    power = 2 * hurst
    return ((lag + 1) ** power + np.abs(lag - 1) ** power) / 2 - lag**power


def _half_width(nats: Floats, chars: Floats) -> float | None:
    total = np.cumsum(chars)
    if not len(total) or total[-1] < SHORTEST:
        return None
    n = min(BATCHES, int(total[-1]) // BATCH)
    ends = np.searchsorted(total, total[-1] * np.arange(1, n) / n) + 1
    starts = np.concatenate([[0], ends])
    return half_width(np.add.reduceat(nats, starts) / np.add.reduceat(chars, starts))


def _half_width_of_sequences(nats: Floats, chars: Floats) -> float | None:
    """Of the ratio of two sums over n independent sequences (Cochran 1977, 6.3)."""
    n = len(nats)
    if n < FEWEST_SEQUENCES:
        return None
    deviation = nats - nats.sum() / chars.sum() * chars
    error = sqrt(n / (n - 1) * float(deviation @ deviation)) / float(chars.sum())
    return _quantile(np.ones(1), np.array([error]), n - 1)


def _quantile(weights: Floats, scales: Floats, freedom: int) -> float:
    """Where Σ weight P(|t| scale ≤ h) is LEVEL, by bisection."""
    low, high = 0.0, 100 * float(scales.max())
    for _ in range(60):
        middle = (low + high) / 2
        inside = [_student(middle / scale, freedom) if scale else 1.0 for scale in scales]
        low, high = (middle, high) if weights @ inside < LEVEL else (low, middle)
    return high


def _student(x: float, freedom: int) -> float:
    """P(|t| ≤ x): with x = √ν tan θ, the integral of cos^(ν-1) from 0 to θ."""
    nodes, weights = _gauss_legendre()
    theta = atan(x / sqrt(freedom))
    area = theta / 2 * float(weights @ np.cos(theta * (nodes + 1) / 2) ** (freedom - 1))
    return area * 2 / sqrt(pi) * exp(lgamma((freedom + 1) / 2) - lgamma(freedom / 2))


@cache
def _gauss_legendre() -> tuple[Floats, Floats]:
    return np.polynomial.legendre.leggauss(64)


def _join_pairs(sums: Floats) -> Floats:
    """Sums of two neighbours each, and as many zeros after them."""
    return np.concatenate([sums.reshape(-1, 2).sum(axis=1), np.zeros(len(sums) // 2)])
