"""A whole model as one ONNX graph over a window of T steps and B streams, with its states.

Inputs: `x` (T, B), ids; `h` (L, B, H), and of an LSTM `s` (L, B, H): the initial states.
Outputs: `logits` (T, B, K), of which the softmax is p_t; `h_out`, `s_out`: the final states.
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
from charrnn.data.vocabulary import Vocabulary
from charrnn.errors import CheckpointError, UsageError, argument
from charrnn.export import onnx_layers
from charrnn.export.facts import facts

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
