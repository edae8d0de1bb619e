"""Backpropagation through time: how gradients travel back.

Everything is built from windows whose backward returns the gradient of the initial state.

- *Truncated (k1, k2)* (Williams & Peng 1990): the data hands over batches of at most k2
  characters, k1 apart; the gradients of the last k1 losses flow back through the batch and no
  further, since its initial state is held constant. One batch is one call of `gradient`.
- *Full*: one batch is a whole sequence. Where it is longer than `window`, only the states between
  windows are kept by the forward pass, and the backward pass makes each window's tape again.
  Memory then grows with the window and the number of windows, not with their product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.network import Network, Tape
from charrnn.nn.params import Params

Array = NDArray[Any]
Ids = NDArray[np.integer]
# Draws the dropout masks of one window, given its index and length; the same each time it is asked.
Masks = Callable[[int, int], Sequence[Array]]

# Steps times streams that are kept as one tape where the window is "auto".
ONE_WINDOW_MAX = 65_536


@dataclass(frozen=True)
class Batch:
    """A stretch of text through which gradients flow: x, y ids (T, B).

    `first`: steps before it carry state but have no loss of their own (truncated, k2 > k1).
    `advance`: where in the batch the next one of the same sequence begins.
    `mask` (T, B): false where a shorter sequence was padded; None is all true.
    """

    x: Ids
    y: Ids
    first: int = 0
    advance: int | None = None
    mask: NDArray[np.bool_] | None = None

    @property
    def count(self) -> int:
        """How many characters have a loss of their own."""
        if self.mask is None:
            return (len(self.x) - self.first) * self.x.shape[1]
        return int(np.count_nonzero(self.mask[self.first :]))

    def streams(self, own: slice) -> Batch:
        """The same stretch of some of the streams."""
        x, y = np.ascontiguousarray(self.x[:, own]), np.ascontiguousarray(self.y[:, own])
        mask = None if self.mask is None else self.mask[:, own]
        return Batch(x, y, self.first, self.advance, mask)


class CancelledError(Exception):
    """`cancel` was true between two windows; the gradient is unfinished."""


@dataclass(frozen=True)
class GradientResult:
    """Σ E over a batch's characters, the state for the next batch, the initial state's gradient."""

    loss: float
    state: Array
    dstate: Array


def window_length(setting: int | str, T: int, B: int) -> int:
    """Steps of tape kept at once: as set, or all of a short batch and about √T of a long one."""
    if setting != "auto":
        return min(int(setting), T)
    return T if T * B <= ONE_WINDOW_MAX else min(T, max(isqrt(T), 64))


def gradient(
    network: Network,
    batch: Batch,
    state: Array,
    grad: Params,
    scale: float,
    *,
    window: int | str = "auto",
    masks: Masks | None = None,
    cancel: Callable[[], bool] | None = None,
    initial: bool = True,
) -> GradientResult:
    """Add to `grad` the derivative of scale · Σ E over the batch, `state` held constant.

    `cancel` is asked before each window, forward and back: CancelledError where it is true.
    `initial`: whether the initial state's gradient is asked for; otherwise it may be anything.
    """
    T, B = batch.x.shape
    length = window_length(window, T, B)
    starts = range(0, T, length)
    advance = T if batch.advance is None else batch.advance

    initial_states, following = [state], state
    for index, start in enumerate(starts):
        _check_cancel(cancel)
        tape = _forward(network, batch, start, length, initial_states[index], masks, index)
        after = network.state_after(tape, tape.T)
        if start < advance < start + tape.T:
            following = network.state_after(tape, advance - start)
        elif advance == start + tape.T:
            following = after
        initial_states.append(after)

    loss, dstate = 0.0, np.zeros(state.shape, state.dtype)
    for index, start in reversed(list(enumerate(starts))):
        _check_cancel(cancel)
        if index < len(starts) - 1:
            tape = _forward(network, batch, start, length, initial_states[index], masks, index)
        window_loss, dH = _loss(network, batch, tape, start, scale, grad)
        loss += window_loss
        wanted = initial or index > 0
        dstate = network.flow_back(tape, dH, dstate, grad, initial=wanted)
    return GradientResult(loss, following, dstate)


def _check_cancel(cancel: Callable[[], bool] | None) -> None:
    if cancel is not None and cancel():
        raise CancelledError


def _forward(
    network: Network,
    batch: Batch,
    start: int,
    length: int,
    state: Array,
    masks: Masks | None,
    index: int,
) -> Tape:
    x = batch.x[start : start + length]
    return network.forward(x, state, None if masks is None else masks(index, len(x)))


def _loss(
    network: Network, batch: Batch, tape: Tape, start: int, scale: float, grad: Params
) -> tuple[float, Array]:
    """Σ E over the window's characters that count, and the gradient of scale · Σ E by outputs."""
    stop = start + tape.T
    first = min(max(batch.first - start, 0), tape.T)
    mask = None if batch.mask is None else batch.mask[start:stop]
    E, dH = network.learn_outputs(tape, batch.y[start:stop], first, scale, mask, grad)
    if mask is not None:
        E = E * mask[first:]
    return float(E.sum(dtype=np.float64)), dH
