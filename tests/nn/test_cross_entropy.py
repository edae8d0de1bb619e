"""Softmax and cross-entropy: stable, and right where a naive version overflows."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charrnn.analysis.gradcheck.reference.cells import cross_entropy
from charrnn.nn import window as crossentropy


@given(st.integers(1, 8), st.integers(2, 9), st.floats(0.1, 50), st.integers(0, 99))
def test_losses_and_gradient(N, K, spread, seed):
    rng = np.random.default_rng(seed)
    Z, y = spread * rng.standard_normal((N, K)), rng.integers(0, K, N)
    P = Z.copy()
    E = crossentropy.softmax_cross_entropy(P, y)
    np.testing.assert_allclose(E, cross_entropy(Z, np.eye(K)[y]), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(P.sum(axis=1), 1)
    mask = rng.random(N) < 0.5
    crossentropy.cross_entropy_gradient(P, y, 2.0, mask)
    step = 1e-30j * np.eye(K)
    for n in range(N):
        derivative = cross_entropy(Z[n] + step, np.eye(K)[y[n]]).imag / 1e-30
        np.testing.assert_allclose(P[n], 2 * derivative * mask[n], rtol=1e-9, atol=1e-12)


def test_huge_logits():
    Z = np.array([[1e4, 0.0, -1e4]], np.float32)
    with np.errstate(over="raise", invalid="raise"):
        E = crossentropy.softmax_cross_entropy(Z, np.array([1]))
    assert E[0] == 1e4
