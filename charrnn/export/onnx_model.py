"""A whole model as one ONNX graph over a window of T steps and B streams, with its states.

Inputs: `x` (T, B), ids; `h` (L, B, H), and of an LSTM `s` (L, B, H): the initial states.
Outputs: `logits` (T, B, K), of which the softmax is p_t; `h_out`, `s_out`: the final states.

Layers are ONNX's RNN, GRU and LSTM operators: https://onnx.ai/onnx/operators/ has their equations.
Every variant here is one of theirs: where the 1997 LSTM has no forget gate, its bias is so large
that σ is exactly 1 in float32, and where gates are coupled, f = 1 - σ(a_i) = σ(-a_i).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, checker, helper, numpy_helper

from charrnn import __version__, build
from charrnn.config import Config
from charrnn.config.schema import ModelConfig
from charrnn.data.vocabulary import Vocabulary
from charrnn.errors import CheckpointError, UsageError, argument
from charrnn.export import onnx_model as onnx_layers
from charrnn.export.facts import facts, reorder
from charrnn.nn.cells.base import Cell

Array = NDArray[Any]
OPSET, IR = 17, 8  # of 2022: runtimes since then read them
LARGEST = 2**31 - 2**20  # bytes of a file, by the protocol it is written in


def to_onnx_bytes(config: Config, vocabulary: Vocabulary, parameters: Mapping[str, Array]) -> bytes:
    """The file's content, in float32, checked by onnx.checker; the same model, the same bytes.

    Raises UsageError for a model that is too large for the format, CheckpointError for numbers
    that are too large for float32.
    """
    if sum(array.size for array in parameters.values()) * 4 > LARGEST:
        raise UsageError(
            "the model is larger than 2 GB, the most of one file", where=argument("to", "onnx")
        )
    graph = _Graph(config, vocabulary.K)
    graph.read_characters()
    for index in range(config.model.num_layers):
        prefix = f"layers.{index}."
        own = {n.removeprefix(prefix): a for n, a in parameters.items() if n.startswith(prefix)}
        graph.add_layer(index, own)
    graph.read_out(parameters["output.V"], parameters.get("output.c"))
    model = helper.make_model(
        graph.finish(), opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR,
        producer_name="charrnn", producer_version=__version__,
    )  # fmt: skip
    helper.set_model_props(model, facts(config, vocabulary))
    checker.check_model(model, full_check=True)
    return model.SerializeToString()


class _Graph:
    """Nodes and arrays, added from the characters up; `below` is the output on top so far."""

    def __init__(self, config: Config, K: int) -> None:
        self.model, self.K = config.model, K
        self.cell = build.cell(config, config.model.hidden_size)
        self.states = self.cell.state_names
        self.nodes: list[onnx.NodeProto] = []
        self.arrays: list[onnx.TensorProto] = []
        self.below = "x"

    def read_characters(self) -> None:
        """One-hot rows (T, B, K) of the ids, and each layer's part of the states."""
        K = self._array("K", np.array(self.K, np.int64))
        values = self._array("off_on", np.array([0, 1], np.float32))
        self._node("OneHot", [self.below, K, values], ["one_hot"])
        self.below = "one_hot"
        L = self.model.num_layers
        one_each = self._array("one_each", np.ones(L, np.int64))
        self._array("direction", np.array([1], np.int64))
        for state in self.states:
            self._node("Split", [state, one_each], [f"{state}.{index}" for index in range(L)])

    def add_layer(self, index: int, p: dict[str, Array]) -> None:
        """The operator of one layer, whose parameters are `p`, under their letters."""
        prefix = f"layers.{index}."
        given = dict.fromkeys(("W", "R", "B", "P"), "")
        for letter, array in onnx_layers.inputs(p, self.cell, self.model).items():
            given[letter] = self._array(prefix + letter, array)
        entry = [f"{state}.{index}" for state in self.states]
        last = [given["P"]] if given["P"] else []
        made = [f"{prefix}H", *(f"{state}_out.{index}" for state in self.states)]
        self._node(
            self.cell.name.upper(),
            [self.below, given["W"], given["R"], given["B"], "", *entry, *last],
            made,
            **onnx_layers.attributes(self.cell),
        )
        self.below = f"{prefix}h"
        self._node("Squeeze", [made[0], "direction"], [self.below])

    def read_out(self, V: Array, c: Array | None) -> None:
        """z = h V + c."""
        product = "logits" if c is None else "h_V"
        self._node("MatMul", [self.below, self._array("output.V", V)], [product])
        if c is not None:
            self._node("Add", [product, self._array("output.c", c)], ["logits"])

    def finish(self) -> onnx.GraphProto:
        """The graph, its final states put together."""
        L, H = self.model.num_layers, self.model.hidden_size
        for state in self.states:
            parts = [f"{state}_out.{index}" for index in range(L)]
            self._node("Concat", parts, [f"{state}_out"], axis=0)
        value, real = helper.make_tensor_value_info, TensorProto.FLOAT
        inputs = [value("x", TensorProto.INT64, ["T", "B"])]
        inputs += [value(state, real, [L, "B", H]) for state in self.states]
        outputs = [value("logits", real, ["T", "B", self.K])]
        outputs += [value(f"{state}_out", real, [L, "B", H]) for state in self.states]
        return helper.make_graph(self.nodes, "charrnn", inputs, outputs, self.arrays)

    def _node(self, kind: str, inputs: list[str], outputs: list[str], **attributes: Any) -> None:
        self.nodes.append(helper.make_node(kind, inputs, outputs, **attributes))

    def _array(self, name: str, array: Array) -> str:
        if array.dtype.kind == "f":
            with np.errstate(over="ignore"):
                array = np.ascontiguousarray(array, np.float32)
            if not np.isfinite(array).all():
                raise CheckpointError(
                    f"{name} is too large for float32", where=argument("to", "onnx")
                )
        self.arrays.append(numpy_helper.from_array(array, name))
        return name


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
