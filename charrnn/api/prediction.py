"""The distribution of the next character, and the likeliest ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from charrnn.api.loaded import LoadedModel, as_symbols
from charrnn.api.sampling import prepare_sampler
from charrnn.inference.sampling import Sampling, next_logits
from charrnn.runtime.blas import threads


def next_probabilities(
    model: LoadedModel, prime: str | bytes, use: str | None = None
) -> NDArray[np.float64]:
    """p (K,) after a prime: what `sample` takes its first character from."""
    text = as_symbols(prime, model.vocabulary.unit)
    sampler = prepare_sampler(model, text, length=0, use=use)
    with threads(1):
        z = next_logits(sampler.network, sampler.prime, sampler.boundary, sampler.mixed)
    return Sampling().probabilities(z)


def likeliest(
    model: LoadedModel, prime: str | bytes, top: int, use: str | None = None
) -> list[tuple[str, float]]:
    """The `top` likeliest characters after a prime and their probabilities, the likeliest first."""
    p = next_probabilities(model, prime, use)
    order = np.argsort(-p, kind="stable")[: max(top, 0)]
    return [(model.vocabulary.symbols[i], float(p[i])) for i in order]
