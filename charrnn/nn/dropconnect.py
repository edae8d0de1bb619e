"""DropConnect on the recurrent matrices U (Wan et al. 2013; on LSTMs Merity et al. 2018).

One mask for all steps and streams of an update: what is dropped is a connection, not a unit, so
the loops over time run as they are, on U ∘ M, and the gradient is dU = d(U ∘ M) ∘ M.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.params import Params

Array = NDArray[Any]


def draw_weight_masks(params: Params, dropped: float, rng: np.random.Generator) -> dict[str, Array]:
    """For each U (H, G) a mask: 0 in the share `dropped`, to 2⁻¹⁶, else 1 / (1 - dropped)."""
    if not dropped:
        return {}
    return {
        name: _draw_mask(view, dropped, rng) for name, view in params.items() if name[-2:] == ".U"
    }


def _draw_mask(view: Array, dropped: float, rng: np.random.Generator) -> Array:
    # Four draws of 16 bits from each number: a mask a step costs half as much as with one each.
    numbers = rng.integers(0, 2**64, -(-view.size // 4), np.uint64)
    draws = numbers.view(np.uint16)[: view.size].reshape(view.shape)
    kept = draws >= round(dropped * 2**16)
    return np.multiply(kept, view.dtype.type(1 / (1 - dropped)), dtype=view.dtype)


@contextmanager
def thinned(params: Params, masks: Mapping[str, Array], grad: Params) -> Iterator[None]:
    """The parameters times their masks while it lasts; then as they were, and `grad` masked."""
    whole = {name: params[name].copy() for name in masks}
    for name, mask in masks.items():
        np.multiply(params[name], mask, out=params[name])
    try:
        yield
    finally:
        for name, mask in masks.items():
            params[name][...] = whole[name]
            np.multiply(grad[name], mask, out=grad[name])
