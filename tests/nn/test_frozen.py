"""Losses, states and gradients of an independent implementation, frozen from PyTorch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from charrnn import build, config
from charrnn.nn import bptt
from charrnn.nn.bptt import Batch

FROZEN = json.loads((Path(__file__).parents[1] / "frozen" / "networks.json").read_text())
SETS = {
    "rnn tanh": ["model.cell=rnn"],
    "rnn relu": ["model.cell=rnn", "model.activation=relu"],
    "lstm": ["model.cell=lstm"],
    "gru": ["model.cell=gru"],
}
# The gate order of charrnn in terms of PyTorch's: LSTM [i f o | g] of i f g o, GRU [r u | n].
GATES = {"rnn tanh": [0], "rnn relu": [0], "lstm": [0, 1, 3, 2], "gru": [0, 1, 2]}


def by_letter(case: dict, key: str) -> dict[str, np.ndarray]:
    """PyTorch's arrays under charrnn's names: transposed, gates reordered, the biases as one."""
    arrays = {name: np.array(value) for name, value in case[key].items()}
    order, H = GATES[case["label"]], 3

    def gates(array):
        return np.concatenate([array[k * H : (k + 1) * H] for k in order])

    result = {}
    for layer in range(2):
        result[f"layers.{layer}.W"] = gates(arrays[f"rnn.weight_ih_l{layer}"]).T
        result[f"layers.{layer}.U"] = gates(arrays[f"rnn.weight_hh_l{layer}"]).T
        result[f"layers.{layer}.b"] = gates(arrays[f"rnn.bias_ih_l{layer}"])
        if case["label"] == "gru":
            result[f"layers.{layer}.q"] = arrays[f"rnn.bias_hh_l{layer}"][2 * H :]
    result["output.V"] = arrays["readout.weight"].T
    result["output.c"] = arrays["readout.bias"]
    return result


@pytest.mark.parametrize("case", FROZEN, ids=lambda case: case["label"])
def test_same_as_pytorch(case):
    settings = config.load(
        None, [*SETS[case["label"]], "model.hidden_size=3", "runtime.dtype=float64"]
    )
    network = build.network(settings, 4)
    build.load_parameters(network, by_letter(case, "parameters"), "frozen")
    x, y = np.array(case["x"]), np.array(case["y"])
    state = np.array(case["state"]).transpose(1, 0, 2, 3)
    grad = network.params.like()
    outcome = bptt.gradient(network, Batch(x, y), state, grad, 1 / x.size)
    assert outcome.loss / x.size == pytest.approx(case["loss"], rel=1e-12)
    for name, expected in by_letter(case, "gradients").items():
        np.testing.assert_allclose(grad[name], expected, rtol=1e-9, atol=1e-12, err_msg=name)
    last = np.array(case["last"]).transpose(1, 0, 2, 3)
    np.testing.assert_allclose(outcome.state, last, rtol=1e-12)
    dstate = np.array(case["dstate"]).transpose(1, 0, 2, 3)
    np.testing.assert_allclose(outcome.dstate, dstate, rtol=1e-9, atol=1e-12)
