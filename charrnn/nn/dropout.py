"""Dropout masks of one update: 0, or 1 / (1 - dropout), for the output of each layer.

A stream's numbers are a stretch of its own in a random sequence made for the update and the window.
Whoever has some of the streams, a thread or a rank, advances to them. So the masks are the same
however the streams are shared out.

A run keeps the masks that it was begun with, `conventions` of its first checkpoint:

| conventions | where a window's masks come from |
|---|---|
| 1 | one generator for all streams |
| 2 | a generator for each part of the streams, so that masks depend on how many parts there are |
| 3 | a stretch of one PCG64 sequence for each stream |

Weight dropout is DropConnect on the recurrent matrices U (Wan et al. 2013; on LSTMs Merity et al.
2018).

One mask for all steps and streams of an update: what is dropped is a connection, not a unit, so
the loops over time run as they are, on U ∘ M, and the gradient is dU = d(U ∘ M) ∘ M.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.bptt import Masks
from charrnn.nn.network import Network
from charrnn.nn.params import Params

Array = NDArray[Any]
BITS = 32  # of a random number


@dataclass(frozen=True)
class DropoutMasks:
    """The masks of an update on B streams; `key` (purpose, seed, step) is that of its numbers."""

    key: tuple[int, int, int]
    B: int
    conventions: int

    def of_streams(self, network: Network, streams: range) -> Masks:
        """Draws the masks of a window for some of the streams, in the network's memory."""

        def draw(window: int, T: int) -> Sequence[Array]:
            key = [*self.key, 0 if network.variational else window]
            if self.conventions >= 3:
                out = network.mask_arrays(T, len(streams))
                draw_by_stream(np.random.PCG64(key), streams, self.B, network.dropout, out)
                return out
            if self.conventions == 2:
                out = network.mask_arrays(T, len(streams))
                _draw(np.random.default_rng([*key, streams.start]), network.dropout, out)
                return out
            out = network.mask_arrays(T, self.B)
            _draw(np.random.default_rng(key), network.dropout, out)
            return [mask[:, streams.start : streams.stop] for mask in out]

        return draw


def draw_by_stream(
    bits: np.random.PCG64, streams: range, B: int, dropout: float, out: Sequence[Array]
) -> None:
    """Masks (T, n, H) of n of B streams for each layer, from a sequence at its beginning.

    The sequence holds layer after layer, in each stream after stream, in each step after step.
    """
    steps, n, H = out[0].shape
    words = (steps * H + 1) // 2  # of 64 bits, for one stream of one layer
    kept = 1 - dropout
    below = np.uint32(min(round(kept * 2**BITS), 2**BITS - 1))
    bits.advance(streams.start * words)
    for mask in out:
        drawn = bits.random_raw(n * words).astype("<u8", copy=False).view("<u4")
        by_stream = drawn.reshape(n, 2 * words)[:, : steps * H].reshape(n, steps, H)
        np.less(by_stream.transpose(1, 0, 2), below, out=mask, casting="unsafe")
        mask *= 1 / kept
        bits.advance((B - n) * words)


def _draw(rng: np.random.Generator, dropout: float, out: Sequence[Array]) -> None:
    """As runs of the first two conventions draw them: step after step, in each all streams."""
    kept = 1 - dropout
    for mask in out:
        np.less(rng.random(mask.shape, np.float32), kept, out=mask, casting="unsafe")
        mask *= 1 / kept


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
