"""From the state_dict of somebody's PyTorch module to a model here: names, shapes, sizes.

The module may have been written by anybody: its parts may have any name, it may have an embedding
below the recurrent layers, and biases in one part only. What is not a model that charrnn can
have is refused, with the tensor's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn import build
from charrnn.config import Config
from charrnn.config.cells import with_cell
from charrnn.errors import CheckpointError
from charrnn.export.torch_layout import layer_from_torch
from charrnn.nn.cells.registry import cell_class, cell_names
from charrnn.runtime import memory

Array = NDArray[Any]
FIRST = "weight_ih_l0"
_SHOWN = 4


def shown(name: str) -> str:
    """A tensor's name from the file, short and printable."""
    name = name if name.isprintable() else repr(name)
    return name if len(name) <= 100 else name[:97] + "..."


@dataclass(frozen=True)
class Found:
    """Parameters by charrnn's names, and the keys of `model` that their shapes tell."""

    parameters: dict[str, Array]
    model: dict[str, Any]
    K: int


@dataclass(frozen=True)
class _Layer:
    ih: Array
    hh: Array
    biases: tuple[Array, Array] | None


def from_state_dict(tensors: Mapping[str, Array], where: str) -> Found:
    """The model that the tensors are of. Raises CheckpointError naming what does not belong."""
    rest = dict(tensors)
    firsts = [name for name in rest if name.endswith(FIRST)]
    if len(firsts) != 1:
        raise CheckpointError(
            f"has {len(firsts)} tensors …{FIRST}, and a model here has one stack of layers",
            where=where,
        )
    prefix = firsts[0].removesuffix(FIRST)
    layers: list[_Layer] = []
    while f"{prefix}weight_ih_l{len(layers)}" in rest:
        layers.append(_take_layer(rest, prefix, len(layers), where))
    embedding = _take_embedding(rest)
    V, c = _take_output_layer(rest, where)
    cell, H = _sizes(layers, V, where)
    first = _first_input(layers[0].ih, embedding, len(V), where)
    bias = c is not None or any(layer.biases is not None for layer in layers)
    parameters: dict[str, Array] = {"output.V": V.T}
    if bias:
        parameters["output.c"] = np.zeros(len(V), V.dtype) if c is None else c
    made = build.cell(with_cell(Config(), cell, hidden_size=H), H)
    for index, layer in enumerate(layers):
        zeros = np.zeros(len(layer.hh), layer.hh.dtype)
        biases = layer.biases or ((zeros, zeros.copy()) if bias else None)
        ih = layer.ih if index else first
        parameters |= layer_from_torch(made, index, ih, layer.hh, biases)
    model = {"cell": cell, "hidden_size": H, "num_layers": len(layers), "bias": bias}
    return Found(parameters, model, len(V))


def _take_layer(rest: dict[str, Array], prefix: str, index: int, where: str) -> _Layer:
    def take(name: str) -> Array:
        full = f"{prefix}{name}_l{index}"
        if full not in rest:
            raise CheckpointError(f"lacks {shown(full)}", where=where)
        return rest.pop(full)

    ih, hh = take("weight_ih"), take("weight_hh")
    has_bias = any(f"{prefix}bias_{part}_l{index}" in rest for part in ("ih", "hh"))
    return _Layer(ih, hh, (take("bias_ih"), take("bias_hh")) if has_bias else None)


def _take_embedding(rest: dict[str, Array]) -> Array | None:
    """The weight of a torch.nn.Embedding, known by its name."""
    for name in rest:
        module = name.removesuffix(".weight")
        if name != module and ("emb" in module or module == "encoder"):
            return rest.pop(name)
    return None


def _take_output_layer(rest: dict[str, Array], where: str) -> tuple[Array, Array | None]:
    """V (K, H) and c (K,) of the one torch.nn.Linear that is left."""
    weights = [name for name in rest if name.rsplit(".", 1)[-1] == "weight"]
    if len(weights) == 1:
        V = rest.pop(weights[0])
        c = rest.pop(weights[0].removesuffix("weight") + "bias", None)
        if not rest and V.ndim == 2 and (c is None or c.shape == (len(V),)):
            return V, c
        rest[weights[0]] = V
    listed = ", ".join(f"{shown(n)} {a.shape}" for n, a in sorted(rest.items())[:_SHOWN])
    raise CheckpointError(
        f"beside the recurrent layers it has {listed or 'nothing'}; a model here has one output "
        "layer (K, H) there, and perhaps an embedding (K, D)",
        where=where,
    )


def _sizes(layers: list[_Layer], V: Array, where: str) -> tuple[str, int]:
    """The cell and H; every array of the layers and the output layer must be of them."""
    H = V.shape[1]
    G = len(layers[0].hh) if layers[0].hh.ndim else 0
    cells = _cells_by_gates()
    if not H or G % H or G // H not in cells:
        raise CheckpointError(
            f"weight_hh_l0 is {layers[0].hh.shape}, and the output layer {V.shape}: no RNN (H, H), "
            "GRU (3H, H) or LSTM (4H, H) under an output layer (K, H)",
            where=where,
        )
    for index, layer in enumerate(layers):
        D = layer.ih.shape[-1] if not index and layer.ih.ndim else H
        wanted: dict[str, tuple[Array, tuple[int, ...]]]
        wanted = {"weight_ih": (layer.ih, (G, D)), "weight_hh": (layer.hh, (G, H))}
        for name, bias in zip(("bias_ih", "bias_hh"), layer.biases or (), strict=False):
            wanted[name] = bias, (G,)
        for name, (array, shape) in wanted.items():
            if array.shape != shape:
                raise CheckpointError(
                    f"{name}_l{index} is {array.shape}, and not {shape}", where=where
                )
    return cells[G // H], H


def _cells_by_gates() -> dict[int, str]:
    """Those that PyTorch has, by the rows of weight_hh over its columns."""
    orders = {name: cell_class(name).exports.get("torch") for name in cell_names()}
    return {len(order): name for name, order in orders.items() if order is not None}


def _first_input(ih: Array, embedding: Array | None, K: int, where: str) -> Array:
    """weight_ih (G, K) of the layer that reads one-hot characters: an embedding's rows are put
    through it once and for all, which changes nothing of what the model computes.
    """
    if embedding is not None:
        if embedding.shape != (K, ih.shape[1]):
            raise CheckpointError(
                f"its embedding is {embedding.shape}, and not {(K, ih.shape[1])}", where=where
            )
        memory.require(K * len(ih) * ih.itemsize, "the model")
        return np.asarray(ih @ embedding.T)
    if ih.shape[1] != K:
        raise CheckpointError(
            f"{FIRST} is {ih.shape}, and reads {ih.shape[1]} inputs; its output layer has {K} "
            "characters, and a model here reads them one-hot, or by an embedding",
            where=where,
        )
    return ih
