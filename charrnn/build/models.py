"""From a configuration to its network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.build.cells import cell, parameter_count
from charrnn.build.hardware import backend
from charrnn.config import Config
from charrnn.errors import CheckpointError
from charrnn.nn.network import Network
from charrnn.nn.params import draw
from charrnn.runtime import memory
from charrnn.storage.checkpoint import require_finite, require_shape

Array = NDArray[Any]
INIT = 5  # names this use of the seed


def network(config: Config, K: int, dtype: Any = None, *, for_inference: bool = False) -> Network:
    """The network of a configuration for K symbols, its parameters zero; `for_inference` as in
    `backend`.

    Raises ConfigError if it is larger than the machine's memory.
    """
    model = config.model
    itemsize = np.dtype(dtype or config.runtime.dtype).itemsize
    memory.require(parameter_count(config, K) * itemsize, "the model")
    chosen = backend(config, for_inference=for_inference)
    sizes = [K] + [model.hidden_size] * (model.num_layers - 1)
    return Network(
        [cell(config, D, chosen) for D in sizes],
        K,
        bias=model.bias,
        dropout=model.dropout,
        variational=model.variational_dropout,
        dtype=dtype or config.runtime.dtype,
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
    for index, layer in enumerate(net.cells):
        layer.initialise(net.params.layer(index))


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
