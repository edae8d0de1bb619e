"""Reading without a tape, compiled: all layers a step at a time, and the nats of the targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.backends.compiled.compiling import compiled, exp, fragment
from charrnn.nn.backends.compiled.stack import packed_stack, room, run
from charrnn.nn.backends.compiled.views import number, row
from charrnn.nn.cells.base import Cell, Weights

Array = NDArray[Any]
# Streams that step together, and steps times streams whose projections are held: with the weights
# of a layer they fit in a core's own cache.
TOGETHER, HELD = 32, 128


def scan(
    cells: Sequence[Cell], layers: Sequence[Weights], x: NDArray[np.integer], state: Array,
    outputs: Array,
) -> None:  # fmt: skip
    """As `nn.backends.Scan`."""
    stack, (T, B), (L, n, _, H) = packed_stack(cells, layers), x.shape, state.shape
    parts = max(-(-B // TOGETHER), 1)
    for index in range(parts):
        own = slice(B * index // parts, B * (index + 1) // parts)
        its_x, its_state = np.ascontiguousarray(x[:, own]), state[:, :, own].copy()
        count = own.stop - own.start
        steps = max(min(T, HELD // max(count, 1)), 1)
        _scan(its_x, its_state.reshape(L * n, count, H), stack, room(stack, steps, count), steps,
              outputs, own.start)  # fmt: skip
        state[:, :, own] = its_state


@compiled
def _scan(x, state, stack, scratch, steps, outputs, first):
    """The streams of x and state, whose outputs are those from the stream `first` on."""
    T, B = x.shape
    width = outputs.shape[2]
    for t in range(0, T, steps):
        count = min(steps, T - t)
        run(x, t, count, state, stack, scratch)
        if t < len(outputs):
            for i in range(count):
                for stream in range(B):
                    kept = row(outputs, (t + i, first + stream))
                    top = row(scratch[1], (i * B + stream,))
                    for j in range(width):
                        kept[j] = top[j]


def cross_entropy(Z: Array, y: NDArray[np.integer]) -> tuple[Array, NDArray[np.bool_]]:
    """As `nn.backends.CrossEntropy`."""
    E, correct = np.empty(len(Z), Z.dtype), np.empty(len(Z), np.bool_)
    _cross_entropy(Z, y, E, correct)
    return E, correct


@compiled
def _cross_entropy(Z, y, E, correct):
    """As `window.softmax_cross_entropy`, without the division of what nobody asks for."""
    N, K = Z.shape
    for n in range(N):
        z = row(Z, (n,))
        top = z[0]
        for k in range(1, K):
            top = z[k] if z[k] > top else top
        picked = z[y[n]] - top
        for k in range(K):
            z[k] = exp(z[k] - top)
        total = number(Z, 0)
        for k in range(K):
            total += z[k]
        E[n] = np.log(total) - picked
        correct[n] = _is_likeliest(z, K, y[n], total)


@fragment
def _is_likeliest(e, K, y, total):
    """Whether y is the first of the largest e / total; what rounds to the same is as large."""
    before = after = number(e, 0)
    for k in range(y):
        before = e[k] if e[k] > before else before
    for k in range(y + 1, K):
        after = e[k] if e[k] > after else after
    p = e[y] / total
    return before / total < p and after / total <= p
