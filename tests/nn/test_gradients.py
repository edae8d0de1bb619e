"""Forward against the textbook, backward against its complex-step derivative."""

from __future__ import annotations

import numpy as np
import pytest

from charrnn import build, config
from tests.conftest import make_problem, worst_error
from tests.helpers.variants import CELLS, VARIANTS

SHAPES = {
    "T=6 B=3": {},
    "T=1": {"T": 1},
    "B=1": {"B": 1},
    "H=1": {"H": 1},
    "K=2 repeated ids": {"K": 2, "T": 9},
    "padding": {"lengths": [6, 2, 4]},
    "errors from step 3 on": {"first": 3},
    "dropout": {"dropout": True},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_forward_is_the_textbook(variant):
    network, reference, problem = make_problem(["model.num_layers=2", *VARIANTS[variant]])
    batch, state = problem.batches[0], problem.initial_states[0]
    tape = network.forward(batch.x, state)
    E, states = reference.losses(dict(network.params), batch.x, batch.y, state)
    for t in range(len(batch.x)):
        np.testing.assert_allclose(network.state_after(tape, t + 1), states[t], rtol=0, atol=1e-12)
    np.testing.assert_allclose(network.losses(tape, batch.y), E, rtol=0, atol=1e-12)


@pytest.mark.parametrize("variant", VARIANTS)
def test_gradient_of_every_entry_and_initial_state(variant):
    network, reference, problem = make_problem(["model.num_layers=2", *VARIANTS[variant]])
    assert worst_error(network, reference, problem) < 1e-10


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 3])
def test_gradient_at_the_edges(cell, shape, layers):
    sets = [f"model.num_layers={layers}", *CELLS[cell]]
    network, reference, problem = make_problem(sets, **SHAPES[shape])
    assert worst_error(network, reference, problem) < 1e-10


@pytest.mark.parametrize("cell", CELLS)
def test_plain_kernels_accept_complex_numbers(cell):
    """The production forward, too, has a complex-step derivative: the reference is not needed."""
    real, _, problem = make_problem(CELLS[cell])
    settings = config.load(None, ["runtime.dtype=float64", "model.hidden_size=4", *CELLS[cell]])
    network = build.network(settings, real.K, np.complex128)
    network.params.flat[:] = real.params.flat
    batch, entry = problem.batches[0], problem.initial_states[0]
    rng = np.random.default_rng(1)
    direction = rng.standard_normal(network.params.flat.size)
    network.params.flat[:] += 1e-30j * direction
    tape = network.forward(batch.x, entry.astype(np.complex128))
    derivative = network.losses(tape, batch.y).sum().imag / 1e-30

    grad = real.params.like()
    tape = real.forward(batch.x, entry)
    dz = real.loss_gradient(real.predict(tape, batch.y), batch.y, 1.0)
    real.backward(tape, dz, np.zeros_like(entry), grad)
    assert abs(derivative - grad.flat @ direction) < 1e-11 * abs(derivative)
