"""The compiled sampler draws from the mixture what network, mixture and choice draw apart."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba", reason="the extra fast is not installed")

from charrnn import build, config
from charrnn.inference.mixture.kernels import NumPyMixture
from charrnn.inference.mixture.model import Mixture
from charrnn.inference.sampling import Sampling
from charrnn.nn.backends.compiled.sampling import compiled_sampler

K, B = 7, 3
NEWLINE = 2


def network(cell):
    settings = config.load(
        None, ["model.hidden_size=9", "runtime.dtype=float64", f"model.cell={cell}"]
    )
    made = build.network(settings, K)
    build.initialise(made, settings)
    made.params.flat[...] += 0.5 * np.random.default_rng(0).standard_normal(made.params.flat.size)
    return made


def mixture():
    rng = np.random.default_rng(1)
    ids = rng.integers(0, K, (9, 6))[rng.integers(0, 9, 200)].ravel()
    made = Mixture.fitted(ids, np.array([700, 500]), K, 8, kernels=NumPyMixture())
    scorer = made.scorer()
    scorer.score(rng.normal(0, 1, (200, K)), ids[:200])
    return made.with_weights(scorer.weights), ids


def apart(net, made, sampling, boundary, say, x, state, uniforms, streams):
    """The same, a stream and a character at a time."""
    ids, state = np.empty(uniforms.shape, np.int32), state.copy()
    for t, row in enumerate(uniforms):
        if boundary is not None:
            state[:, :, x == boundary] = 0
            streams[x == boundary] = made.streams(1)
        made.advance(streams, x)
        tape = net.forward(x[None], state)
        Z = net.logits(tape)[0].copy()
        state = net.state_after(tape, 1)
        made.mix(streams, Z, say)
        ids[t] = x = np.array([sampling.choose(z, u) for z, u in zip(Z, row, strict=True)])
    return ids, state


@pytest.mark.parametrize("boundary", [None, NEWLINE])
@pytest.mark.parametrize(
    ("cell", "sampling", "say"),
    [
        ("lstm", Sampling(), 1.0),
        ("lstm", Sampling(temperature=0.7, top_k=3, allowed=np.arange(K) != 1), 0.4),
        ("gru", Sampling(temperature=1.3, top_p=0.8), 1.0),
        ("rnn", Sampling(temperature=0), 0.0),
    ],
)
def test_it_draws_what_the_parts_draw(cell, sampling, say, boundary):
    net, (made, ids) = network(cell), mixture()
    streams, rng = made.streams(B), np.random.default_rng(4)
    for row in range(B):
        made.read(streams[row], ids[: 10 * row])
    x, state = np.array([1, 2, 3], np.int32), rng.normal(0, 0.3, net.zero_state(B).shape)
    uniforms, again = rng.random((60, B)), streams.copy()
    expected, last = apart(net, made, sampling, boundary, say, x, state, uniforms, streams)
    rule = (sampling.temperature, sampling.top_k, sampling.top_p, sampling.allowed, boundary)
    go = compiled_sampler(net, *rule, made.for_sampling(say))
    first, middle = go(x, state, uniforms[:25], again)
    second, found = go(first[-1], middle, uniforms[25:], again)
    np.testing.assert_array_equal(np.concatenate([first, second]), expected)
    np.testing.assert_allclose(found, last, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(again, streams)
    if say == 0:
        alone = compiled_sampler(net, *rule)
        np.testing.assert_array_equal(alone(x, state, uniforms)[0], expected)
