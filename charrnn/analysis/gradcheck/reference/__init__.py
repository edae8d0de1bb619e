"""The textbook: one step, one function, explicit one-hot vectors, no backward.

Everything here accepts float and complex arrays, so that the complex-step derivative of these
functions is the oracle for the gradients in `charrnn.nn`, which they do not import. Row vectors:
a batch is `(B, ·)`, and any leading axes broadcast.
"""
