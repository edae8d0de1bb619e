"""Ids for one-hot vectors: gather and scatter are the dense products."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charrnn.nn import window as onehot

SIZES = st.tuples(st.integers(1, 40), st.integers(1, 12), st.integers(1, 5))


@given(SIZES, st.integers(0, 99))
def test_gather_is_the_dense_product(size, seed):
    N, K, G = size
    rng = np.random.default_rng(seed)
    ids, W = rng.integers(0, K, N), rng.standard_normal((K, G))
    out = np.empty((N, G))
    onehot.gather(ids, W, out)
    np.testing.assert_array_equal(out, np.eye(K)[ids] @ W)


@given(SIZES, st.integers(0, 99), st.booleans())
def test_scatter_is_the_dense_product(size, seed, sorted_segments):
    N, K, G = size
    rng = np.random.default_rng(seed)
    ids, dA, dW = rng.integers(0, K, N), rng.standard_normal((N, G)), rng.standard_normal((K, G))
    expected = dW + np.eye(K)[ids].T @ dA
    limit, onehot.DENSE_SCATTER_MAX_K = onehot.DENSE_SCATTER_MAX_K, 0 if sorted_segments else 512
    try:
        onehot.scatter(ids, dA, dW)
    finally:
        onehot.DENSE_SCATTER_MAX_K = limit
    np.testing.assert_allclose(dW, expected, rtol=1e-12, atol=1e-13)
