"""Squashing functions against their textbook forms, slopes against the complex step."""

from __future__ import annotations

import numpy as np
import pytest

from charrnn.nn.squash import SQUASH, GateBlock
from charrnn.reference import SQUASH as TEXTBOOK

A = np.linspace(-4, 4, 33) + 0.01


@pytest.mark.parametrize("name", SQUASH)
def test_function_and_slope(name):
    y = A.copy()
    SQUASH[name].apply(y)
    np.testing.assert_allclose(y, TEXTBOOK[name](A), rtol=0, atol=1e-14)
    slope = np.empty_like(y)
    SQUASH[name].slope(y, slope)
    expected = TEXTBOOK[name](A + 1e-30j).imag / 1e-30
    np.testing.assert_allclose(slope, expected, rtol=1e-13, atol=1e-15)


def test_gate_block_is_its_functions_side_by_side():
    names = ["sigmoid", "identity", "tanh", "logistic_g"]
    a = np.random.default_rng(0).standard_normal((5, 4 * 3))
    block = GateBlock([SQUASH[name] for name in names], 3, 5, a.dtype)
    out, slope = np.empty_like(a), np.empty_like(a)
    block.apply(a.copy(), out)
    block.slope(out, slope)
    for k, name in enumerate(names):
        columns = slice(3 * k, 3 * k + 3)
        np.testing.assert_allclose(out[:, columns], TEXTBOOK[name](a[:, columns]), atol=1e-14)
        expected = np.empty((5, 3))
        SQUASH[name].slope(out[:, columns], expected)
        np.testing.assert_allclose(slope[:, columns], expected, atol=1e-14)


def test_sigmoid_does_not_overflow():
    a = np.array([-1e4, 1e4], np.float32)
    with np.errstate(all="raise"):
        SQUASH["sigmoid"].apply(a)
    np.testing.assert_array_equal(a, [0, 1])
