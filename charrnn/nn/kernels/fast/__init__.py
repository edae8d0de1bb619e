"""Kernels compiled by Numba for the processor they run on: the extra `charrnn[fast]`.

Importing this package imports Numba.
"""

from __future__ import annotations

from charrnn.nn.kernels import Kernels
from charrnn.nn.kernels.fast import gru, lstm, rnn, update, window

FAST = Kernels(
    "numba",
    rnn.forward,
    rnn.backward,
    lstm.forward,
    lstm.backward,
    gru.forward,
    gru.backward,
    window.gather,
    window.scatter,
    window.softmax_cross_entropy,
    window.cross_entropy_gradient,
    update.adam_step,
    update.mean_step,
)

__all__ = ["FAST"]
