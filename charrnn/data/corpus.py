"""A text as ids, in its three parts."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from charrnn.config.schema import DataConfig
from charrnn.data.files import BOUNDARY as BOUNDARY
from charrnn.data.files import named
from charrnn.data.mapped_ids import MappedIds
from charrnn.data.sources import Ids, Source, open_source
from charrnn.data.vocabulary import UNKNOWN, Vocabulary
from charrnn.errors import DataError

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")


@dataclass(frozen=True)
class Corpus:
    """`ids` (N,) and, for each part, where it lies.

    Stream mode: `bounds` are character offsets, the text in its own order. Lines mode: `ids`
    holds the lines one after another, each with the boundary symbol on both sides, and
    `lines[part]` are (start, stop) rows into it; a line's targets are ids[start+1 : stop].
    `notices`: what the user should know about how the text was read.
    """

    vocabulary: Vocabulary
    ids: Ids
    bounds: dict[Part, tuple[int, int]]
    lines: dict[Part, NDArray[np.int64]] | None
    sha256: str
    notices: tuple[str, ...] = ()

    @property
    def ids_file(self) -> Path | None:
        """Where the ids are, if not in memory."""
        return self.ids.path if isinstance(self.ids, MappedIds) else None

    def part(self, name: Part) -> Ids:
        """The ids of one part (stream mode)."""
        start, stop = self.bounds[name]
        return self.ids[start:stop]

    @property
    def text_characters(self) -> int:
        """How many characters the whole text has, in the vocabulary's unit."""
        return len(self.ids) - (self.lines is not None)

    def rows(self, name: Part) -> NDArray[np.int64]:
        """(start, stop) of a part's sequences: of its lines, or the whole part."""
        return self.lines[name] if self.lines is not None else np.array([self.bounds[name]])

    def sequences(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The ids of some rows one after another, in memory, and how many each has."""
        if len(rows) == 1:
            start, stop = rows[0].tolist()
            return np.asarray(self.ids[start:stop]), np.array([stop - start])
        lengths = rows[:, 1] - rows[:, 0]
        offsets = np.cumsum(lengths) - lengths
        at = np.arange(int(lengths.sum())) + np.repeat(rows[:, 0] - offsets, lengths)
        return np.asarray(self.ids[at]), lengths

    def characters(self, name: Part) -> int:
        """How many characters of a part are predicted."""
        if self.lines is not None:
            rows = self.lines[name]
            return int((rows[:, 1] - rows[:, 0] - 1).sum())
        start, stop = self.bounds[name]
        return max(stop - start - (start == 0), 0)


def load_corpus(
    config: DataConfig, vocabulary: Vocabulary | None = None, *, extend: bool = False
) -> Corpus:
    """Read, encode and split the text; the vocabulary is the text's own unless one is given.

    `extend`: add to a given one what the text has besides, instead of refusing it.
    """
    source = open_source(config)
    if vocabulary is None:
        vocabulary = _vocabulary_of(source, config)
    elif extend:
        vocabulary = vocabulary.extended(source.symbols)
    where = named(config.text)
    if config.mode == "lines" and BOUNDARY not in vocabulary:
        raise DataError("the text has no line end, and data.mode is lines", where=where)
    ids, notices = source.encode(vocabulary)
    lines = None
    bounds: dict[Part, tuple[int, int]] = dict.fromkeys(PARTS, (0, 0))
    if config.mode == "lines":
        lines = _line_rows(config, ids, vocabulary.id(BOUNDARY), where)
    elif len(ids) < 2:
        raise DataError("the text is too short: two characters are the least", where=where)
    else:
        bounds = dict(zip(PARTS, pairwise(_part_bounds(len(ids), config.split)), strict=True))
    corpus = Corpus(vocabulary, ids, bounds, lines, source.sha256, tuple(notices))
    return _require_parts(corpus, config, where)


def symbols_of(config: DataConfig) -> str:
    """The distinct characters of the text."""
    return open_source(config).symbols


def vocabulary_of(config: DataConfig) -> Vocabulary:
    """What a model of the text would read."""
    return _vocabulary_of(open_source(config), config)


def _vocabulary_of(source: Source, config: DataConfig) -> Vocabulary:
    """The distinct characters, and one symbol for all that are rarer than data.min_count."""
    if config.min_count == 1:
        return Vocabulary.of(source.symbols, config.unit)
    count = source.counts()
    kept = {c for c in source.symbols if c == BOUNDARY or count[ord(c)] >= config.min_count}
    if len(kept) == len(source.symbols) and UNKNOWN not in kept:
        return Vocabulary.of(source.symbols, config.unit)
    return Vocabulary(sorted(kept | {UNKNOWN}), config.unit, UNKNOWN)


def _part_bounds(n: int, split: tuple[float, float, float]) -> list[int]:
    """The bounds of the three parts of n things; the last part with a share takes the remainder."""
    train = int(n * split[0] + 1e-9)
    val = int(n * (split[0] + split[1]) + 1e-9)
    if split[2] == 0:
        val = n
    if split[1] == 0:
        train = val = n if split[2] == 0 else train
    return [0, train, val, n]


def _line_rows(
    config: DataConfig, ids: Ids, boundary: int, where: str
) -> dict[Part, NDArray[np.int64]]:
    # The boundary that ends one line is the one that begins the next.
    at = ids.positions(boundary) if isinstance(ids, MappedIds) else np.flatnonzero(ids == boundary)
    rows = np.stack([at[:-1], at[1:] + 1], axis=1)
    rows = rows[rows[:, 1] - rows[:, 0] > 2]
    if not len(rows):
        raise DataError("every line is empty", where=where)
    order = np.random.default_rng([config.split_seed, len(rows)]).permutation(len(rows))
    bounds_of_parts = _part_bounds(len(rows), config.split)
    return {
        part: rows[order[a:b]]
        for part, (a, b) in zip(PARTS, pairwise(bounds_of_parts), strict=True)
    }


def _require_parts(corpus: Corpus, config: DataConfig, where: str) -> Corpus:
    for part, share in zip(PARTS, config.split, strict=True):
        if share and not corpus.characters(part):
            raise DataError(
                f"too short for data.split: the {part} part ({share:g} of it) is empty",
                where=where,
                then="use a longer text, or set data.split, for example to [1, 0, 0]",
            )
    return corpus
