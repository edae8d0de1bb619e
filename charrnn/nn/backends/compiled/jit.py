"""How every loop is compiled: without the GIL, kept on disk, exact but for fused a·b + c.

Two settings of Numba's choose code when it is compiled: an argument that is None has a type of its
own, so `if P is not None` costs nothing at run time; and loops over one row of contiguous arrays
are left simple enough for LLVM to use vectors.
"""

from __future__ import annotations

from numba import njit

compiled = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})
