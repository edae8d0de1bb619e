"""The hot loops over time, behind one narrow seam.

`plain_*` read like the equations and are never deleted: they are what the fast ones are held to.
A cell asks a `Kernels` for its loop and does not know which is running.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from charrnn.nn import cross_entropy as crossentropy
from charrnn.nn import one_hot as onehot
from charrnn.nn.backends import numpy_gru, numpy_lstm, numpy_rnn
from charrnn.nn.backends.numpy_lstm import LSTMVariant


@dataclass(frozen=True)
class Backend:
    """One implementation of every loop; signatures are those of the plain modules."""

    name: str
    rnn_forward: Callable[..., None]
    rnn_backward: Callable[..., Any]
    lstm_forward: Callable[..., None]
    lstm_backward: Callable[..., Any]
    gru_forward: Callable[..., None]
    gru_backward: Callable[..., Any]
    gather: Callable[..., None]
    scatter: Callable[..., None]
    softmax_cross_entropy: Callable[..., Any]
    cross_entropy_gradient: Callable[..., None]
    # One pass over θ instead of `plain_step` of `optim.Adam` and `optim.WeightAverage`.
    adam_step: Callable[..., None] | None = None
    mean_step: Callable[..., None] | None = None


NUMPY_BACKEND = Backend(
    "numpy",
    numpy_rnn.forward,
    numpy_rnn.backward,
    numpy_lstm.forward,
    numpy_lstm.backward,
    numpy_gru.forward,
    numpy_gru.backward,
    onehot.gather,
    onehot.scatter,
    crossentropy.softmax_cross_entropy,
    crossentropy.gradient,
)

__all__ = ["PLAIN", "Kernels", "LSTMVariant"]
