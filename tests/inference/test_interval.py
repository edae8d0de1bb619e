"""The interval of a mean: measured coverage where the true mean is known, and each equation."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest

from charrnn.inference import interval
from charrnn.inference.interval import (
    BATCHES,
    FACTOR,
    FEWEST_SEQUENCES,
    HURSTS,
    SHORTEST,
    SIZE,
    Blocks,
    Model,
    fractional_noise,
    half_width,
    student_quantile,
    waves,
)

SERIES = 200
T_19 = 2.0930  # Student's t: 95 % of both sides


def interval_of(nats, *, order=None):
    """Of a series of nats of characters."""
    blocks, at = Blocks(), np.arange(len(nats))
    for part in np.array_split(at if order is None else at[order], 3):
        blocks.add(part[:, None] // SIZE, nats[part][:, None], np.ones((len(part), 1), np.bool_))
    return blocks.interval()


def noise(rng):
    return rng.exponential(1.0, 400) - 1


def autoregressive(rng):
    """AR(1) with coefficient 0.8 from its stationary state: short memory."""
    x = rng.normal(0, 1 / 0.6, 401)
    for t in range(1, 401):
        x[t] = 0.8 * x[t - 1] + x[t] * 0.6
    return x[1:]


def fractional(hurst):
    factor = np.linalg.cholesky(fractional_noise(400, hurst))
    return lambda rng: factor @ rng.normal(size=400)


@pytest.mark.parametrize(
    ("draw", "least"),
    [(noise, 0.94), (autoregressive, 0.93), (fractional(0.7), 0.92), (fractional(0.85), 0.90)],
    ids=["noise", "AR(1)", "H 0.7", "H 0.85"],
)
def test_coverage_where_the_mean_is_known(draw, least):
    rng, covered = np.random.default_rng(1), 0
    for _ in range(SERIES):
        low, high = interval_of(np.repeat(2.0 + draw(rng), 2 * SIZE))
        covered += low <= 2.0 <= high
    assert least * SERIES <= covered <= 0.985 * SERIES


def test_what_takes_batches_for_independent_fails_with_long_memory():
    """The checks above can fail: Student's t of 20 batches is far too narrow there."""
    rng, draw, covered = np.random.default_rng(1), fractional(0.8), 0
    for _ in range(SERIES):
        y = draw(rng).reshape(20, -1).mean(axis=1)
        covered += abs(y.mean()) <= T_19 * y.std(ddof=1) / sqrt(20)
    assert covered < 0.75 * SERIES


@pytest.mark.parametrize(("hurst", "expected"), [(0.5, 0.974), (0.7, 0.956), (0.9, 0.908)])
def test_coverage_of_fractional_noise(hurst, expected):
    """Of 1,000 series of means, as the module says of it."""
    y = np.random.default_rng(7).normal(size=(1_000, BATCHES))
    y = y @ np.linalg.cholesky(fractional_noise(BATCHES, hurst)).T
    half = np.array([half_width(series) for series in y])
    assert (abs(y.mean(axis=1)) <= half).mean() == pytest.approx(expected, abs=0.015)


def test_the_interval_needs_5000_characters_and_joins_many():
    nats = np.random.default_rng(0).exponential(size=SHORTEST)
    assert interval_of(nats[:-1]) is None
    low, high = interval_of(nats)
    assert low < nats.mean() < high
    assert Blocks().interval() is None
    many = Blocks()
    for first in (30_000, 0, 3_000_000):
        ids = first + np.arange(30_000)
        many.add(ids, np.full((1, 30_000), 1.5), np.ones((1, 30_000), np.bool_))
    assert many.interval() == pytest.approx((1.5, 1.5))


@pytest.mark.parametrize("characters", [5_000, 60_000])
def test_it_is_the_batches_of_the_series(characters):
    nats = np.random.default_rng(2).exponential(size=characters)
    y = nats.reshape(BATCHES, -1).mean(axis=1)
    expected = y.mean() - half_width(y), y.mean() + half_width(y)
    assert interval_of(nats) == pytest.approx(expected, rel=1e-12)


def test_no_bound_is_negative():
    """Of a part whose first half is easy and whose second is hard, little is known."""
    low, high = interval_of(np.repeat([0.1, 5.0], 5_000))
    assert (low, high > 5.0) == (0.0, True)


def test_any_order_and_any_length_in_the_same_memory(monkeypatch):
    rng = np.random.default_rng(3)
    nats = rng.exponential(size=160 * BATCHES * SIZE)
    expected = interval_of(nats)
    monkeypatch.setattr(interval, "_MOST", 800)
    blocks = Blocks()
    for at in np.array_split(rng.permutation(len(nats)), 9):
        blocks.add(at // SIZE, nats[at], np.ones(len(at), np.bool_))
    assert len(blocks._nats) == len(blocks._chars) == 800
    assert blocks.interval() == pytest.approx(expected, rel=1e-12)


def test_what_the_mask_leaves_out_is_left_out():
    nats = np.random.default_rng(4).exponential(size=SHORTEST)
    blocks, padded = Blocks(), np.stack([nats, np.full(SHORTEST, 99.0)], axis=1)
    mask = np.array([[True, False]]).repeat(SHORTEST, axis=0)
    blocks.add(np.arange(SHORTEST)[:, None] // SIZE, padded, mask)
    assert blocks.interval() == pytest.approx(interval_of(nats), rel=1e-12)


@pytest.mark.parametrize("hurst", [0.5, 0.7, 0.95])
def test_fractional_noise_looks_the_same_at_every_scale(hurst):
    R = fractional_noise(60, hurst)
    assert R.sum() == pytest.approx(60 ** (2 * hurst), rel=1e-9)
    pairs = R.reshape(30, 2, 30, 2).sum(axis=(1, 3))
    assert pairs / pairs[0, 0] == pytest.approx(fractional_noise(30, hurst), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("hurst", HURSTS)
def test_the_ratio_by_hand(hurst):
    """Of two batches the whole wave is 0 and w_1 = (1, -1): r² = (1 + ρ) / (0.98 (1 - ρ))."""
    assert waves(2) == pytest.approx(np.array([[1, -1], [0, 0]]), abs=1e-12)
    rho = 2 ** (2 * hurst - 1) - 1
    assert Model.of(2, hurst).ratio ** 2 == pytest.approx((1 + rho) / (1 - rho) / 0.98)


def test_it_does_not_depend_on_direction_place_or_scale():
    y = np.random.default_rng(8).normal(size=BATCHES).cumsum()
    half = half_width(y)
    for other in (y[::-1], -y, y + 5, 3 * y):
        assert half_width(other) == pytest.approx(half * (3 if other[1] == 3 * y[1] else 1))
    slow = float(np.array([0.98, 0.02]) @ (waves(BATCHES) @ y / BATCHES) ** 2) ** 0.5
    likeliest = max(HURSTS, key=lambda hurst: Model.of(BATCHES, hurst).log_likelihood(y))
    assert half == pytest.approx(FACTOR * Model.of(BATCHES, likeliest).ratio * slow)


def test_likelihoods_are_integrals():
    """Equation 4 against sums over a grid of μ and log σ, for four batches."""
    y = np.array([1.0, 1.4, 1.1, 2.1])
    mu, log_sigma = np.linspace(-60, 60, 6_001)[:, None], np.linspace(-4, 6, 101)
    found, expected = [], []
    for hurst in (HURSTS[0], HURSTS[-1]):
        R, deviation = fractional_noise(4, hurst), y - mu
        squares = np.einsum("mi,ij,mj->m", deviation, np.linalg.inv(R), deviation)[:, None]
        density = -4 * log_sigma - squares / 2 * np.exp(-2 * log_sigma)
        expected.append(log(np.exp(density).sum() / sqrt(np.linalg.det(R))))
        found.append(Model.of(4, hurst).log_likelihood(y))
    assert found[1] - found[0] == pytest.approx(expected[1] - expected[0], rel=1e-3)


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [(1, 12.7062), (9, 2.26216), (19, 2.09302), (120, 1.97993), (16_383, 1.96011)],
)
def test_quantiles_of_student(freedom, quantile):
    assert student_quantile(freedom) == pytest.approx(quantile, abs=1e-4)


def lines_of(rng, n):
    """Nats and lengths of lines; the true mean is 2 nats a character."""
    chars = rng.integers(2, 60, n)
    return chars * 2.0 + rng.normal(0, 0.5, n) * chars, chars


def interval_of_lines(nats, chars):
    blocks = Blocks(sequences=True)
    T = chars.max()
    mask = np.arange(T)[:, None] < chars
    blocks.add(np.arange(len(chars)), np.broadcast_to(nats / chars, mask.shape), mask)
    return blocks.interval()


@pytest.mark.parametrize("n", [10, 40, 400])
def test_coverage_of_lines(n):
    rng, covered = np.random.default_rng(n), 0
    for _ in range(SERIES):
        low, high = interval_of_lines(*lines_of(rng, n))
        covered += low <= 2.0 <= high
    assert 0.90 * SERIES <= covered <= 0.98 * SERIES


def test_lines_of_one_length_are_a_plain_mean():
    nats = np.random.default_rng(5).exponential(size=20) * 7
    half = T_19 * nats.std(ddof=1) / sqrt(20) / 7
    expected = nats.mean() / 7 - half, nats.mean() / 7 + half
    assert interval_of_lines(nats, np.full(20, 7)) == pytest.approx(expected, rel=1e-4)


def test_few_lines_have_none():
    nats, chars = lines_of(np.random.default_rng(6), FEWEST_SEQUENCES)
    assert interval_of_lines(nats, chars) is not None
    assert interval_of_lines(nats[:-1], chars[:-1]) is None
    assert interval_of_lines(np.full(30, log(2)), np.ones(30, np.int64)) == pytest.approx(
        (log(2), log(2))
    )
