"""The hidden Markov model: all paths added up, a likelihood that only rises, hmmlearn's values."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from charrnn.inference.hmm import (
    HMM,
    Rows,
    backward,
    batched,
    baum_welch,
    fit,
    forward,
    initial,
    losses,
)

MODEL = HMM(
    np.array([0.6, 0.4]),
    np.array([[0.7, 0.3], [0.2, 0.8]]),
    np.array([[0.5, 0.4, 0.1], [0.1, 0.3, 0.6]]),
)
IDS = np.array([0, 1, 2, 2, 1, 0, 0, 2, 1, 1, 2, 0])


def rows(*sequences):
    ids = np.concatenate(sequences)
    return batched(ids, np.array([len(s) for s in sequences]), 2)


def fits(model, batches, iterations):
    return list(baum_welch(model, batches, iterations))


@pytest.mark.parametrize(("N", "K", "T"), [(1, 2, 4), (2, 3, 5), (3, 2, 6)])
def test_forward_is_the_sum_over_all_paths(N, K, T):
    model = initial(N, K, 4)
    for x in product(range(K), repeat=T):
        total = 0.0
        for path in product(range(N), repeat=T):
            p = model.start[path[0]] * model.emission[path[0], x[0]]
            for t in range(1, T):
                p *= model.transition[path[t - 1], path[t]] * model.emission[path[t], x[t]]
            total += p
        nats, _ = losses(model, np.array(x))
        assert nats.sum() == pytest.approx(-np.log(total), rel=1e-12)


def test_what_may_come_adds_up_to_one():
    model = initial(4, 5, 1)
    before = np.random.default_rng(0).integers(0, 5, 30)
    _, at = losses(model, before)
    total = sum(np.exp(-losses(model, np.array([c]), at)[0][0]) for c in range(5))
    assert total == pytest.approx(1, abs=1e-12)


def test_a_text_in_parts_is_the_text():
    model, ids = initial(3, 5, 2), np.random.default_rng(0).integers(0, 5, 50)
    whole, _ = losses(model, ids)
    first, at = losses(model, ids[:20])
    second, _ = losses(model, ids[20:], at)
    np.testing.assert_allclose(np.concatenate([first, second]), whole, rtol=1e-12)


def test_forward_and_backward_agree_at_every_step():
    batch = Rows(IDS[:, None], np.array([len(IDS)]))
    alpha, c = forward(MODEL, batch)
    np.testing.assert_allclose((alpha * backward(MODEL, batch, c)).sum(-1), 1, rtol=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_the_likelihood_rises_in_every_iteration(seed):
    rng = np.random.default_rng(seed)
    text = rng.integers(0, 4, (5, 6))[rng.integers(0, 5, 300)].ravel()
    found = fits(initial(6, 4, seed), batched(text, np.array([700, 1, 1099]), 6), 30)
    gains = np.diff([f.log_likelihood for f in found])
    assert (gains > 0).all(), gains
    for f in found:
        for row in (f.model.start[None], f.model.transition, f.model.emission):
            np.testing.assert_allclose(row.sum(1), 1, rtol=1e-12)


def test_sequences_side_by_side_are_sequences_one_by_one():
    text = np.random.default_rng(3).integers(0, 3, 40)
    together = fits(MODEL, rows(text[:7], text[7:30], text[30:]), 3)
    alone = [
        Rows(part[:, None], np.array([len(part)])) for part in (text[:7], text[7:30], text[30:])
    ]
    for a, b in zip(together, fits(MODEL, alone, 3), strict=True):
        assert a.log_likelihood == pytest.approx(b.log_likelihood, rel=1e-12)
        np.testing.assert_allclose(a.model.transition, b.model.transition, rtol=1e-12)
        np.testing.assert_allclose(a.model.emission, b.model.emission, rtol=1e-12)


def test_values_of_hmmlearn():
    """hmmlearn 0.3.3, CategoricalHMM, from the same model, on sequences of 5 and 7."""
    assert losses(MODEL, IDS)[0].sum() == pytest.approx(13.690784102916975, rel=1e-10)
    found = fits(MODEL, rows(IDS[:5], IDS[5:]), 20)
    expected = {0: -13.266720433238845, 1: -11.902750327040742, 5: -10.38277647028938,
                20: -10.268810126077302}  # fmt: skip
    for iteration, value in expected.items():
        assert found[iteration].log_likelihood == pytest.approx(value, rel=1e-10)
    np.testing.assert_allclose(found[1].model.start, [0.8880895676074276, 0.1119104323925724],
                               rtol=1e-10)  # fmt: skip
    np.testing.assert_allclose(
        found[5].model.transition,
        [[0.31674421081839704, 0.683255789181603], [0.10371567954526702, 0.8962843204547329]],
        rtol=1e-9,
    )
    np.testing.assert_allclose(
        found[5].model.emission,
        [[0.96058754525423, 0.02257142615611641, 0.0168410285896536],
         [0.056646281376069536, 0.4704129962887485, 0.47294072233218214]],
        rtol=1e-9,
    )  # fmt: skip


def test_the_seed_says_where_it_begins():
    text = np.random.default_rng(3).integers(0, 3, 200)
    first, again, other = (
        fit(text, np.array([200]), 3, 3, seed=seed, iterations=5) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.transition, again.transition)
    assert not np.allclose(first.transition, other.transition)


def test_a_character_that_never_occurred_is_possible():
    model = fit(np.array([0, 1] * 50), np.array([100]), 2, 3, seed=1)
    nats, _ = losses(model, np.array([0, 1, 0, 1, 2, 0]))
    assert np.isfinite(nats).all()
    assert nats[4] > 4 > nats[3]
    np.testing.assert_allclose(model.emission.sum(1), 1, rtol=1e-12)


def test_it_learns_what_a_finite_memory_can_hold():
    """A cycle of four states, which no bigram of its two characters can follow."""
    text = np.array([0, 0, 1, 1] * 300)
    best = min(losses(fit(text, np.array([1200]), 4, 2, seed=s, iterations=200), text)[0].mean()
               for s in range(4))  # fmt: skip
    assert best < 0.05
    assert initial(4, 2, 0).parameters == 3 + 12 + 4
