"""The product of a few rows with a packed matrix: what a step of a recurrence consists of.

A library's GEMM packs the weights at every call. Here they are packed once a window, in panels
(panels, k, 16 float32 or 8 float64) that are read from front to back. A tile holds a few rows of
the result for one or more panels in registers, while k runs: Goto & van de Geijn (2008), without
the blocking that matrices of this size do not need.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from ctypes import CFUNCTYPE, c_ssize_t, c_void_p
from functools import cache
from typing import Any

import numpy as np
from numba.np.numpy_support import from_dtype
from numpy.typing import NDArray

from charrnn.nn.backends.compiled.compiling import compiled, compiled_at, fragment
from charrnn.nn.backends.compiled.tile import (
    MOST_ROWS,
    PANEL_BYTES,
    VECTOR_BYTES,
    call_at,
    copy_panel_row,
    lanes_of,
    pack_types,
    product_types,
    row_tile,
    rows_tile,
    transpose_tiles,
)
from charrnn.nn.backends.compiled.views import ahead, number, plane, row
from charrnn.nn.params import Workspace, aligned

Array = NDArray[Any]
Memory = Callable[[tuple[int, ...], np.dtype[Any]], Array]
DIRECT = 200_000  # weights above which a library's product is faster, which packs both sides
STEPS = 128  # of a window, whose products are added to a gradient at a time
TOGETHER = 4  # panels that one row has sums of: as many as keep the multipliers busy
_row_4, _row_3, _row_2, _row_1 = (row_tile(panels) for panels in range(TOGETHER, 0, -1))


@fragment
def multiply(product, A, P, C, t):
    """C = A @ P. A (M, k), P packed (panels, k, columns), C (M, panels · columns).

    Of one row, an odd t reads the panels from the last to the first: those that the step before
    read last are in the nearest cache. `product`: see `product_at`.
    """
    panels, k, columns = P.shape
    call_at(product, row(A, (0,)), A.shape[1], 1, row(P, (0, 0)), columns, k * columns,
            row(C, (0,)), C.shape[1], A.shape[0], k, panels, 0, t % 2)  # fmt: skip


@fragment
def multiply_states(product, H, P, C, t):
    """C = H[t] @ P, of H (T + 1, B, k): no product where a window begins with zeros."""
    if t == 0 and are_zeros(row(H, (0, 0)), H.shape[1] * H.shape[2]):
        c, zero = row(C, (0,)), number(C, 0)
        for j in range(C.shape[0] * C.shape[1]):
            c[j] = zero
    else:
        multiply(product, plane(H, t), P, C, t)


@fragment
def are_zeros(x, count):
    j = 0
    while j < count and x[j] == 0:
        j += 1
    return j == count


@cache
def product_at(dtype: np.dtype[Any]) -> int:
    """Where the compiled product is, which loops are told and call.

    It is compiled once for all loops: as a part of each, it was most of what they took to compile.
    """
    return compiled_at(_product, product_types(from_dtype(dtype)))


@cache
def pack_at(dtype: np.dtype[Any]) -> int:
    """Where `_pack` is, in the same way."""
    return compiled_at(_pack, pack_types(from_dtype(dtype)))


@cache
def pack_transposed_at(dtype: np.dtype[Any]) -> int:
    """Where `_pack_transposed` is."""
    return compiled_at(_pack_transposed, pack_types(from_dtype(dtype)))


def _product(a, a_row, a_k, p, p_k, p_panel, c, c_row, M, k, panels, keep, turned):
    """C (M, panels' columns) = A P, or C += A P where `keep`; `_Tile` says how they are laid.

    `turned`: of one row, the panels from the last to the first.
    """
    columns = lanes_of(c)
    if M == 1:
        groups = (panels + TOGETHER - 1) // TOGETHER
        for index in range(groups):
            first = TOGETHER * (groups - 1 - index if turned else index)
            its_p, its_c = ahead(p, first * p_panel), ahead(c, first * columns)
            if panels - first >= 4:
                _row_4(a, a_row, a_k, its_p, p_k, p_panel, its_c, c_row, k, keep)
            elif panels - first == 3:
                _row_3(a, a_row, a_k, its_p, p_k, p_panel, its_c, c_row, k, keep)
            elif panels - first == 2:
                _row_2(a, a_row, a_k, its_p, p_k, p_panel, its_c, c_row, k, keep)
            else:
                _row_1(a, a_row, a_k, its_p, p_k, p_panel, its_c, c_row, k, keep)
        return
    tiles = (M + MOST_ROWS - 1) // MOST_ROWS
    for panel in range(panels):
        m = 0
        for index in range(tiles):
            rows = (M - m) // (tiles - index)
            rows_tile(ahead(a, m * a_row), a_row, a_k, ahead(p, panel * p_panel), p_k, p_panel,
                      ahead(c, m * c_row + panel * columns), c_row, k, keep, rows)  # fmt: skip
            m += rows


def _pack(u, k, n, p, panels):
    """U (k, n) in panels (panels, k, columns), the last one filled up with zeros."""
    columns = lanes_of(p)
    whole = n // columns
    for panel in range(whole):
        for i in range(k):
            copy_panel_row(u, n, p, k, i, panel)
    if whole < panels:
        for i in range(k):
            its_u, its_p = ahead(u, i * n), ahead(p, (whole * k + i) * columns)
            for j in range(columns):
                at = whole * columns + j
                its_p[j] = its_u[at] if at < n else number(p, 0)


def _pack_transposed(u, n, k, p, panels):
    """The transpose of U (n, k) in panels."""
    columns = lanes_of(p)
    side = VECTOR_BYTES * columns // PANEL_BYTES
    for panel in range(panels):
        start = panel * columns
        rows = columns if start + columns <= n else n - start
        tiled = k // side * side if rows == columns else 0
        for i in range(0, tiled, side):
            transpose_tiles(u, k, p, k, i, panel)
        for i in range(tiled, k):
            its_p = ahead(p, (panel * k + i) * columns)
            for j in range(columns):
                its_p[j] = u[(start + j) * k + i] if j < rows else number(p, 0)


def pack(U: Array) -> Array:
    """U (k, n), C-contiguous, in panels (panels, k, columns) for the product with it."""
    P = packed_memory(U.shape, U.dtype)
    _pack_from_python(U.dtype)(U.ctypes.data, *U.shape, P.ctypes.data, len(P))
    return P


@cache
def _pack_from_python(dtype: np.dtype[Any]) -> Callable[..., None]:
    kind = CFUNCTYPE(None, c_void_p, c_ssize_t, c_ssize_t, c_void_p, c_ssize_t)
    return kind(pack_at(dtype))


def packed_memory(shape: tuple[int, ...], dtype: np.dtype[Any], memory: Memory = aligned) -> Array:
    """For a matrix (k, n): panels (panels, k, columns)."""
    (k, n), columns = shape, PANEL_BYTES // dtype.itemsize
    return memory((-(-n // columns), k, columns), dtype)


def product_rows(rows: int, packed: Array, memory: Memory = aligned) -> Array:
    """Memory for the product of so many rows with a packed matrix."""
    return memory((rows, packed.shape[0] * packed.shape[2]), packed.dtype)


class _Own(threading.local):
    def __init__(self) -> None:
        self.memory = cache(Workspace)


_own = _Own()


def own_memory(dtype: np.dtype[Any]) -> Workspace:
    """Memory of the thread that calls, for what no loop needs after it has returned."""
    return _own.memory(dtype)


def for_a_pass(name: str) -> Memory:
    """The calling thread's memory of this name, which the next pass over a window takes again."""
    return lambda shape, dtype: own_memory(dtype)(name, shape)


PACKED, ROWS = for_a_pass("packed"), for_a_pass("rows")


def add_product(X: Array, Y: Array, out: Array) -> None:
    """As `nn.window.add_product`."""
    columns, (N, H) = PANEL_BYTES // X.itemsize, X.shape
    if H * Y.shape[1] > DIRECT:
        out += X.T @ Y
        return
    rows = N + H if Y.shape[1] % columns else 1
    scratch = own_memory(X.dtype)("remainder", (rows, columns))
    _add_product(product_at(X.dtype), X, Y, out, scratch, columns)


@compiled
def _add_product(product, X, Y, out, scratch, columns):
    """out (H, G) += Xᵀ Y of X (N, H), Y (N, G), a few steps at a time; scratch (N + H, columns).

    The first rows of X that are zeros, as the states that a sequence begins with, are left out.
    Columns that are no whole panel are copied into one, and their sums from one.
    """
    (N, H), G = X.shape, Y.shape[1]
    panels, rest, begin = G // columns, G % columns, 0
    while begin < N and are_zeros(row(X, (begin,)), H):
        begin += 1
    if begin == N:
        return
    if rest:
        for n in range(begin, N):
            panel, y = row(scratch, (n,)), row(Y, (n,))
            for j in range(columns):
                panel[j] = y[G - rest + j] if j < rest else number(panel, 0)
    for first in range(begin, N, STEPS):
        k = min(STEPS, N - first)
        x, y = row(X, (first,)), row(Y, (first,))
        call_at(product, x, 1, H, y, G, columns, row(out, (0,)), G, H, k, panels, 1, 0)
        if rest:
            call_at(product, x, 1, H, row(scratch, (first,)), columns, 0, row(scratch, (N,)),
                    columns, H, k, 1, first - begin, 0)  # fmt: skip
    if rest:
        for i in range(H):
            to, sums = ahead(row(out, (i,)), G - rest), row(scratch, (N + i,))
            for j in range(rest):
                to[j] += sums[j]
