"""What a window's outputs cost, and what flows back from there, compiled: a few rows at a time.

Logits, softmax, cross-entropy and the gradients of V, c and of the outputs, while the rows are in
the cache. Z holds a row of the window in each column, so that what is done to the rows is done to
neighbours: all sums over k are vectors, each column's from the first k to the last.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.backends.compiled.compiling import compiled, exp, fragment
from charrnn.nn.backends.compiled.product import (
    own_memory,
    pack_at,
    pack_transposed_at,
    product_at,
)
from charrnn.nn.backends.compiled.tile import PANEL_BYTES, call_at
from charrnn.nn.backends.compiled.views import number, row

Array = NDArray[Any]
_ALL = np.empty(0, np.bool_)  # the mask of a batch that has none: one function compiles for both
ROWS = 64  # of a window, at a time


def learn_outputs(
    outputs: Array, y: NDArray[np.integer], V: Array, c: Array | None, scale: float,
    mask: NDArray[np.bool_] | None, dV: Array, dc: Array | None, dH: Array,
) -> Array:  # fmt: skip
    """As `nn.backends.LearnOutputs`."""
    (N, H), K, dtype = outputs.shape, V.shape[1], V.dtype
    columns = PANEL_BYTES // dtype.itemsize
    panels, memory = -(-H // columns), own_memory(dtype)
    E = np.empty(N, dtype)
    if not N:
        return E
    if c is None or dc is None:
        c, dc = np.zeros(K, dtype), np.empty(K, dtype)
    _learn(
        product_at(dtype), pack_at(dtype), pack_transposed_at(dtype), outputs, y, V, c,
        dtype.type(scale), _ALL if mask is None else mask, E,
        dV, dc, dH,
        memory("output.V", (panels, K, columns)),
        memory("output.h", (ROWS // columns, H, columns)),
        memory("output.rows", (panels, ROWS, columns)),
        memory("output.Z", (K + 3, ROWS)),
        memory("output.dH", (ROWS, panels * columns)),
        memory("output.dV", (K, panels * columns)),
        memory("output.dc", (K, ROWS)),
    )  # fmt: skip
    return E


@compiled
def _learn(product, pack, pack_transposed, outputs, y, V, c, scale, mask, E, dV, dc, dH, packed_V,
           h, rows, Z, back, added_V, added_c):  # fmt: skip
    """Z (K + 3, ROWS) has room for the columns' weight, maximum and sum below the logits."""
    (N, H), (panels, K, columns) = outputs.shape, packed_V.shape
    room, wide = Z.shape[1], added_V.shape[1]
    call_at(pack_transposed, row(V, (0,)), H, K, row(packed_V, (0, 0)), panels)
    _fill(row(added_c, (0,)), K * room)
    for first in range(0, N, room):
        count = min(room, N - first)
        used = (count + columns - 1) // columns
        wide_z = used * columns
        block = row(outputs, (first,))
        call_at(pack_transposed, block, count, H, row(h, (0, 0)), used)
        # Z = Vᵀ hᵀ
        call_at(product, row(V, (0,)), 1, K, row(h, (0, 0)), columns, H * columns,
                row(Z, (0,)), room, K, H, used, 0, 0)  # fmt: skip
        _softmax(Z, K, wide_z, c, y, first, count, scale, mask, E, added_c)
        # dh = dz Vᵀ
        call_at(product, row(Z, (0,)), 1, room, row(packed_V, (0, 0)), columns, K * columns,
                row(back, (0,)), wide, count, K, panels, 0, 0)  # fmt: skip
        for n in range(count):
            to, it = row(dH, (first + n,)), row(back, (n,))
            for j in range(H):
                to[j] = it[j]
        # dVᵀ += dzᵀ h
        call_at(pack, block, count, H, row(rows, (0, 0)), panels)
        call_at(product, row(Z, (0,)), room, 1, row(rows, (0, 0)), columns, count * columns,
                row(added_V, (0,)), wide, K, count, panels, first, 0)  # fmt: skip
    for i in range(H):
        dv = row(dV, (i,))
        for k in range(K):
            dv[k] += added_V[k, i]
    for k in range(K):
        total = number(c, 0)
        for j in range(room):
            total += added_c[k, j]
        dc[k] += total


@fragment
def _fill(x, count):
    zero = number(x, 0)
    for j in range(count):
        x[j] = zero


@fragment
def _softmax(Z, K, width, c, y, first, count, scale, mask, E, added_c):
    """Columns of Z: logits without bias ← dz; E of the first `count`; dc is added to added_c."""
    kept, top, total = row(Z, (K,)), row(Z, (K + 1,)), row(Z, (K + 2,))
    z, zero = row(Z, (0,)), number(c, 0)
    for j in range(width):
        kept[j] = scale if j < count else zero
        top[j] = z[j] + c[0]
        total[j] = zero
    for j in range(len(mask) and count):
        if not mask[first + j]:
            kept[j] = zero
    for k in range(K):
        z, bias = row(Z, (k,)), c[k]
        for j in range(width):
            z[j] += bias
            top[j] = z[j] if z[j] > top[j] else top[j]
    for n in range(count):
        E[first + n] = Z[y[first + n], n] - top[n]
    for k in range(K):
        z = row(Z, (k,))
        for j in range(width):
            z[j] = exp(z[j] - top[j])
            total[j] += z[j]
    for n in range(count):
        E[first + n] = np.log(total[n]) - E[first + n]  # (CE.2)
    for j in range(width):
        total[j] = kept[j] / total[j]
    for k in range(K):
        z, sums = row(Z, (k,)), row(added_c, (k,))
        for j in range(width):
            z[j] *= total[j]  # (CE.1), scaled
            sums[j] += z[j]
    for n in range(count):
        Z[y[first + n], n] -= kept[n]  # (CE.3)
        added_c[y[first + n], n] -= kept[n]
