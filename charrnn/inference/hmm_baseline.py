"""What a hidden Markov model makes of the same text: a finite-state memory as a second baseline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.data.corpus import Corpus, Part
from charrnn.errors import DataError
from charrnn.inference import hmm
from charrnn.inference.metrics import bits
from charrnn.inference.reader import WARM

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class HMMBaseline:
    """A hidden Markov model's mean cross-entropy, its states, and its free parameters."""

    nats_per_char: float
    states: int
    parameters: int

    @property
    def bits_per_char(self) -> float:
        return bits(self.nats_per_char)


def hmm_baseline(
    learned: Corpus, scored: Corpus, part: Part, states: int, seed: int
) -> HMMBaseline:
    """Learned from the training part of `learned` by Baum-Welch; scores a part of `scored`.

    In stream mode α enters the part from up to 512 characters before it, as the network's state
    does; each line starts with π. Raises DataError where there is nothing to learn from.
    """
    if not learned.characters("train"):
        raise DataError("the text has no train part for the hidden Markov model to learn from")
    ids, lengths = _sequences(learned, "train")
    model = hmm.fit(ids, lengths, states, learned.vocabulary.K, seed=seed)
    nats = _lines(model, scored, part) if scored.lines is not None else _stream(model, scored, part)
    return HMMBaseline(float(nats.mean()), states, model.parameters)


def _sequences(corpus: Corpus, part: Part) -> tuple[Ints, Ints]:
    """The ids of a part's sequences one after another, and their lengths."""
    rows = np.array([corpus.bounds[part]]) if corpus.lines is None else corpus.lines[part]
    ids = np.concatenate([np.asarray(corpus.ids[a:b]) for a, b in rows.tolist()])
    return ids.astype(np.int64), rows[:, 1] - rows[:, 0]


def _stream(model: hmm.HMM, corpus: Corpus, part: Part) -> NDArray[np.float64]:
    start, stop = corpus.bounds[part]
    begin = max(start - WARM, 0)
    nats, _ = hmm.losses(model, np.asarray(corpus.ids[begin:stop]).astype(np.int64))
    return nats[max(start, 1) - begin :]


def _lines(model: hmm.HMM, corpus: Corpus, part: Part) -> NDArray[np.float64]:
    """Without each line's first id, the boundary before it, which is context only."""
    found = []
    for rows in hmm.batched(*_sequences(corpus, part), len(model.start)):
        _, c = hmm.forward(model, rows)
        inside = rows.inside
        inside[0] = False
        found.append(-np.log(c[inside]))
    return np.concatenate(found)
