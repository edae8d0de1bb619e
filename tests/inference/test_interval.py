"""The interval of a mean: measured coverage where the true mean is known, and each equation."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest

from charrnn.inference import interval
from charrnn.inference.interval import (
    BATCHES,
    FEWEST_SEQUENCES,
    INDEPENDENT,
    SHORTEST,
    SIZE,
    Blocks,
    fractional_noise,
    half_width,
    long_memory,
    weights_and_scales,
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
    [(noise, 0.95), (autoregressive, 0.93), (fractional(0.7), 0.93), (fractional(0.8), 0.90)],
    ids=["noise", "AR(1)", "H 0.7", "H 0.8"],
)
def test_coverage_where_the_mean_is_known(draw, least):
    rng, covered = np.random.default_rng(1), 0
    for _ in range(SERIES):
        low, high = interval_of(np.repeat(2.0 + draw(rng), 2 * SIZE))
        covered += low <= 2.0 <= high
    assert covered >= least * SERIES


def test_what_takes_batches_for_independent_fails_with_long_memory():
    """The checks above can fail: Student's t of 20 batches is far too narrow there."""
    rng, draw, covered = np.random.default_rng(1), fractional(0.8), 0
    for _ in range(SERIES):
        y = draw(rng).reshape(20, -1).mean(axis=1)
        covered += abs(y.mean()) <= T_19 * y.std(ddof=1) / sqrt(20)
    assert covered < 0.75 * SERIES


def test_the_interval_is_as_wide_as_chance_makes_it():
    """Independent blocks are not always recognised, and it is wider then, but not without end."""
    rng, widths = np.random.default_rng(1), []
    for _ in range(SERIES):
        low, high = interval_of(np.repeat(noise(rng), 2 * SIZE))
        widths.append((high - low) / 2)
    assert 1.96 / sqrt(400) < np.median(widths) < 4 * 1.96 / sqrt(400)


def test_the_interval_needs_10000_characters_and_joins_many():
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


@pytest.mark.parametrize(
    ("characters", "batches"), [(10_000, 40), (15_000, 60), (20_000, 80), (60_000, 80)]
)
def test_it_is_the_batches_of_the_series(characters, batches):
    nats = np.random.default_rng(2).exponential(size=characters)
    y = nats.reshape(batches, -1).mean(axis=1)
    expected = y.mean() - half_width(y), y.mean() + half_width(y)
    assert interval_of(nats) == pytest.approx(expected, rel=1e-12)


def test_any_order_and_any_length_in_the_same_memory(monkeypatch):
    rng = np.random.default_rng(3)
    nats = rng.exponential(size=40 * BATCHES * SIZE)
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


def test_the_weights_are_the_integral_of_the_likelihood():
    """Equation 3 against sums over a grid of μ and log σ, for four batches."""
    y = np.array([1.0, 1.4, 1.1, 2.1])
    mu = np.linspace(-60, 60, 24_001)[:, None]
    log_sigma = np.linspace(-4, 6, 201)
    found = []
    for prior, R in (INDEPENDENT, np.eye(4)), (1 - INDEPENDENT, long_memory(4)):
        deviation = y - mu
        squares = np.einsum("mi,ij,mj->m", deviation, np.linalg.inv(R), deviation)[:, None]
        density = -4 * log_sigma - squares / 2 * np.exp(-2 * log_sigma)
        found.append(prior * np.exp(density).sum() / sqrt(np.linalg.det(R)))
    weights, _ = weights_and_scales(y)
    assert weights == pytest.approx(np.array(found) / sum(found), rel=1e-3)


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [(1, 12.7062), (9, 2.26216), (19, 2.09302), (120, 1.97993), (16_383, 1.96011)],
)
def test_quantiles_of_student(freedom, quantile):
    found = interval._quantile(np.ones(1), np.ones(1), freedom)
    assert found == pytest.approx(quantile, abs=1e-4)


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
