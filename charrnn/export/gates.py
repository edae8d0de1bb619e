"""The order of the gate columns, here and elsewhere, as each cell's `exports` has it.

| cell | charrnn | PyTorch | ONNX |
|---|---|---|---|
| RNN | h | h | h |
| LSTM | i f o g | i f g o | i o f g |
| GRU | r u n | r u n | u r n |

PyTorch calls the GRU's u z, ONNX calls u z, n h, and the LSTM's g c. In all three
h_t = (1 - u) ⊙ n + u ⊙ h_{t-1}, and the reset gate can stand after the product.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def reorder(array: Array, have: str, want: str) -> Array:
    """The gates of the last axis, in blocks of equal width, in another order."""
    blocks = dict(zip(have, np.split(array, len(have), axis=-1), strict=True))
    return np.concatenate([blocks[gate] for gate in want], axis=-1)
