"""The product of a few rows with a packed matrix: what a step of a recurrence consists of.

A library's GEMM packs the weights at every call. Here they are packed once a window, in panels
(panels, k, 16 float32 or 8 float64) that are read from front to back. A tile holds `rows` rows of
the result for one or more panels in registers, while k runs: Goto & van de Geijn (2008), without
the blocking that matrices of this size do not need.
"""

from __future__ import annotations

import numpy as np

from charrnn.nn.backends.compiled.compiling import compiled
from charrnn.nn.backends.compiled.tile import PANEL_BYTES, copy_panel_row, tile, transpose_tiles

# As many sums as keep the multipliers busy and fit in sixteen registers.
_tile_6, _tile_5, _tile_4, _tile_3, _tile_2 = (tile(rows, 1) for rows in (6, 5, 4, 3, 2))
_row_4, _row_3, _row_2, _row_1 = (tile(1, panels) for panels in (4, 3, 2, 1))


@compiled
def multiply(A, P, C):
    """C = A @ P. A (M, k), P packed (panels, k, columns), C (M, panels · columns)."""
    M, panels = A.shape[0], P.shape[0]
    if M == 1:
        _multiply_row(A, P, C)
        return
    tiles = (M + 5) // 6
    for panel in range(panels):
        row = 0
        for index in range(tiles):
            rows = (M - row) // (tiles - index)
            if rows == 6:
                _tile_6(A, P, C, row, panel)
            elif rows == 5:
                _tile_5(A, P, C, row, panel)
            elif rows == 4:
                _tile_4(A, P, C, row, panel)
            elif rows == 3:
                _tile_3(A, P, C, row, panel)
            else:
                _tile_2(A, P, C, row, panel)
            row += rows


@compiled
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


@compiled
def pack(U):
    """U (k, n) in panels (panels, k, columns), the last one filled up with zeros."""
    k, n = U.shape
    columns = PANEL_BYTES // U.itemsize
    P = np.empty(((n + columns - 1) // columns, k, columns), U.dtype)
    whole = n // columns
    for panel in range(whole):
        for i in range(k):
            copy_panel_row(U, P, i, panel)
    if whole < P.shape[0]:
        P[whole] = 0
        P[whole, :, : n - whole * columns] = U[:, whole * columns :]
    return P


@compiled
def pack_transposed(U):
    """The transpose of U (n, k) in panels: `pack(U.T)`."""
    n, k = U.shape
    columns = PANEL_BYTES // U.itemsize
    P = np.empty(((n + columns - 1) // columns, k, columns), U.dtype)
    side = columns // 2
    for panel in range(P.shape[0]):
        rows = U[panel * columns : (panel + 1) * columns]
        tiled = k // side * side if len(rows) == columns else 0
        for i in range(0, tiled, side):
            transpose_tiles(U, P, i, panel)
        if len(rows) < columns:
            P[panel] = 0
        for j in range(len(rows)):
            for i in range(tiled, k):
                P[panel, i, j] = rows[j, i]
    return P
