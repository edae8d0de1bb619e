"""How every loop is compiled: without the GIL, kept on disk, exact but for fused a·b + c.

Two settings of Numba's choose code when it is compiled: an argument that is None has a type of its
own, so `if P is not None` costs nothing at run time; and loops over one row of contiguous arrays
are left simple enough for LLVM to use vectors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import config, njit

from charrnn.nn.backends.compiled.cache import LoopCache

if config.DISABLE_JIT:
    raise ImportError("NUMBA_DISABLE_JIT is set")

_njit = njit(nogil=True, error_model="numpy", fastmath={"contract"})


def compiled(function: Callable[..., Any]) -> Any:
    """The function, compiled for the types that it is called with."""
    dispatcher = _njit(function)
    dispatcher._cache = LoopCache(function)
    return dispatcher
