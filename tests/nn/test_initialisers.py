"""Initialisation: the distributions promised, gate by gate."""

from __future__ import annotations

import numpy as np
import pytest

from charrnn import build, config
from charrnn.nn.params import draw


def test_schemes():
    rng = np.random.default_rng(0)
    uniform = draw(rng, (200, 100), "uniform", 0.08, 100)
    assert np.abs(uniform).max() <= 0.08
    assert uniform.std() == pytest.approx(0.08 / 3**0.5, rel=0.02)
    assert draw(rng, (200, 100), "normal", None, 100).std() == pytest.approx(0.1, rel=0.02)
    xavier = draw(rng, (200, 100), "xavier", None, 100)
    assert xavier.std() == pytest.approx((2 / 300) ** 0.5, rel=0.02)
    np.testing.assert_array_equal(draw(rng, (3, 3), "identity", 0.5, 3), 0.5 * np.eye(3))
    for shape in [(50, 50), (30, 50), (50, 30)]:
        q = draw(rng, shape, "orthogonal", 2.0, 50)
        product = q @ q.T if shape[0] <= shape[1] else q.T @ q
        np.testing.assert_allclose(product, 4 * np.eye(min(shape)), atol=1e-12)


def test_every_gate_of_U_is_orthogonal_and_only_the_forget_bias_is_one():
    settings = config.load(None, ["model.hidden_size=16"])
    network = build.network(settings, 20, np.float64)
    build.initialise(network, settings)
    U = network.params["layers.1.U"]
    for k in range(4):
        block = U[:, 16 * k : 16 * (k + 1)]
        np.testing.assert_allclose(block @ block.T, np.eye(16), atol=1e-12)
    expected = np.repeat([0.0, 1.0, 0.0, 0.0], 16)
    np.testing.assert_array_equal(network.params["layers.0.b"], expected)


def test_coupled_gates_forget_at_first_as_much_as_a_forget_gate_of_its_own():
    keys = ["model.hidden_size=4", "model.num_layers=1", "model.forget_bias=2"]
    settings = config.load(None, [*keys, "model.coupled_gates=true"])
    network = build.network(settings, 20, np.float64)
    build.initialise(network, settings)
    b_i, b_o, b_g = network.params["layers.0.b"].reshape(3, 4)
    np.testing.assert_allclose(1 - 1 / (1 + np.exp(-b_i)), 1 / (1 + np.exp(-2.0)))
    assert not np.any([b_o, b_g])
    assert not config.unused_keys(settings)


def test_both_dtypes_start_from_the_same_numbers():
    settings = config.load(None, ["model.hidden_size=8"])
    double, single = (build.network(settings, 9, t) for t in (np.float64, np.float32))
    build.initialise(double, settings)
    build.initialise(single, settings)
    np.testing.assert_array_equal(double.params.flat.astype(np.float32), single.params.flat)
