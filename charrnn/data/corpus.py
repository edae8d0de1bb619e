"""A text as ids, in its three parts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from charrnn.config.schema import DataConfig
from charrnn.data.texts import find_files, read_text
from charrnn.errors import DataError
from charrnn.text import Vocabulary

Ids = NDArray[np.int32]
Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")
BOUNDARY = "\n"


@dataclass(frozen=True)
class Corpus:
    """`ids` (N,) and, for each part, where it lies.

    Stream mode: `bounds` are character offsets, the text in its own order. Lines mode: `ids`
    holds the lines one after another, each with the boundary symbol on both sides, and
    `lines[part]` are (start, stop) rows into it; a line's targets are ids[start+1 : stop].
    """

    vocabulary: Vocabulary
    ids: Ids
    bounds: dict[Part, tuple[int, int]]
    lines: dict[Part, NDArray[np.int64]] | None
    sha256: str

    def part(self, name: Part) -> Ids:
        """The ids of one part (stream mode)."""
        start, stop = self.bounds[name]
        return self.ids[start:stop]

    def characters(self, name: Part) -> int:
        """How many characters of a part are predicted."""
        if self.lines is not None:
            rows = self.lines[name]
            return int((rows[:, 1] - rows[:, 0] - 1).sum())
        start, stop = self.bounds[name]
        return max(stop - start - (start == 0), 0)


def load_text(config: DataConfig) -> str:
    """All files as one text; in lines mode a file that ends in mid-line is given its line end."""
    texts = [read_text(path, config.unit, config.encoding) for path in find_files(config.text)]
    if config.mode == "lines":
        texts = [t if t.endswith(BOUNDARY) or not t else t + BOUNDARY for t in texts]
    text = "".join(texts)
    if not text:
        raise DataError("the text is empty", where=", ".join(config.text))
    return text


def load_corpus(
    config: DataConfig, vocabulary: Vocabulary | None = None, *, extend: bool = False
) -> Corpus:
    """Read, encode and split the text; the vocabulary is the text's own unless one is given.

    `extend`: add to a given one what the text has besides, instead of refusing it.
    """
    text = load_text(config)
    if vocabulary is None:
        vocabulary = Vocabulary.of(text, config.unit)
    elif extend:
        vocabulary = vocabulary.extended(text)
    where = ", ".join(config.text)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    ids = vocabulary.encode(text, config.on_unknown, where)
    if config.mode == "lines":
        return _lines(config, vocabulary, ids, digest, where)
    if len(ids) < 2:
        raise DataError("the text is too short: two characters are the least", where=where)
    cuts = _cuts(len(ids), config.split)
    bounds = dict(zip(PARTS, pairwise(cuts), strict=True))
    corpus = Corpus(vocabulary, ids, bounds, None, digest)
    return _not_empty(corpus, config, where)


def _cuts(n: int, split: tuple[float, float, float]) -> list[int]:
    """Where n things are cut in three; the last part with a share takes what rounding leaves."""
    train = int(n * split[0] + 1e-9)
    val = int(n * (split[0] + split[1]) + 1e-9)
    if split[2] == 0:
        val = n
    if split[1] == 0:
        train = val = n if split[2] == 0 else train
    return [0, train, val, n]


def _lines(config: DataConfig, vocabulary: Vocabulary, ids: Ids, digest: str, where: str) -> Corpus:
    if BOUNDARY not in vocabulary:
        raise DataError("the text has no line end, and data.mode is lines", where=where)
    boundary = vocabulary.id(BOUNDARY)
    # The boundary that ends one line is the one that begins the next.
    ids = np.concatenate([np.array([boundary], np.int32), ids])
    at = np.flatnonzero(ids == boundary)
    rows = np.stack([at[:-1], at[1:] + 1], axis=1)
    rows = rows[rows[:, 1] - rows[:, 0] > 2]
    if not len(rows):
        raise DataError("every line is empty", where=where)
    order = np.random.default_rng([config.split_seed, len(rows)]).permutation(len(rows))
    cuts = _cuts(len(rows), config.split)
    lines = {part: rows[order[a:b]] for part, (a, b) in zip(PARTS, pairwise(cuts), strict=True)}
    bounds: dict[Part, tuple[int, int]] = dict.fromkeys(PARTS, (0, 0))
    return _not_empty(Corpus(vocabulary, ids, bounds, lines, digest), config, where)


def _not_empty(corpus: Corpus, config: DataConfig, where: str) -> Corpus:
    for part, share in zip(PARTS, config.split, strict=True):
        if share and not corpus.characters(part):
            raise DataError(
                f"too short for data.split: the {part} part ({share:g} of it) is empty",
                where=where,
                then="use a longer text, or set data.split, for example to [1, 0, 0]",
            )
    return corpus
