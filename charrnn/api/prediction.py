"""The distribution of the next character."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from charrnn.api.sampling import draw
from charrnn.inference.sampling import Sampling, next_logits
from charrnn.runtime.blas import threads

if TYPE_CHECKING:
    from charrnn.api.model import Model


def next_probabilities(model: Model, prime: str) -> NDArray[np.float64]:
    """p (K,) after a prime: what `sample` draws its first character from."""
    drawing = draw(model, prime, length=0)
    with threads(1):
        z = next_logits(drawing.network, drawing.prime, drawing.boundary)
    return Sampling().probabilities(z)
