"""Loops compiled by Numba for the processor they run on: the extra `fast`.

Importing this package imports Numba. The loops of a cell are in the module that the cell names.
"""

from __future__ import annotations

from charrnn.nn.backends import Backend
from charrnn.nn.backends.compiled import output, product, reading, window
from charrnn.nn.backends.compiled import window as update

NUMBA_BACKEND = Backend(
    name="numba",
    is_compiled=True,
    gather=window.gather,
    scatter=window.scatter,
    softmax_cross_entropy=window.softmax_cross_entropy,
    cross_entropy_gradient=window.cross_entropy_gradient,
    adam_step=update.adam_step,
    mean_step=update.mean_step,
    scan=reading.scan,
    cross_entropy=reading.cross_entropy,
    add_product=product.add_product,
    learn_outputs=output.learn_outputs,
)
