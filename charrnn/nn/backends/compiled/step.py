"""One step of any cell inside a compiled loop: `step` is compiled as the cell's own module says.

Numba chooses by the type of `cell`, a NamedTuple that each cell's module defines for itself: it
has what the step needs besides the projections, such as peephole weights and constants.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba.extending import overload


def step(x: Any, a: Any, state: Any, layer: Any, stream: Any, cell: Any, scratch: Any) -> None:
    """Advance one stream of one layer, in a compiled loop.

    x (G,) is x_t W + b and is overwritten; a (G,) is h_{t-1} U; state (n, B, H) of the layer is
    h first; scratch (H,).
    """
    raise NotImplementedError


def overload_step(kind: type) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Registers the function below as `step` for a `cell` of this NamedTuple."""

    def add(implementation: Callable[..., None]) -> Callable[..., None]:
        @overload(step, strict=False)
        def choose(
            x: Any, a: Any, state: Any, layer: Any, stream: Any, cell: Any, scratch: Any
        ) -> Callable[..., None] | None:
            return implementation if getattr(cell, "instance_class", None) is kind else None

        return implementation

    return add
