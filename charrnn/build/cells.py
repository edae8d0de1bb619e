"""From a configuration to its cells, and to the names and shapes of all parameters."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from charrnn.config import Config
from charrnn.config.cells import cell_options
from charrnn.nn.backends import NUMPY_BACKEND, Backend
from charrnn.nn.cells.base import Cell
from charrnn.nn.cells.registry import cell_class


def cell(config: Config, D: int, chosen: Backend = NUMPY_BACKEND) -> Cell:
    """A layer of D inputs, as the configuration describes it."""
    model = config.model
    made, options = cell_class(model.cell), cell_options(config)
    layer = made.from_options(D, model.hidden_size, model.bias, chosen, options)
    layer.options = options
    return layer


def parameter_shapes(config: Config, K: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes of all parameters, in their order, without allocating them."""
    model = config.model
    for index in range(model.num_layers):
        layer = cell(config, model.hidden_size if index else K)
        for letter, shape in layer.shapes().items():
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
