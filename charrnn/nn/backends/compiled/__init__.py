"""Kernels compiled by Numba for the processor they run on: the extra `fast`.

Importing this package imports Numba.
"""

from __future__ import annotations

from charrnn.nn.backends import Backend
from charrnn.nn.backends.compiled import gru, lstm, rnn, update, window

NUMBA_BACKEND = Backend(
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
