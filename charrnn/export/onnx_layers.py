"""One layer's arrays as the inputs of ONNX's RNN, GRU and LSTM operators.

https://onnx.ai/onnx/operators/ has their equations. Every variant here is one of theirs: where the
1997 LSTM has no forget gate, its bias is so large that σ is exactly 1 in float32, and where gates
are coupled, f = 1 - σ(a_i) = σ(-a_i).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.config.schema import ModelConfig
from charrnn.export.facts import reorder
from charrnn.nn.cells.base import Cell

Array = NDArray[Any]
OPEN = 100.0  # 1 / (1 + e^-100) is 1 in float32

# name, alpha, beta: 4σ(x) - 2 = 2 tanh(x / 2), and 2σ(x) - 1 = tanh(x / 2).
_Activation = tuple[str, float | None, float | None]
_ACTIVATIONS: dict[str, _Activation] = {
    "tanh": ("Tanh", None, None),
    "sigmoid": ("Sigmoid", None, None),
    "relu": ("Relu", None, None),
    "identity": ("Affine", 1.0, 0.0),
    "logistic_g": ("ScaledTanh", 2.0, 0.5),
    "logistic_h": ("ScaledTanh", 1.0, 0.5),
}


def inputs(p: dict[str, Array], cell: Cell, model: ModelConfig) -> dict[str, Array]:
    """W (1, G, D), R (1, G, H), B (1, 2G) and P (1, 3H), those that the model has."""
    have, want = cell.gate_names, cell.exports["onnx"]
    if "f" in want and "f" not in have:
        p, have = _with_forget_gate(p, model), have.replace("i", "if")
    made = {"W": reorder(p["W"], have, want).T, "R": reorder(p["U"], have, want).T}
    if "b" in p:
        b = reorder(p["b"], have, want)
        inner = np.zeros_like(b)
        if cell.inner_bias is not None:
            inner[-model.hidden_size :] = p[cell.inner_bias]
        made["B"] = np.concatenate([b, inner])
    if "P" in p:
        made["P"] = p["P"][[0, 2, 1]].reshape(-1)  # i, o, f
    return {name: a[None] for name, a in made.items()}


def attributes(cell: Cell) -> dict[str, Any]:
    """The operator's attributes: its size, its activations, and where the GRU resets."""
    if cell.inner_bias is not None:
        return {"hidden_size": cell.H, "linear_before_reset": 1}
    chosen = [_ACTIVATIONS[function.name] for function in cell.functions]
    made: dict[str, Any] = {
        "hidden_size": cell.H,
        "activations": [name for name, _, _ in chosen],
    }
    if alphas := [alpha for _, alpha, _ in chosen if alpha is not None]:
        made["activation_alpha"] = alphas
        made["activation_beta"] = [beta for _, _, beta in chosen if beta is not None]
    return made


def _with_forget_gate(p: dict[str, Array], model: ModelConfig) -> dict[str, Array]:
    """The same LSTM with a forget gate f among [i f o | g], for a variant without its own."""
    made = {}
    for letter, array in p.items():
        rows = array if letter == "P" else np.stack(np.split(array, 3, axis=-1))
        i = rows[:1]
        f = -i if model.coupled_gates else np.zeros_like(i)
        if letter == "b" and not model.coupled_gates:
            f = f + OPEN
        four = np.concatenate([i, f, rows[1:]])
        made[letter] = four if letter == "P" else np.concatenate(list(four), axis=-1)
    if "b" not in made and not model.coupled_gates:
        made["b"] = np.repeat(np.array([0, OPEN, 0, 0], np.float32), model.hidden_size)
    return made
