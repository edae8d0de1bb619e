"""Activation functions against their textbook forms, derivatives against the complex step."""

from __future__ import annotations

import numpy as np
import pytest

from charrnn.analysis.gradcheck.reference.cells import ACTIVATIONS as TEXTBOOK
from charrnn.nn.activations import ACTIVATIONS, GateBlock

A = np.linspace(-4, 4, 33) + 0.01


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_function_and_derivative(name):
    y = A.copy()
    ACTIVATIONS[name].apply(y)
    np.testing.assert_allclose(y, TEXTBOOK[name](A), rtol=0, atol=1e-14)
    derivative = np.empty_like(y)
    ACTIVATIONS[name].derivative(y, derivative)
    expected = TEXTBOOK[name](A + 1e-30j).imag / 1e-30
    np.testing.assert_allclose(derivative, expected, rtol=1e-13, atol=1e-15)


def test_gate_block_is_its_functions_side_by_side():
    names = ["sigmoid", "identity", "tanh", "logistic_g"]
    a = np.random.default_rng(0).standard_normal((5, 4 * 3))
    block = GateBlock([ACTIVATIONS[name] for name in names], 3, 5, a.dtype)
    out, derivative = np.empty_like(a), np.empty_like(a)
    block.apply(a.copy(), out)
    block.derivative(out, derivative)
    for k, name in enumerate(names):
        columns = slice(3 * k, 3 * k + 3)
        np.testing.assert_allclose(out[:, columns], TEXTBOOK[name](a[:, columns]), atol=1e-14)
        expected = np.empty((5, 3))
        ACTIVATIONS[name].derivative(out[:, columns], expected)
        np.testing.assert_allclose(derivative[:, columns], expected, atol=1e-14)


def test_sigmoid_does_not_overflow():
    a = np.array([-1e4, 1e4], np.float32)
    with np.errstate(all="raise"):
        ACTIVATIONS["sigmoid"].apply(a)
    np.testing.assert_array_equal(a, [0, 1])
