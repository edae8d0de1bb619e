"""The parameters as the state of torch.nn.{RNN,LSTM,GRU} and of a torch.nn.Linear, and back.

PyTorch multiplies column vectors, so its matrices are the transposes of ours; it adds two biases,
`bias_ih` and `bias_hh`, where we have one. Only the GRU's n has use for both: its `bias_hh` is q.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn import build
from charrnn.config import Config
from charrnn.config.schema import ModelConfig
from charrnn.errors import UsageError, argument
from charrnn.export.facts import reorder
from charrnn.nn.cells.base import Cell

Array = NDArray[Any]


def to_torch(parameters: Mapping[str, Array], config: Config) -> dict[str, Array]:
    """`rnn.weight_ih_l0` (G, D), `rnn.weight_hh_l0` (G, H), `rnn.bias_ih_l0` (G,), …, and
    `readout.weight` (K, H), `readout.bias` (K,), from a model's named parameters.

    Raises UsageError for a variant that PyTorch's modules lack.
    """
    model, cell = config.model, build.cell(config, config.model.hidden_size)
    _require_in_torch(model)
    state: dict[str, Array] = {}
    for index in range(model.num_layers):
        layer = f"layers.{index}."
        state[f"rnn.weight_ih_l{index}"] = _ordered(parameters[f"{layer}W"], cell).T
        state[f"rnn.weight_hh_l{index}"] = _ordered(parameters[f"{layer}U"], cell).T
        if model.bias:
            b = _ordered(parameters[f"{layer}b"], cell)
            inner = np.zeros_like(b)
            if cell.inner_bias is not None:
                inner[-model.hidden_size :] = parameters[f"{layer}{cell.inner_bias}"]
            state[f"rnn.bias_ih_l{index}"] = b
            state[f"rnn.bias_hh_l{index}"] = inner
    state["readout.weight"] = parameters["output.V"].T
    if model.bias:
        state["readout.bias"] = parameters["output.c"]
    # safetensors 0.8.0 silently writes other values for an array that is not C-contiguous.
    return {name: np.ascontiguousarray(array) for name, array in state.items()}


def _ordered(array: Array, cell: Cell) -> Array:
    """The gates of the last axis as PyTorch has them. Where they are coupled, the forget gate gets
    the weights of i, negated: f = 1 - σ(a_i) = σ(-a_i).
    """
    have, want = cell.gate_names, cell.exports["torch"]
    if "f" in want and "f" not in have:
        i = np.split(array, len(have), axis=-1)[have.index("i")]
        have, array = have + "f", np.concatenate([array, -i], axis=-1)
    return reorder(array, have, want)


def layer_from_torch(
    cell: Cell, index: int, ih: Array, hh: Array, biases: tuple[Array, Array] | None
) -> dict[str, Array]:
    """One layer's W (D, G), U (H, G), b (G,) and, of a GRU, q (H,), by their names here."""
    have, want, H = cell.exports["torch"], cell.gate_names, hh.shape[1]
    own = {"W": reorder(ih.T, have, want), "U": reorder(hh.T, have, want)}
    if biases is not None:
        b, inner = (reorder(bias, have, want) for bias in biases)
        if cell.inner_bias is not None:
            own[cell.inner_bias] = inner[-H:].copy()
            inner[-H:] = 0
        own["b"] = b + inner
    return {f"layers.{index}.{letter}": array for letter, array in own.items()}


def _require_in_torch(model: ModelConfig) -> None:
    lacking = {
        "activation": model.activation not in ("tanh", "relu"),
        "peepholes": model.peepholes,
        "forget_gate": not model.forget_gate,
        "cell_input": model.cell_input != "tanh",
        "cell_output": model.cell_output != "tanh",
    }
    keys = [key for key, is_lacking in lacking.items() if is_lacking]
    if keys:
        listed = ", ".join(f"model.{key}: {str(getattr(model, key)).lower()}" for key in keys)
        raise UsageError(
            f"torch.nn.{model.cell.upper()} has no {listed}",
            where=argument("to", "torch"),
            then=f"{argument('to', 'onnx')} takes it",
        )
