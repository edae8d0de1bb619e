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
    """For each U (H, G) a mask: 0 in the share `dropped`, else 1 / (1 - dropped)."""
    kept = 1 - dropped
    masks: dict[str, Array] = {}
    if not dropped:
        return masks
    for name, view in params.items():
        if name.endswith(".U"):
            masks[name] = (rng.random(view.shape, np.float32) < kept).astype(view.dtype)
            masks[name] *= 1 / kept
    return masks


@contextmanager
def apply_weight_dropout(
    params: Params, masks: Mapping[str, Array], grad: Params
) -> Iterator[None]:
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
