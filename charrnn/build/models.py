"""From a configuration to its network, and to the reference that the network is held to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.analysis.gradcheck.reference.network import ReferenceNetwork
from charrnn.build.hardware import kernels
from charrnn.config import Config
from charrnn.config.schema import ModelConfig
from charrnn.errors import CheckpointError
from charrnn.nn.activations import ACTIVATIONS
from charrnn.nn.backends import NUMPY_BACKEND, Backend, LSTMVariant
from charrnn.nn.cells import GRU, LSTM, RNN, Cell
from charrnn.nn.initialisers import draw
from charrnn.nn.network import Network
from charrnn.runtime import memory
from charrnn.storage.checkpoint import require_finite, require_shape

Array = NDArray[Any]
INIT = 5  # names this use of the seed


def parameter_shapes(config: Config, K: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes of all parameters, in their order, without allocating them."""
    model = config.model
    for index in range(model.num_layers):
        cell = _cell(config, model.hidden_size if index else K, NUMPY_BACKEND)
        for letter, shape in cell.shapes().items():
            yield f"layers.{index}.{letter}", shape
    yield "output.V", (model.hidden_size, K)
    if model.bias:
        yield "output.c", (K,)


def parameter_count(config: Config, K: int) -> int:
    """How many numbers the parameters are, however many layers there are."""
    model = config.model
    few = model.model_copy(update={"num_layers": min(model.num_layers, 2)})
    shapes = parameter_shapes(config.model_copy(update={"model": few}), K)
    sizes = {name: prod(shape) for name, shape in shapes}
    upper = sum(size for name, size in sizes.items() if name.startswith("layers.1."))
    return sum(sizes.values()) + upper * max(model.num_layers - 2, 0)


def network(config: Config, K: int, dtype: Any = None, *, for_inference: bool = False) -> Network:
    """The network of a configuration for K symbols, its parameters zero; `brief` as in `kernels`.

    Raises ConfigError if it is larger than the machine's memory.
    """
    model = config.model
    itemsize = np.dtype(dtype or config.runtime.dtype).itemsize
    memory.require(parameter_count(config, K) * itemsize, "the model")
    chosen = kernels(config, for_inference=for_inference)
    sizes = [K] + [model.hidden_size] * (model.num_layers - 1)
    return Network(
        [_cell(config, D, chosen) for D in sizes],
        K,
        bias=model.bias,
        dropout=model.dropout,
        variational=model.variational_dropout,
        dtype=dtype or config.runtime.dtype,
    )


def _cell(config: Config, D: int, chosen: Backend) -> Cell:
    model = config.model
    if model.cell == "rnn":
        return RNN(D, model.hidden_size, model.bias, chosen, model.activation)
    if model.cell == "gru":
        return GRU(D, model.hidden_size, model.bias, chosen)
    return LSTM(D, model.hidden_size, model.bias, chosen, lstm_variant(config))


def lstm_variant(config: Config) -> LSTMVariant:
    """Which LSTM the configuration describes."""
    model = config.model
    return LSTMVariant(
        forget=_forget(model),
        peepholes=model.peepholes,
        activation_g=ACTIVATIONS[_squash(model.cell_input, "g")],
        activation_h=ACTIVATIONS[_squash(model.cell_output, "h")],
        truncate=config.bptt.cell_truncation == "1997",
    )


def _forget(model: ModelConfig) -> Any:
    if model.coupled_gates:
        return "coupled"
    return "gate" if model.forget_gate else "none"


def _squash(name: str, place: str) -> str:
    return f"logistic_{place}" if name == "logistic" else name


def reference(config: Config) -> ReferenceNetwork:
    """The textbook version of the same network: the oracle of `charrnn gradcheck`."""
    model = config.model
    return ReferenceNetwork(
        model.cell,
        model.num_layers,
        activation=model.activation,
        forget=_forget(model),
        activation_g=_squash(model.cell_input, "g"),
        activation_h=_squash(model.cell_output, "h"),
        truncate=config.bptt.cell_truncation == "1997",
    )


def initialise(net: Network, config: Config) -> None:
    """Draw every parameter from `train.seed`; the same for both dtypes up to rounding."""
    model, H = config.model, config.model.hidden_size
    rng = np.random.default_rng([INIT, config.train.seed])
    for name, view in net.params.items():
        letter = name.rsplit(".", 1)[-1]
        if letter not in ("W", "U", "V"):
            view[...] = 0
            continue
        init = getattr(model.init, letter)
        width = view.shape[1] if letter == "V" else H
        for start in range(0, view.shape[1], width):
            shape = (view.shape[0], width)
            view[:, start : start + width] = draw(rng, shape, init.scheme, init.scale, H)
    if model.cell == "lstm" and model.bias and _forget(model) == "gate":
        for index in range(model.num_layers):
            net.params[f"layers.{index}.b"][H : 2 * H] = model.forget_bias


def load_parameters(net: Network, arrays: Mapping[str, Array], where: str) -> None:
    """Copy parameters by name. Raises CheckpointError for any that is missing, of another shape,
    or not finite.
    """
    for name, view in net.params.items():
        if name not in arrays:
            raise CheckpointError(f"has no parameter {name}", where=where)
        require_shape(name, arrays[name], view.shape, where)
        with np.errstate(over="ignore"):
            view[...] = arrays[name]
        require_finite(name, view, where)


def inherit_parameters(net: Network, arrays: Mapping[str, Array], K: int, where: str) -> None:
    """Copy the parameters of a model of K symbols into one that may have more after them.

    Rows of W and columns of V and c of the new symbols stay as they were initialised.
    """
    grown: dict[str, Any] = {
        "layers.0.W": np.s_[:K], "output.V": np.s_[:, :K], "output.c": np.s_[:K],
    }  # fmt: skip
    merged = dict(arrays)
    for name, part in grown.items():
        if name in arrays and name in net.params:
            array = net.params[name].copy()
            if array[part].shape == arrays[name].shape:
                array[part] = arrays[name]
                merged[name] = array
    load_parameters(net, merged, where)
