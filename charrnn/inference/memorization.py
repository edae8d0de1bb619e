"""Whether a sample stands in the training text, and the longest span that is copied from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from charrnn.data.corpus import Corpus


@dataclass(frozen=True)
class Copied:
    """A sample or a sequence of one, whether all of it is in the training text, and what of it."""

    text: str
    known: bool
    span: str


class TrainingText:
    """The training part of a corpus, to look things up in."""

    def __init__(self, corpus: Corpus) -> None:
        points = np.array([ord(symbol) for symbol in corpus.vocabulary.symbols], np.uint32)
        parts = [
            points[corpus.ids[np.arange(start, stop)]]
            .tobytes()
            .decode("utf-32-le", "surrogatepass")
            for start, stop in corpus.rows["train"]
        ]
        self._boundary = boundary = corpus.layout.boundary
        self._whole = set() if boundary is None else {part.strip(boundary) for part in parts}
        self._text = "".join(parts)

    def has(self, sequence: str) -> bool:
        """Whether a sequence, such as a line, without its boundary, is one of them."""
        return sequence in self._whole

    def look_up(self, sample: str) -> list[Copied]:
        """The sample as a whole or, of a model of sequences, each: is it one to train on?"""
        if self._boundary is None:
            return [self._copied(sample, known=sample in self._text)]
        found = [sequence for sequence in sample.split(self._boundary) if sequence]
        return [self._copied(sequence, known=self.has(sequence)) for sequence in found]

    def _copied(self, text: str, *, known: bool) -> Copied:
        return Copied(text, known, text if known else self.longest_copied(text))

    def longest_copied(self, sample: str) -> str:
        """The longest part of `sample` that stands in the training text, the first of equals."""
        begin = length = 0
        for start in range(len(sample)):
            while start + length < len(sample) and sample[start : start + length + 1] in self._text:
                begin, length = start, length + 1
        return sample[begin : begin + length]
