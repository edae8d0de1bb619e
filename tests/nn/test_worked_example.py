"""The four-step example of docs/derivations/rnn.md, digit for digit.

h_t = tanh(x_t W + h_{t-1} U) for t = 0, …, 3, no bias, and an error at the last step only. The
literals were computed on their own, outside charrnn; the page, `charrnn.nn`, the complex-step
derivative of `charrnn.analysis.gradcheck.reference` and the recursion written out here must all
give them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from charrnn.analysis.gradcheck.reference.network import ReferenceNetwork
from charrnn.nn import bptt
from charrnn.nn.backends import NUMPY_BACKEND
from charrnn.nn.cells.rnn import RNN
from charrnn.nn.network import Network

Array = NDArray[Any]

PAGE = Path(__file__).parents[2] / "docs/derivations/rnn.md"

H, K = 2, 3
W = np.array([[0.5, -0.3], [0.1, 0.4], [-0.2, 0.6]])
U = np.array([[0.7, -0.5], [0.2, 0.9]])
V = np.array([[1.0, -0.5, 0.3], [-0.4, 0.8, 0.6]])
PARAMETERS = {"layers.0.W": W, "layers.0.U": U, "output.V": V}
# "abca", and the character after each; only the last, y_3 = b, has an error.
X = np.array([[0], [1], [2], [0]])
Y = np.array([[1], [2], [0], [1]])
LAST = 3

# The numbers of the page. Row t of an array is step t.
h = np.array(
    [[0.462117, -0.291313], [0.349803, -0.092971], [0.026262, 0.328749], [0.525663, -0.017255]]
)
p_3 = np.array([0.470474, 0.209462, 0.320064])
E = 1.563215
d = np.array(
    [[0.433696, -0.028076], [0.658871, -0.180504], [0.800849, -0.380275], [0.696007, -0.628395]]
)
dW = np.array([[1.129703, -0.656471], [0.658871, -0.180504], [0.800849, -0.380275]])
dU = np.array([[0.602894, -0.232939], [-0.037582, -0.118646]])
dV = np.array([[0.247311, -0.415557, 0.168246], [-0.008118, 0.013641, -0.005523]])
dh_entry = np.array([0.317625, 0.061471])

DIGITS = 1e-6
EXACT = 1e-12


@dataclass
class Answer:
    """What an implementation says of the example."""

    h: Array
    E: float
    dW: Array
    dU: Array
    dV: Array
    dh_entry: Array


LITERALS = Answer(h, E, dW, dU, dV, dh_entry)


def by_recursion() -> tuple[Answer, Array]:
    """The recursion of the page, and its d_t."""
    one_hot = np.eye(K)
    x, y_3 = one_hot[X[:, 0]], one_hot[Y[LAST, 0]]
    states = [np.zeros(H)]
    for t in range(4):
        states.append(np.tanh(x[t] @ W + states[-1] @ U))
    now, past = np.array(states[1:]), np.array(states[:-1])
    e = np.exp(now[3] @ V)
    p = e / e.sum()
    errors = np.zeros((4, H))
    errors[3] = ((p - y_3) @ V.T) * (1 - now[3] ** 2)
    for t in (3, 2, 1):
        errors[t - 1] = (errors[t] @ U.T) * (1 - now[t - 1] ** 2)
    answer = Answer(
        h=now,
        E=float(-np.log(p[Y[LAST, 0]])),
        dW=x.T @ errors,
        dU=past.T @ errors,
        dV=np.outer(now[3], p - y_3),
        dh_entry=errors[0] @ U.T,
    )
    return answer, errors


def small_network() -> Network:
    network = Network(
        [RNN(K, H, False, NUMPY_BACKEND, "tanh")], K, bias=False, dropout=0.0, dtype=float
    )
    assert sorted(network.params) == sorted(PARAMETERS)
    for name, array in PARAMETERS.items():
        network.params[name][...] = array
    return network


def by_charrnn(window: int | str = "auto") -> Answer:
    network = small_network()
    grad = network.params.like()
    batch = bptt.Batch(X, Y, first=LAST)
    outcome = bptt.gradient(network, batch, network.zero_state(1), grad, 1.0, window=window)
    tape = network.forward(X, network.zero_state(1))
    outputs = np.array([network.state_after(tape, t + 1)[0, 0, 0] for t in range(4)])
    return Answer(
        outputs, outcome.loss, grad["layers.0.W"], grad["layers.0.U"], grad["output.V"],
        outcome.dstate[0, 0, 0],
    )  # fmt: skip


def by_reference() -> Answer:
    """Forward by the reference, every derivative by a complex step."""
    reference = ReferenceNetwork("rnn", 1)
    step = 1e-30j

    def run(parameters: dict[str, Array], entry: Array) -> tuple[Any, Array]:
        losses, states = reference.losses(parameters, X, Y, entry)
        return losses[LAST, 0], np.array([layers[0][0][0] for layers in states])

    def derivative(name: str, array: Array) -> Array:
        result = np.zeros(array.shape)
        for index in np.ndindex(array.shape):
            shifted = array.astype(complex)
            shifted[index] += step
            if name == "entry":
                loss, _ = run(PARAMETERS, shifted)
            else:
                loss, _ = run({**PARAMETERS, name: shifted}, entry)
            result[index] = loss.imag / step.imag
        return result

    entry = np.zeros((1, 1, 1, H))
    loss, outputs = run(PARAMETERS, entry)
    dW, dU, dV = (derivative(name, array) for name, array in PARAMETERS.items())
    return Answer(outputs, float(loss), dW, dU, dV, derivative("entry", entry)[0, 0, 0])


def assert_same(answer: Answer, expected: Answer, tolerance: float) -> None:
    for field in fields(Answer):
        np.testing.assert_allclose(
            getattr(answer, field.name), getattr(expected, field.name),
            rtol=0, atol=tolerance, err_msg=field.name,
        )  # fmt: skip


IMPLEMENTATIONS = [
    pytest.param(lambda: by_recursion()[0], id="recursion"),
    pytest.param(by_charrnn, id="charrnn"),
    pytest.param(lambda: by_charrnn(window=1), id="charrnn in windows of 1"),
    pytest.param(by_reference, id="reference, complex step"),
]


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_the_digits_of_the_page(implementation: Any) -> None:
    assert_same(implementation(), LITERALS, DIGITS)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS[1:])
def test_the_explicit_recursion(implementation: Any) -> None:
    assert_same(implementation(), by_recursion()[0], EXACT)


def test_the_errors_of_every_step() -> None:
    """d_t one by one, as the loop back leaves them, and p_3 before it."""
    _, errors = by_recursion()
    np.testing.assert_allclose(errors, d, rtol=0, atol=DIGITS)
    network = small_network()
    tape = network.forward(X, network.zero_state(1))
    dz = network.loss_gradient(network.predict(tape, Y, LAST), Y, 1.0).dZ
    np.testing.assert_allclose(dz[0, 0] + np.eye(K)[1], p_3, rtol=0, atol=DIGITS)
    dA, dH = np.empty((4, 1, H)), np.zeros((4, 1, H))
    dH[LAST] = dz[0] @ V.T
    cell, outputs = network.cells[0], tape.cells[0]
    cell.recur_back(
        network.params.layer(0),
        outputs,
        dH,
        np.zeros((1, 1, H)),
        network.params.like().layer(0),
        dA,
    )
    np.testing.assert_allclose(dA[:, 0], errors, rtol=0, atol=EXACT)


def test_truncated_after_two_steps_only_the_last_two_terms_are_left() -> None:
    """k2 = 2: h_1 is the initial state, held constant, and d_3 and d_2 are all there is."""
    answer, errors = by_recursion()
    network = small_network()
    grad = network.params.like()
    entry = answer.h[1].reshape(1, 1, 1, H)
    bptt.gradient(network, bptt.Batch(X[2:], Y[2:], first=1), entry, grad, 1.0)
    expected = np.outer(answer.h[1], errors[2]) + np.outer(answer.h[2], errors[3])
    np.testing.assert_allclose(grad["layers.0.U"], expected, rtol=0, atol=EXACT)
    np.testing.assert_allclose(grad["layers.0.W"][1], 0)


def test_the_page_shows_these_digits() -> None:
    page = PAGE.read_text("utf-8")
    shown = [h, p_3, np.array(E), d, dW, dU, dV, dh_entry]
    for value in np.concatenate([array.reshape(-1) for array in shown]):
        assert f"{value:.6f}" in page
