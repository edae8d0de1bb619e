"""onnxruntime's side of the sampling benchmark: a model of one step, its states in and out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
from measuring import Spec
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

K = 65
OPSET, IR_VERSION = 17, 9


def sampling(spec: Spec) -> Callable[[], object]:
    """`length` characters of B streams, stepped one by one, drawn with NumPy."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = spec["threads"]
    options.inter_op_num_threads = 1
    model = _model(spec["H"], spec["layers"]).SerializeToString()
    session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
    B, H = spec["B"], spec["H"]
    names = [f"{letter}{layer}" for layer in range(spec["layers"]) for letter in "hs"]
    outputs = ["p", *(name + "_next" for name in names)]
    rng = np.random.default_rng(0)

    def one() -> object:
        x = np.zeros(B, np.int64)
        state = [np.zeros((1, B, H), np.float32) for _ in names]
        for uniform in rng.random((spec["length"], B, 1)):
            inputs = {"x": x, **dict(zip(names, state, strict=True))}
            p, *state = session.run(outputs, inputs)
            cumulative = np.cumsum(p, axis=1)
            x = (cumulative < uniform * cumulative[:, -1:]).sum(axis=1)
        return x

    return one


def _model(H: int, layers: int) -> ModelProto:
    """x (B,), h and s of each layer (1, B, H) → p (B, K) and the states that follow."""
    rng = np.random.default_rng(0)
    tensors = {"one_hot": np.eye(K, dtype=np.float32), "time": np.array([0])}
    nodes = [
        helper.make_node("Gather", ["one_hot", "x"], ["rows"]),
        helper.make_node("Unsqueeze", ["rows", "time"], ["below0"]),
    ]
    states = []
    for layer in range(layers):
        D = H if layer else K
        weights = {
            f"W{layer}": (1, 4 * H, D), f"R{layer}": (1, 4 * H, H), f"B{layer}": (1, 8 * H)
        }  # fmt: skip
        tensors |= {name: _uniform(rng, shape, H) for name, shape in weights.items()}
        h, s = f"h{layer}", f"s{layer}"
        states += [h, s]
        inputs = [f"below{layer}", *weights, "", h, s]
        nodes.append(helper.make_node("LSTM", inputs, ["", h + "_next", s + "_next"],
                                      hidden_size=H))  # fmt: skip
        nodes.append(helper.make_node("Identity", [h + "_next"], [f"below{layer + 1}"]))
    tensors |= {"V": _uniform(rng, (H, K), H), "c": np.zeros(K, np.float32)}
    nodes += [
        helper.make_node("Squeeze", [f"below{layers}", "time"], ["h"]),
        helper.make_node("Gemm", ["h", "V", "c"], ["z"]),
        helper.make_node("Softmax", ["z"], ["p"], axis=1),
    ]
    return _assembled(nodes, tensors, states, H)


def _assembled(
    nodes: list[Any], tensors: dict[str, NDArray[Any]], states: list[str], H: int
) -> ModelProto:
    def state(name: str) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, "B", H])

    graph = helper.make_graph(
        nodes,
        "step",
        [helper.make_tensor_value_info("x", TensorProto.INT64, ["B"]), *map(state, states)],
        [
            helper.make_tensor_value_info("p", TensorProto.FLOAT, ["B", K]),
            *(state(name + "_next") for name in states),
        ],
        [numpy_helper.from_array(array, name) for name, array in tensors.items()],
    )
    opset = helper.make_opsetid("", OPSET)
    return helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)


def _uniform(rng: np.random.Generator, shape: tuple[int, ...], H: int) -> NDArray[np.float32]:
    return (rng.uniform(-1, 1, shape) / np.sqrt(H)).astype(np.float32)
