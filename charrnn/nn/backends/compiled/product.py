"""The product of a few rows with a packed matrix: what a step of a recurrence consists of.

A library's GEMM packs the weights at every call. Here they are packed once a window, in panels
(panels, k, 16 float32 or 8 float64) that are read from front to back. A tile holds a few rows of
the result for one or more panels in registers, while k runs: Goto & van de Geijn (2008), without
the blocking that matrices of this size do not need.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.backends.compiled.compiling import compiled, subroutine
from charrnn.nn.backends.compiled.tile import (
    MOST_ROWS,
    PANEL_BYTES,
    VECTOR_BYTES,
    copy_panel_row,
    rows_tile,
    tile,
    transpose_tiles,
)

Array = NDArray[Any]
_row_4, _row_3, _row_2, _row_1 = (tile(1, panels) for panels in (4, 3, 2, 1))


@subroutine
def multiply(A, P, C):
    """C = A @ P. A (M, k), P packed (panels, k, columns), C (M, panels · columns)."""
    M, panels = A.shape[0], P.shape[0]
    if M == 1:
        _multiply_row(A, P, C)
        return
    tiles = (M + MOST_ROWS - 1) // MOST_ROWS
    for panel in range(panels):
        row = 0
        for index in range(tiles):
            rows = (M - row) // (tiles - index)
            rows_tile(A, P, C, row, panel, rows)
            row += rows


@subroutine
def _multiply_row(A, P, C):
    panels, panel = P.shape[0], 0
    while panel + 4 <= panels:
        _row_4(A, P, C, 0, panel)
        panel += 4
    if panels - panel == 3:
        _row_3(A, P, C, 0, panel)
    elif panels - panel == 2:
        _row_2(A, P, C, 0, panel)
    elif panels - panel == 1:
        _row_1(A, P, C, 0, panel)


def pack(U: Array) -> Array:
    """U (k, n) in panels (panels, k, columns), the last one filled up with zeros."""
    P = _panels(U.shape[0], U.shape[1], U.dtype)
    _pack(U, P)
    return P


def pack_transposed(U: Array) -> Array:
    """The transpose of U (n, k) in panels: `pack(U.T)`."""
    n, k = U.shape
    P = _panels(k, n, U.dtype)
    _pack_transposed(U, P)
    return P


def product_rows(rows: int, packed: Array) -> Array:
    """Memory for the product of so many rows with a packed matrix."""
    return np.empty((rows, packed.shape[0] * packed.shape[2]), packed.dtype)


def _panels(k: int, n: int, dtype: np.dtype[Any]) -> Array:
    columns = PANEL_BYTES // dtype.itemsize
    return np.empty((-(-n // columns), k, columns), dtype)


@compiled
def _pack(U, P):
    k, n = U.shape
    columns = P.shape[2]
    whole = n // columns
    for panel in range(whole):
        for i in range(k):
            copy_panel_row(U, P, i, panel)
    if whole < P.shape[0]:
        for i in range(k):
            for j in range(columns):
                at = whole * columns + j
                P[whole, i, j] = U[i, at] if at < n else 0


@compiled
def _pack_transposed(U, P):
    n, k = U.shape
    columns = P.shape[2]
    side = VECTOR_BYTES // U.itemsize
    for panel in range(P.shape[0]):
        start = panel * columns
        rows = columns if start + columns <= n else n - start
        tiled = k // side * side if rows == columns else 0
        for i in range(0, tiled, side):
            transpose_tiles(U, P, i, panel)
        for i in range(tiled, k):
            for j in range(columns):
                P[panel, i, j] = U[start + j, i] if j < rows else 0
