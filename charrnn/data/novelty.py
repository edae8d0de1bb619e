"""How much of a text is new: the share of the validation part's grams that training has not seen.

A grammar's sentences, and a long book's, are made of pieces that came before; what is new in a play
or in code is what a network can only learn by heart. docs/planning.md says what it decides.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from charrnn.data.corpus import Corpus

ORDER = 6  # symbols of a gram
MOST_BEFORE, MOST_AFTER = 3_000_000, 30_000  # symbols that are looked at, where the parts meet


def new_grams(corpus: Corpus) -> float:
    """The share of the validation part's grams that the training part lacks; 1 of too few."""
    before = np.asarray(corpus.part("train")[-MOST_BEFORE:])
    after = np.asarray(corpus.part("val")[:MOST_AFTER])
    if len(after) < ORDER:
        return 1.0
    K = corpus.vocabulary.K
    wanted, counts = np.unique(_grams(after, K), return_counts=True)
    known, seen = _grams(before, K), np.zeros(len(wanted), np.bool_)
    at = np.minimum(np.searchsorted(wanted, known), len(wanted) - 1)
    seen[at[wanted[at] == known]] = True
    return float(counts[~seen].sum() / counts.sum())


def _grams(ids: NDArray[np.integer], K: int) -> NDArray[np.uint64]:
    """One number a gram. Beyond 64 bits two may share one, which hardly changes a share."""
    grams = max(len(ids) - ORDER + 1, 0)
    numbers = np.zeros(grams, np.uint64)
    for k in range(ORDER):
        numbers = numbers * np.uint64(K) + ids[k : k + grams].astype(np.uint64)
    return numbers
