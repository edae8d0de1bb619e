"""The error bounds of the compiled tanh and exp, over a dense set of float32."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba", reason="the extra fast is not installed")

from numba import njit

from charrnn.nn.backends.compiled.compiling import exp, tanh


@njit
def tanh_of(x, y):
    for j in range(len(x)):
        y[j] = tanh(x[j])


@njit
def exp_of(x, y):
    for j in range(len(x)):
        y[j] = exp(x[j])


def every_float32(low: float, high: float, stride: int) -> np.ndarray:
    """Every stride-th float32 from `low` to `high` (both positive)."""
    first, last = (int(np.float32(v).view(np.int32)) for v in (low, high))
    return np.arange(first, last, stride, dtype=np.int32).view(np.float32)


def relative_error(function, exact, x):
    y = np.empty_like(x)
    function(x, y)
    return np.abs(y / exact(x.astype(np.float64)) - 1).max()


def test_tanh():
    x = every_float32(1e-30, 100, 997)
    assert relative_error(tanh_of, np.tanh, x) < 5e-7
    assert relative_error(tanh_of, np.tanh, -x) < 5e-7
    y = np.empty(1, np.float32)
    tanh_of(np.zeros(1, np.float32), y)
    assert y[0] == 0


def test_exp():
    assert relative_error(exp_of, np.exp, every_float32(1e-30, 88, 997)) < 3e-7
    assert relative_error(exp_of, np.exp, -every_float32(1e-30, 87, 997)) < 3e-7


@pytest.mark.parametrize("function", [tanh_of, exp_of])
def test_float64_is_the_library_s(function):
    x = np.linspace(-20, 20, 1001)
    y = np.empty_like(x)
    function(x, y)
    exact = np.tanh if function is tanh_of else np.exp
    np.testing.assert_allclose(y, exact(x), rtol=1e-15)
