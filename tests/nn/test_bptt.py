"""Windows chained are one window; truncated BPTT is its definition, a double sum."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn import config
from charrnn.analysis.gradcheck.cases import case, reference_of
from charrnn.analysis.gradcheck.comparison import Problem, analytic, chain, check
from charrnn.data.loader import EpochBounds
from charrnn.nn import bptt
from charrnn.nn.bptt import Batch
from tests.conftest import make_problem
from tests.helpers.variants import CELLS


def gradient(network, batch, state, **more):
    grad = network.params.like()
    outcome = bptt.gradient(network, batch, state, grad, 0.5, **more)
    return grad.flat.copy(), outcome


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("window", [1, 2, 3, 7, 20])
def test_windows_are_one_window(cell, window):
    network, _, problem = make_problem(["model.num_layers=2", *CELLS[cell]], T=20)
    batch, state = problem.batches[0], problem.initial_states[0]
    whole, one = gradient(network, batch, state, window=20)
    parts, many = gradient(network, batch, state, window=window)
    np.testing.assert_allclose(parts, whole, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(many.dstate, one.dstate, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(many.state, one.state, rtol=0, atol=1e-15)
    assert many.loss == pytest.approx(one.loss, abs=1e-12)


@pytest.mark.parametrize("cell", CELLS)
def test_windows_with_padding_first_and_dropout(cell):
    sets = ["model.num_layers=2", "model.dropout=0.4", *CELLS[cell]]
    network, _, problem = make_problem(sets, T=12, first=4, lengths=[12, 5, 9])
    masks = (np.random.default_rng(5).random((2, 12, 3, 4)) < 0.6) / 0.6
    batch, state = problem.batches[0], problem.initial_states[0]
    whole, _ = gradient(network, batch, state, window=12, masks=lambda i, T: list(masks))
    parts, _ = gradient(
        network, batch, state, window=5, masks=lambda i, T: list(masks[:, 5 * i : 5 * i + T])
    )
    np.testing.assert_allclose(parts, whole, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("cell", CELLS)
def test_truncated_with_k2_as_long_as_the_text_is_full(cell):
    network, _, problem = make_problem(CELLS[cell], T=11)
    x, y, state = problem.batches[0].x, problem.batches[0].y, problem.initial_states[0]
    spans = [
        Batch(x[c.start : c.stop], y[c.start : c.stop], c.first, c.advance)
        for c in EpochBounds(11, 3, 11)
    ]
    entries = chain(network, spans, state)
    truncated, _ = analytic(network, Problem(spans, entries, 1.0))
    full, _ = analytic(network, Problem([Batch(x, y)], [state], 1.0))
    for name, array in full.items():
        np.testing.assert_allclose(truncated[name], array, rtol=1e-12, atol=1e-14)


def double_sum(network, x, y, state, first, k1=None, k2=None):
    """Σ_t Σ_j of the vanilla RNN, by products of Jacobians written out (BPTT.3), (BPTT.7).

    With k1, k2: for each update ending at n, errors of t in (n - k1, n] reach j in (n - k2, t].
    """
    p = network.params
    W, U, V = p["layers.0.W"], p["layers.0.U"], p["output.V"]
    b, c = p["layers.0.b"], p["output.c"]
    T, B = x.shape
    K, H = V.shape[1], V.shape[0]
    dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros_like(b)
    for stream in range(B):
        h = [state[0, 0, stream]]
        for t in range(T):
            h.append(np.tanh(np.eye(K)[x[t, stream]] @ W + h[-1] @ U + b))
        for t in range(first, T):
            z = h[t + 1] @ V + c
            p_t = np.exp(z - z.max())
            p_t /= p_t.sum()
            error = (p_t - np.eye(K)[y[t, stream]]) @ V.T  # ∂E_t/∂h_t
            end = T if k1 is None else min((t // k1 + 1) * k1, T)
            oldest = 0 if k2 is None else max(end - k2, 0)
            for j in range(oldest, t + 1):
                jacobian = np.eye(H)  # ∂h_t/∂h_j
                for i in range(t, j, -1):
                    jacobian = jacobian @ (np.diag(1 - h[i + 1] ** 2) @ U.T)
                da = (error @ jacobian) * (1 - h[j + 1] ** 2)
                dW += np.outer(np.eye(K)[x[j, stream]], da)
                dU += np.outer(h[j], da)
                db += da
    return {"layers.0.W": dW, "layers.0.U": dU, "layers.0.b": db}


def test_full_is_the_double_sum():
    network, _, problem = make_problem(["model.cell=rnn", "model.num_layers=1"], T=8)
    batch, state = problem.batches[0], problem.initial_states[0]
    grads, _ = analytic(network, Problem([batch], [state], 1.0), window=3)
    expected = double_sum(network, batch.x, batch.y, state, 0)
    for name, array in expected.items():
        np.testing.assert_allclose(grads[name], array, rtol=1e-12, atol=1e-13)


@settings(deadline=None, max_examples=25)
@given(T=st.integers(1, 12), k1=st.integers(1, 6), extra=st.integers(0, 8), seed=st.integers(0, 9))
def test_truncated_is_the_double_sum(T, k1, extra, seed):
    k2 = k1 + extra
    network, _, problem = make_problem(
        ["model.cell=rnn", "model.num_layers=1"], T=T, B=2, H=3, K=3, seed=seed
    )
    x, y, state = problem.batches[0].x, problem.batches[0].y, problem.initial_states[0]
    spans = [
        Batch(x[c.start : c.stop], y[c.start : c.stop], c.first, c.advance)
        for c in EpochBounds(T, k1, k2)
    ]
    grads, _ = analytic(network, Problem(spans, chain(network, spans, state), 1.0))
    expected = double_sum(network, x, y, state, 0, k1, k2)
    for name, array in expected.items():
        np.testing.assert_allclose(grads[name], array, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("cell", CELLS)
def test_truncated_spans_by_complex_step(cell):
    network, reference, problem = make_problem(["model.num_layers=2", *CELLS[cell]], T=10)
    x, y, state = problem.batches[0].x, problem.batches[0].y, problem.initial_states[0]
    spans = [
        Batch(x[c.start : c.stop], y[c.start : c.stop], c.first, c.advance)
        for c in EpochBounds(10, 3, 5)
    ]
    claimed = Problem(spans, chain(network, spans, state), 0.1)
    assert max(r.max_relative_error for r in check(network, reference, claimed)) < 1e-10


@given(length=st.integers(1, 60), k1=st.integers(1, 20), extra=st.integers(0, 30))
def test_cuts_cover_every_character_once(length, k1, extra):
    k2 = k1 + extra
    owned, position = [], 0
    for cut in EpochBounds(length, k1, k2):
        assert cut.start == position
        assert cut.stop - cut.start <= k2
        owned += range(cut.start + cut.first, cut.stop)
        position = cut.start + cut.advance
    assert owned == list(range(length))
    assert position == length


def test_long_spans_keep_a_window_of_about_the_square_root():
    assert bptt.window_length("auto", 50, 50) == 50
    assert bptt.window_length("auto", 1_000_000, 1) == 1000
    assert bptt.window_length(10, 50, 50) == 10


def test_gradcheck_of_dropout_in_windows():
    chosen = case(config.load(None, ["bptt.mode=full", "bptt.window=3", "model.dropout=0.5"]))
    results = check(chosen.network, reference_of(chosen.config), chosen.problem, window=3)
    assert max(result.max_relative_error for result in results) < 1e-10
