"""What an n-gram and a hidden Markov model make of the same text.

The figures that a network has to better: the second is a finite-state memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.data.corpus import Corpus, Part
from charrnn.errors import DataError, argument
from charrnn.inference import hmm
from charrnn.inference.metrics import InBits
from charrnn.inference.mixture.counting import (
    HELD_OUT,
    NUMPY_COUNTING,
    CountingKernels,
    fit,
    lowest_order,
    rising,
)
from charrnn.inference.mixture.kernels import fastest_counting
from charrnn.inference.mixture.trie import Trie
from charrnn.inference.reader import WARMUP
from charrnn.runtime import memory
from charrnn.runtime.progress import counted

BYTES = 170  # that the n-gram takes per character it learns from
HIGHEST = 10  # characters of the longest gram
WORTH_COMPILED = 1 << 16  # characters

Rows = NDArray[np.int64]  # (start, stop) of sequences


@dataclass(frozen=True)
class Baseline(InBits):
    """An n-gram's mean cross-entropy, and the characters of its longest grams."""

    nats_per_char: float
    order: int
    smoothing: str = "kneser-ney"


def baseline(learned: Corpus, scored: Corpus, part: Part) -> Baseline:
    """An n-gram of the training part of `learned`, on the characters of a part of `scored`.

    Its order is the one that, learned from the first nine tenths of the training part, is best on
    the rest. Raises DataError where the training part is empty or too long for the memory.
    """
    K, rows = learned.vocabulary.K, learned.rows["train"]
    characters = int((rows[:, 1] - rows[:, 0]).sum())
    if not learned.characters("train"):
        raise DataError("the text has no train part for the n-gram baseline to learn from")
    _require_memory(characters)
    kernels = fastest_counting() if characters >= WORTH_COMPILED else NUMPY_COUNTING
    order = _best_order(learned, rows, K, kernels)
    trie = fit(*learned.sequences(rows), K, order, kernels, inf)
    return Baseline(float(_means(trie, [order], scored, scored.rows[part], kernels)[0]), order)


def _require_memory(characters: int) -> None:
    available = memory.total()
    if available is not None and characters * BYTES > available:
        raise DataError(
            f"the n-gram baseline of {characters:,} characters needs "
            f"{characters * BYTES / 2**30:,.1f} GiB, more than this machine has",
            then=f"leave out {argument('baseline')}, or compare with a model of a shorter text",
        )


def _best_order(corpus: Corpus, rows: Rows, K: int, kernels: CountingKernels) -> int:
    first, last = _cut(corpus, rows)
    rises = rising(*corpus.sequences(first), K, HIGHEST, kernels)
    tries = counted(rises, "n-gram baseline: choosing its order", HIGHEST)
    means = np.array([_means(trie, [trie.order], corpus, last, kernels)[0] for trie in tries])
    return lowest_order(range(1, HIGHEST + 1), means)


def _cut(corpus: Corpus, rows: Rows) -> tuple[Rows, Rows]:
    """The training part without its last tenth, and that: of its sequences, or characters."""
    if corpus.boundary is not None:
        cut = len(rows) - max(len(rows) // HELD_OUT, 1)
        return (rows[:cut], rows[cut:]) if cut else (rows, rows)
    ends = np.cumsum(rows[:, 1] - rows[:, 0])
    cut = int(ends[-1]) - max(int(ends[-1]) // HELD_OUT, 1)
    row = int(np.searchsorted(ends, cut, side="right"))
    first, last = rows[: row + 1].copy(), rows[row:].copy()
    first[-1, 1] = last[0, 0] = rows[row, 1] - (ends[row] - cut)
    return first, last


def _means(
    trie: Trie, orders: Sequence[int], corpus: Corpus, rows: Rows, kernels: CountingKernels
) -> NDArray[Any]:
    """Mean nats by each order of what rows predict; a stretch of a stream has context before it."""
    if corpus.boundary is not None:
        return np.asarray(kernels.order_losses(trie, orders, *corpus.sequences(rows), 0))
    means, counts = [], []
    for start, stop in rows[rows[:, 1] > np.maximum(rows[:, 0], 1)].tolist():
        begin = max(start - HIGHEST, 0)
        text = corpus.sequences(np.array([[begin, stop]]))
        means.append(kernels.order_losses(trie, orders, *text, start - begin))
        counts.append(stop - max(start, 1))
    return np.asarray(means[0]) if len(means) == 1 else np.average(means, axis=0, weights=counts)


def verdict(nats_per_char: float, other: Baseline) -> str:
    """Which of the two is better, and by how much, in a sentence."""
    gain = other.nats_per_char - nats_per_char
    if gain > 0:
        return f"the network is better than the n-gram by {gain:.4f} nats per character"
    return f"the n-gram is better than the network by {-gain:.4f} nats per character"


@dataclass(frozen=True)
class HMMBaseline(InBits):
    """A hidden Markov model's mean cross-entropy, its states, and its free parameters."""

    nats_per_char: float
    states: int
    parameters: int


def hmm_baseline(
    learned: Corpus, scored: Corpus, part: Part, states: int, seed: int
) -> HMMBaseline:
    """Learned from the training part of `learned` by Baum-Welch; scores a part of `scored`.

    Of a stream α enters the part from up to 512 characters before it, as the network's state
    does; each sequence starts with π. Raises DataError where there is nothing to learn from.
    """
    if not learned.characters("train"):
        raise DataError("the text has no train part for the hidden Markov model to learn from")
    ids, lengths = learned.sequences(learned.rows["train"])
    model = hmm.fit(ids, lengths, states, learned.vocabulary.K, seed=seed)
    nats = (_stream if scored.boundary is None else _whole)(model, scored, part)
    return HMMBaseline(float(nats.mean()), states, model.parameters)


def _stream(model: hmm.HMM, corpus: Corpus, part: Part) -> NDArray[np.float64]:
    found = []
    for start, stop in corpus.rows[part].tolist():
        begin = max(start - WARMUP, 0)
        nats, _ = hmm.losses(model, np.asarray(corpus.ids[begin:stop]).astype(np.int64))
        found.append(nats[max(start, 1) - begin :])
    return np.concatenate(found)


def _whole(model: hmm.HMM, corpus: Corpus, part: Part) -> NDArray[np.float64]:
    """Without each sequence's first id, the boundary before it, which is context only."""
    found = []
    for rows in hmm.batched(*corpus.sequences(corpus.rows[part]), len(model.start)):
        _, c = hmm.forward(model, rows)
        inside = rows.inside
        inside[0] = False
        found.append(-np.log(c[inside]))
    return np.concatenate(found)
