"""Whether a sample stands in the training text, and the longest span that is copied from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from charrnn.data.corpus import BOUNDARY, Corpus


@dataclass(frozen=True)
class Copied:
    """A sample or a line of one, whether all of it is in the training text, and what of it is."""

    text: str
    known: bool
    span: str


class TrainingText:
    """The training part of a corpus, to look things up in."""

    def __init__(self, corpus: Corpus) -> None:
        points = np.array([ord(symbol) for symbol in corpus.vocabulary.symbols], np.uint32)
        rows = [corpus.bounds["train"]] if corpus.lines is None else corpus.lines["train"]
        parts = [
            points[corpus.ids[np.arange(start, stop)]]
            .tobytes()
            .decode("utf-32-le", "surrogatepass")
            for start, stop in rows
        ]
        self._lines = None if corpus.lines is None else {part.strip(BOUNDARY) for part in parts}
        self._text = "".join(parts)

    def look_up(self, sample: str) -> list[Copied]:
        """The sample as a whole or, of a model of lines, each line: is it a training line?"""
        if self._lines is None:
            return [self._copied(sample, known=sample in self._text)]
        lines = [line for line in sample.split(BOUNDARY) if line]
        return [self._copied(line, known=line in self._lines) for line in lines]

    def _copied(self, text: str, *, known: bool) -> Copied:
        return Copied(text, known, text if known else self.longest_copied(text))

    def longest_copied(self, sample: str) -> str:
        """The longest part of `sample` that stands in the training text, the first of equals."""
        begin = length = 0
        for start in range(len(sample)):
            while start + length < len(sample) and sample[start : start + length + 1] in self._text:
                begin, length = start, length + 1
        return sample[begin : begin + length]
