"""The mixture: normalised, scored before it is learned from, the same by NumPy and Numba."""

from __future__ import annotations

import numpy as np
import pytest

from charrnn.inference.mixture.counting import NUMPY_COUNTING, compiled_counting
from charrnn.inference.mixture.kernels import CompiledMixture, NumPyMixture
from charrnn.inference.mixture.mixing import Rates, Weights, _inputs, _learn, _mixed
from charrnn.inference.mixture.model import Mixture
from charrnn.inference.mixture.trie import fresh

K = 7
BOTH = pytest.mark.parametrize("kernels", [NumPyMixture, CompiledMixture])
LEARNING = pytest.mark.parametrize("learning", ["nothing", "weights", "everything"])


def text(n, seed=0):
    rng = np.random.default_rng(seed)
    words = rng.integers(0, K, (9, 6))
    return words[rng.integers(0, 9, n // 6 + 1)].ravel()[:n]


def mixture(kernels, order=8):
    ids = text(3000)
    counting = compiled_counting() if kernels is CompiledMixture else NUMPY_COUNTING
    return Mixture.fitted(ids[:2500], np.array([2500]), K, order, counting, kernels())


def logits(ids, seed=1, knowledge=1.0):
    """Of a network that knows a little of what comes."""
    Z = np.random.default_rng(seed).normal(0, 1, (len(ids), K)).astype(np.float32)
    Z[np.arange(len(ids)), ids] += knowledge
    return Z


@pytest.mark.parametrize("order", [1, 3, 8])
@LEARNING
def test_numba_is_numpy(learning, order):
    y = text(3000)[2500:2800]
    results = []
    for kernels in (NumPyMixture, CompiledMixture):
        scorer = mixture(kernels, order).scorer(learning)
        nats, likeliest = scorer.score(logits(y), y)
        results.append((nats, likeliest, scorer.weights.sets, scorer._features))
    for plain, fast in zip(*results, strict=True):
        np.testing.assert_allclose(plain, fast, rtol=1e-10, atol=2e-7 if plain.ndim == 3 else 1e-10)


@BOTH
@LEARNING
def test_nothing_is_learned_before_it_is_scored(kernels, learning):
    """Whatever comes, the probabilities of all that might come add up to 1."""
    y = text(3000)[2500:2560]
    Z = logits(y)
    total = np.zeros(len(y[50:]))
    for t in range(50, len(y)):
        for c in range(K):
            scorer = mixture_of(kernels).scorer(learning)
            scorer.score(Z[:t], y[:t])
            nats, _ = scorer.score(Z[t : t + 1], np.array([c]))
            total[t - 50] += np.exp(-nats[0, 0])
    np.testing.assert_allclose(total, 1, atol=1e-12)


_MADE = {}


def mixture_of(kernels):
    if kernels not in _MADE:
        _MADE[kernels] = mixture(kernels)
    return _MADE[kernels]


@BOTH
@LEARNING
def test_one_long_block_is_many_short_ones(kernels, learning):
    y = text(3000)[2500:2700]
    Z = logits(y)
    whole, parts = (mixture_of(kernels).scorer(learning, averages=a) for a in (False, True))
    expected, likeliest = whole.score(Z, y)
    cuts = np.array_split(np.arange(len(y)), 7)
    found = [parts.score(Z[at], y[at]) for at in cuts]
    np.testing.assert_array_equal(np.concatenate([nats for nats, _ in found]), expected)
    np.testing.assert_array_equal(np.concatenate([best for _, best in found]), likeliest)
    np.testing.assert_array_equal(parts.weights.sets, whole.weights.sets)
    again = mixture_of(kernels).scorer(learning)
    again.score(Z[:100], y[:100])
    mean = (again.weights.sets + whole.weights.sets) / 2
    np.testing.assert_array_equal(parts.mean_weights().sets, mean)
    np.testing.assert_array_equal(again.mean_weights().sets, again.weights.sets)


@BOTH
def test_it_learns_and_is_better_than_either(kernels):
    whole = text(6000)
    y, means = whole[2500:], {}
    for learning in ("nothing", "weights", "everything"):
        scorer = mixture_of(kernels).scorer(learning)
        scorer.read(whole[:2500])
        nats, _ = scorer.score(logits(y, knowledge=3), y)
        means[learning], parts = nats[:, 0].mean(), nats[:, 1:].mean(0)
    assert means["weights"] < min(means["nothing"], *parts)
    assert means["everything"] != means["weights"]


def test_the_steps_are_down_the_gradient():
    made = mixture_of(NumPyMixture)
    rng = np.random.default_rng(3)
    weights, u = made.initial_weights(), np.zeros((6, 97, K), np.float32)
    weights.sets[:] += rng.normal(0, 0.1, weights.sets.shape)
    stream = fresh(K, 1)[0]
    made.read(stream, text(40))
    z, c, rates = rng.normal(0, 1, K), 4, Rates(weights=1, floor=1, features=1)
    inputs = _inputs(made.trie, made.orders, weights, u, stream, z)
    for row in inputs.rows:
        u[:, row] = rng.normal(0, 0.1, K)

    def E(weights, u):
        return -_mixed(inputs, weights, u, 1.0)[c]

    stepped, moved = weights.copy(), u.copy()
    _learn(inputs, stepped, moved, rates, np.exp(_mixed(inputs, weights, u, 1.0)), c)
    for s, b in enumerate(inputs.buckets):
        for f in range(weights.sets.shape[2]):
            up, down = weights.copy(), weights.copy()
            up.sets[s, b, f] += 1e-6
            down.sets[s, b, f] -= 1e-6
            slope = (E(up, u) - E(down, u)) / 2e-6
            assert stepped.sets[s, b, f] - weights.sets[s, b, f] == pytest.approx(-slope, abs=1e-8)
    for j, row in enumerate(inputs.rows):
        for k in range(K):
            wide = u.astype(np.float64)
            wide[j, row, k] += 1e-6
            slope = (E(weights, wide) - E(weights, u)) / 1e-6
            assert moved[j, row, k] - u[j, row, k] == pytest.approx(-slope, abs=1e-5)
    assert (stepped.sets != weights.sets).sum() == 4 * weights.sets.shape[2]


@BOTH
def test_sampling_mixes_what_scoring_scores(kernels):
    made, y = mixture_of(kernels), text(3000)[2500:2600]
    scorer = made.scorer("weights")
    scorer.score(logits(y), y)
    made = made.with_weights(scorer.weights)
    made.reached.sets[0, 0, 0] += 1  # (MIX.7) adds nothing
    streams = made.streams(3)
    for row, skip in enumerate((0, 9, 30)):
        made.read(streams[row], y[skip:])
    Z = logits(text(3, 9)).astype(np.float64)
    mixed = Z.copy()
    made.mix(streams, mixed)
    np.testing.assert_allclose(np.exp(mixed).sum(1), 1, atol=1e-12)
    for row, skip in enumerate((0, 9, 30)):
        for c in range(K):
            again = made.scorer("nothing", start="reached")
            again.read(y[skip:])
            nats, _ = again.score(Z[row : row + 1], np.array([c]))
            assert nats[0, 0] == pytest.approx(-mixed[row, c], abs=1e-12)
    # They read on, each its own.
    made.advance(streams, np.array([1, 2, 3]))
    other = made.streams(1)[0]
    made.read(other, np.append(y[9:], 2))
    np.testing.assert_array_equal(streams[1], other)


@BOTH
@pytest.mark.parametrize("say", [0.3, 1.0])
def test_a_sample_is_as_sure_as_both_parts_are(kernels, say):
    """However low the weights are: of such that add up to 1, q ≥ Π p^w ≥ the least p."""
    cycle = np.tile(np.arange(K), 500)
    counting = compiled_counting() if kernels is CompiledMixture else NUMPY_COUNTING
    made = Mixture.fitted(cycle, np.array([len(cycle)]), K, 8, counting, kernels())
    Z, streams = logits(np.array([0, 0]), knowledge=12).astype(np.float64), made.streams(2)
    for stream in streams:
        made.read(stream, cycle)

    def mixed(weights, say=1.0):
        own, z = made.initial_weights(), Z.copy()
        own.sets[0, 0] = weights
        made.with_weights(own).mix(streams, z, say)
        return z

    parts = np.stack([mixed(alone) for alone in np.eye(3)])
    assert (parts[:, :, 0] > np.log(0.75)).all()
    assert (mixed([0.02, 0.02, 0.06], say) > parts.min(0) - 1e-9).all()


@BOTH
def test_the_ngram_may_be_given_less_to_say(kernels):
    made, Z = mixture_of(kernels), logits(text(4, 2)).astype(np.float64)
    streams = made.streams(4)
    for stream in streams:
        made.read(stream, text(50))
    network = Z - np.log(np.exp(Z).sum(1, keepdims=True))
    distances = []
    for say in (0.0, 0.5, 1.0):
        mixed = Z.copy()
        made.mix(streams, mixed, say)
        np.testing.assert_allclose(np.exp(mixed).sum(1), 1, atol=1e-12)
        distances.append(np.abs(mixed - network).max())
    assert distances[0] < 1e-12 < distances[1] < distances[2]


@BOTH
def test_what_no_training_text_held_is_possible(kernels):
    made = Mixture.fitted(np.zeros(1, np.int64), np.array([1]), 2, 5, NUMPY_COUNTING, kernels())
    scorer = made.scorer("everything")
    nats, _ = scorer.score(np.array([[300.0, -300.0]] * 3, np.float32), np.array([1, 1, 0]))
    assert np.isfinite(nats).all()


@BOTH
def test_5000_characters(kernels):
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 5000, 600)
    made = Mixture.fitted(ids, np.array([300, 300]), 5000, 4, NUMPY_COUNTING, kernels())
    streams, Z = made.streams(1), rng.normal(0, 1, (1, 5000))
    made.read(streams[0], ids[:20])
    made.mix(streams, Z)
    assert abs(np.exp(Z).sum() - 1) < 1e-12
    assert made.scorer("everything").score(Z, ids[:1])[0].shape == (1, 3)


def test_weights_begin_alike_whatever_the_text():
    first, second = (Mixture.fitted(text(900, s), np.array([900]), K, 7) for s in (1, 2))
    np.testing.assert_array_equal(first.initial_weights().sets, second.initial_weights().sets)
    assert Weights.equal(K, 2).sets.sum(1)[0].tolist() == [0.5, 0.5]


def test_auto_is_as_high_as_it_helps():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, K, 4000)
    assert Mixture.fitted(noise, np.array([4000]), K).order <= 3
    lines = rng.integers(0, K, (5, 40))
    repeated = lines[rng.integers(0, 5, 400)].ravel()
    assert Mixture.fitted(repeated, np.full(400, 40), K).order >= 4
