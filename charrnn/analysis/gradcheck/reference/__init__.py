"""The textbook: one step, one function, explicit one-hot vectors, no backward.

Everything here accepts float and complex arrays, so that the complex-step derivative of these
functions is the oracle for the gradients in `charrnn.nn`, which they do not import. Row vectors:
a batch is `(B, ·)`, and any leading axes broadcast.
"""

from charrnn.analysis.gradcheck.reference.activations import ACTIVATIONS, sigmoid, softmax
from charrnn.analysis.gradcheck.reference.cells import gru_step, lstm_step, rnn_step
from charrnn.analysis.gradcheck.reference.network import ReferenceNetwork

__all__ = [
    "ACTIVATIONS",
    "ReferenceNetwork",
    "gru_step",
    "lstm_step",
    "rnn_step",
    "sigmoid",
    "softmax",
]
