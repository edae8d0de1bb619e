"""How sure a mean over a text is: from its slow changes over 20 stretches, or from all sequences.

Characters of a text are not independent, and neither are stretches of it: scenes, subjects and
files come and go at every scale, so that the variance of a mean over m characters falls as
m^(2H - 2), with H from 0.5 (1 / m) to 0.9 or so: long memory (Beran 1994). No stretch tells its
own H well, and what short batches say of it need not hold at the length of the part. So the scale
is that of the slowest changes, which are as long as the part itself (Müller & Watson 2017), and H
only corrects it. The part is cut in n = 20 batches of the same length, side by side, whose means
are y; R(H), or R, are the correlations of fractional Gaussian noise, which are the same for
batches of any length (Mandelbrot & Van Ness 1968), and 1 is a vector of ones:

1. a_j = 1/n Σ_i w_ij y_i, w_ij = √2 cos(π j (i - 1/2) / n), i = 1 … n, j = 1, 2; Σ_i w_ij = 0
2. s² = 0.98 a_1² + 0.02 a_2²
3. r(H)² = 1ᵀ R 1 / (0.98 w_1ᵀ R w_1 + 0.02 w_2ᵀ R w_2), so that r s estimates the deviation of
   the mean of y
4. H = the one of 0.6, 0.625 … 0.8 with the largest |R|^(-1/2) (1ᵀ R⁻¹ 1)^(-1/2) v^((1 - n) / 2),
   v = min over μ of (y - μ 1)ᵀ R⁻¹ (y - μ 1): restricted maximum likelihood (Harville 1977)
5. the half width is h = 9.2 r(H) s

(mean - μ) / (r s) is nearly Student's t with one degree of freedom, whose tails are so long that an
error of r costs little; the share of a_2 keeps h from being tiny where a_1 is near 0 by chance. For
y ~ N(μ 1, σ² R) h covers 97.4 % at H = 0.5, 95.6 % at 0.7 and 90.8 % at 0.9. 9.2, 0.02 and the
range of H were chosen, and the coverage of texts was measured, by
`benchmarks/interval_coverage.py`; see docs/eval.md. Sequences, such as lines, are in random order,
and the ordinary Student's t is for them.
"""

from __future__ import annotations

from functools import cache
from math import atan, exp, lgamma, log, pi, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

SIZE = 25  # characters of a block, of which batches are put together
BATCHES = 20
SHORTEST = 5_000  # characters
FEWEST_SEQUENCES = 10
LEVEL = 0.95
HURSTS = tuple(0.6 + 0.025 * k for k in range(9))
SHARES = np.array([0.98, 0.02])  # of a_1 and a_2
FACTOR = 9.2
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
        """The 95 % interval of the nats per character, which are never negative.

        None where the part is too short.
        """
        used = self._chars > 0
        nats, chars = self._nats[used], self._chars[used]
        half = (
            _half_width_of_sequences(nats, chars) if self._sequences else _half_width(nats, chars)
        )
        if half is None:
            return None
        mean = float(nats.sum() / chars.sum())
        return max(mean - half, 0.0), mean + half


def half_width(y: Floats) -> float:
    """h for the mean of y (n,), the means of n batches side by side: equation 5."""
    if np.ptp(y) <= 1e-12 * abs(y).max():
        return 0.0
    n = len(y)
    likeliest = max(_models(n), key=lambda model: model.log_likelihood(y))
    s = sqrt(float(SHARES @ (waves(n) @ y / n) ** 2))
    return FACTOR * likeliest.ratio * s


def waves(n: int) -> Floats:
    """w (2, n): half a wave and a whole one over n batches."""
    i = (np.arange(n) + 0.5) / n
    return sqrt(2) * np.cos(pi * np.array([[1], [2]]) * i)


class Model(NamedTuple):
    """Means of batches as fractional noise of one H. `ratio`: r of equation 3."""

    ratio: float
    inverse: Floats
    log_determinant: float

    @classmethod
    def of(cls, n: int, hurst: float) -> Model:
        """That of n batches."""
        R, w = fractional_noise(n, hurst), waves(n)
        ratio = sqrt(float(R.sum()) / float(SHARES @ np.einsum("ji,ik,jk->j", w, R, w)))
        return cls(ratio, np.asarray(np.linalg.inv(R), np.float64), float(np.linalg.slogdet(R)[1]))

    def log_likelihood(self, y: Floats) -> float:
        """Log of what is maximised in equation 4."""
        ones = self.inverse.sum(axis=0)  # R⁻¹ 1
        deviation = y - ones @ y / ones.sum()
        v = float(deviation @ self.inverse @ deviation)
        return -(self.log_determinant + log(ones.sum()) + (len(y) - 1) * log(v)) / 2


@cache
def _models(n: int) -> list[Model]:
    return [Model.of(n, hurst) for hurst in HURSTS]


def fractional_noise(n: int, hurst: float) -> Floats:
    """Correlations (n, n) of fractional Gaussian noise."""
    lag = np.abs(np.subtract.outer(np.arange(n), np.arange(n))).astype(np.float64)
    power = 2 * hurst
    return ((lag + 1) ** power + np.abs(lag - 1) ** power) / 2 - lag**power


def _half_width(nats: Floats, chars: Floats) -> float | None:
    total = np.cumsum(chars)
    if not len(total) or total[-1] < SHORTEST:
        return None
    ends = np.searchsorted(total, total[-1] * np.arange(1, BATCHES) / BATCHES) + 1
    starts = np.concatenate([[0], ends])
    return half_width(np.add.reduceat(nats, starts) / np.add.reduceat(chars, starts))


def _half_width_of_sequences(nats: Floats, chars: Floats) -> float | None:
    """Of the ratio of two sums over n independent sequences (Cochran 1977, 6.3)."""
    n = len(nats)
    if n < FEWEST_SEQUENCES:
        return None
    deviation = nats - nats.sum() / chars.sum() * chars
    error = sqrt(n / (n - 1) * float(deviation @ deviation)) / float(chars.sum())
    return student_quantile(n - 1) * error


@cache
def student_quantile(freedom: int) -> float:
    """x where P(|t| ≤ x) is LEVEL, by bisection."""
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _student(middle, freedom) < LEVEL else (low, middle)
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
