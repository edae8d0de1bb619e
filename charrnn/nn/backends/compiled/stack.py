"""All layers of a network, packed for products, and a few steps of them without a tape.

What reads and what samples stand on it. It does what windows do, in the same order: x_t W + b of a
layer, then h_{t-1} U, each a sum over k from the first to the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.backends.compiled.compiling import fragment, step, subroutine
from charrnn.nn.backends.compiled.product import multiply, pack, product_at
from charrnn.nn.backends.compiled.views import plane, row
from charrnn.nn.cells.base import Cell, Weights

Array = NDArray[Any]


class Stack(NamedTuple):
    """Of L layers: `table` (K, G), W + b of the first; W, b of those above; U of all; and `cell`.

    W (L - 1, panels, H, columns) and U (L, panels, H, columns) are packed. A network of one layer
    has no W above the first: its U stands in, and is not used.
    """

    table: Array
    W: Array
    b: Array
    U: Array
    cell: Any
    product: int  # `product.product_at`


def packed_stack(cells: Sequence[Cell], layers: Sequence[Weights]) -> Stack:
    """From the layers' weights as they are now."""
    G, dtype = cells[0].G, layers[0]["U"].dtype

    def bias(weights: Weights) -> Array:
        return weights.get("b", np.zeros(G, dtype))

    def packed(letter: str, parts: Sequence[Weights]) -> Array:
        return np.stack([pack(part[letter]) for part in parts])

    upper = layers[1:]
    U = packed("U", layers)
    return Stack(
        layers[0]["W"] + bias(layers[0]),
        packed("W", upper) if upper else U,
        np.stack([bias(weights) for weights in upper or layers]),
        U,
        cells[0].step_data(layers),
        product_at(dtype),
    )


def room(stack: Stack, T: int, B: int) -> tuple[Array, ...]:
    """Scratch for `run` with T steps of B streams: X and the outputs (T·B, ·), a, a row of H."""
    _, panels, H, columns = stack.U.shape
    G, dtype = panels * columns, stack.U.dtype
    return (
        np.empty((T * B, G), dtype),
        np.empty((T * B, H), dtype),
        np.empty((B, G), dtype),
        np.empty(H, dtype),
    )


@subroutine
def run(x, first, T, state, stack, scratch):
    """Advance state (L n, B, H) by ids x[first : first + T], as many steps as scratch has at most.

    The top layer's outputs are left in scratch. A layer runs over all steps before the next one
    does, so that W is one product, and U, for the while, alone in the cache.
    """
    table, W, b, U, cell, _ = stack
    X, outputs, a, own = scratch
    L, B, H, G = U.shape[0], state.shape[1], state.shape[2], table.shape[1]
    n = state.shape[0] // L
    for layer in range(L):
        if layer == 0:
            for t in range(T):
                for stream in range(B):
                    _copy(row(X, (t * B + stream,)), row(table, (x[first + t, stream],)), G)
        else:
            multiply(stack.product, outputs, plane(W, layer - 1), X, 0)
            for at in range(T * B):
                _add(row(X, (at,)), row(b, (layer - 1,)), G)
        for t in range(T):
            multiply(stack.product, plane(state, n * layer), plane(U, layer), a, t)
            for stream in range(B):
                at = t * B + stream
                step(row(X, (at,)), row(a, (stream,)), state, layer, stream, cell, row(own, ()))
                _copy(row(outputs, (at,)), row(state, (n * layer, stream)), H)


@fragment
def _copy(x, y, width):
    for j in range(width):
        x[j] = y[j]


@fragment
def _add(x, y, width):
    for j in range(width):
        x[j] += y[j]
