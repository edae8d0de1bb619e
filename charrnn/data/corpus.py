"""A text as ids, in its three parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from charrnn.config.schema import RECORD_END, DataConfig
from charrnn.data.files import named
from charrnn.data.layout import Layout, has_record_end, layout_of
from charrnn.data.mapped_ids import MappedIds
from charrnn.data.sources import Ids, Source, open_source
from charrnn.data.vocabulary import LINE_END, UNKNOWN, Vocabulary
from charrnn.errors import DataError, settings

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")
Rows = NDArray[np.int64]
# data.split_by: blocks. At most so many, and of so many characters where there are enough.
BLOCKS, FEWEST_BLOCKS, SHORTEST_BLOCK = 100, 10, 500


@dataclass(frozen=True)
class Corpus:
    """`ids` (N,) and, for each part, where it lies: `rows[part]` are (start, stop) into it.

    Of a stream a row is a stretch of the text, in its own order, and a part has one, or, split in
    blocks, several. Of sequences, which `boundary` tells, `ids` holds them one after another, each
    with the id `boundary` on both sides, and a row is one of them with both: its targets are
    ids[start+1 : stop]. `notices`: what the user should know about how the text was read.
    """

    vocabulary: Vocabulary
    ids: Ids
    rows: dict[Part, Rows]
    layout: Layout
    sha256: str
    notices: tuple[str, ...] = ()

    @property
    def boundary(self) -> int | None:
        """The id that ends a sequence; None of a stream."""
        return self.layout.boundary_id(self.vocabulary)

    @property
    def ids_file(self) -> Path | None:
        """Where the ids are, if not in memory."""
        return self.ids.path if isinstance(self.ids, MappedIds) else None

    def part(self, name: Part) -> Ids:
        """The ids of one part, its rows one after another."""
        rows = self.rows[name]
        if len(rows) == 1:
            return self.ids[int(rows[0, 0]) : int(rows[0, 1])]
        return self.sequences(rows)[0]

    def sequences(self, rows: Rows) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The ids of some rows one after another, in memory, and how many each has."""
        if len(rows) == 1:
            start, stop = rows[0].tolist()
            return np.asarray(self.ids[start:stop]), np.array([stop - start])
        lengths = rows[:, 1] - rows[:, 0]
        offsets = np.cumsum(lengths) - lengths
        at = np.arange(int(lengths.sum())) + np.repeat(rows[:, 0] - offsets, lengths)
        return np.asarray(self.ids[at]), lengths

    def predicting(self, name: Part) -> Iterator[tuple[int, int]]:
        """Of each row the inputs start … stop - 1 that predict it: each the one before a target.

        The first character of a stream has none before it, and is predicted by nothing.
        """
        for start, stop in self.rows[name].tolist():
            first = start if self.boundary is not None else max(start, 1) - 1
            if first < stop - 1:
                yield first, stop - 1

    @property
    def text_characters(self) -> int:
        """How many characters the whole text has, in the vocabulary's unit."""
        return len(self.ids) - (self.boundary is not None)

    def characters(self, name: Part) -> int:
        """How many characters of a part are predicted."""
        rows = self.rows[name]
        before = rows[:, 0] + 1 if self.boundary is not None else np.maximum(rows[:, 0], 1)
        return int(np.maximum(rows[:, 1] - before, 0).sum())


def load_corpus(
    config: DataConfig, vocabulary: Vocabulary | None = None, *, extend: bool = False
) -> Corpus:
    """Read, encode and split the text; the vocabulary is the text's own unless one is given.

    `extend`: add to a given one what the text has besides, instead of refusing it.
    """
    source, layout, where = open_source(config), layout_of(config), named(config.text)
    if vocabulary is None:
        vocabulary = _vocabulary_of(source, config)
    elif extend:
        vocabulary = vocabulary.extended(source.symbols)
    if layout.boundary is not None and layout.boundary not in vocabulary:
        raise DataError(f"the text has no end of a {layout.name}", where=where)
    if RECORD_END in vocabulary and layout.boundary != RECORD_END:
        raise has_record_end(where)
    ids, notices = source.encode(vocabulary)
    if layout.boundary is not None:
        found = _sequences(ids, vocabulary.id(layout.boundary))
        if not len(found):
            raise DataError(f"every {layout.name} is empty", where=where)
        rows = _shuffled(found, config)
    elif len(ids) < 2:
        raise DataError("the text is too short: two characters are the least", where=where)
    elif config.split_by == "blocks":
        rows = _blocks(len(ids), config)
    else:
        bounds = pairwise(_part_bounds(len(ids), config.split))
        rows = {part: np.array([pair]) for part, pair in zip(PARTS, bounds, strict=True)}
    corpus = Corpus(vocabulary, ids, rows, layout, source.sha256, tuple(notices))
    return _require_parts(corpus, config, source)


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
    ends = (LINE_END, layout_of(config).boundary)
    kept = {c for c in source.symbols if c in ends or count[ord(c)] >= config.min_count}
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


def _sequences(ids: Ids, boundary: int) -> Rows:
    """All sequences that are not empty."""
    # The boundary that ends one is the one that begins the next.
    at = ids.positions(boundary) if isinstance(ids, MappedIds) else np.flatnonzero(ids == boundary)
    rows = np.stack([at[:-1], at[1:] + 1], axis=1)
    return rows[rows[:, 1] - rows[:, 0] > 2]


def _shuffled(rows: Rows, config: DataConfig) -> dict[Part, Rows]:
    """The parts, each of whole rows, in random order."""
    order = np.random.default_rng([config.split_seed, len(rows)]).permutation(len(rows))
    bounds = pairwise(_part_bounds(len(rows), config.split))
    return {part: rows[order[a:b]] for part, (a, b) in zip(PARTS, bounds, strict=True)}


def _blocks(n: int, config: DataConfig) -> dict[Part, Rows]:
    """The parts of n characters, each of whole blocks of about one length, in the text's order.

    Blocks side by side in one part are one stretch.
    """
    count = min(max(min(n // SHORTEST_BLOCK, BLOCKS), FEWEST_BLOCKS), n)
    bounds = np.linspace(0, n, count + 1).astype(np.int64)
    parts = _shuffled(np.stack([bounds[:-1], bounds[1:]], axis=1), config)
    return {part: _joined(rows[np.argsort(rows[:, 0])]) for part, rows in parts.items()}


def _joined(rows: Rows) -> Rows:
    if not len(rows):
        return np.zeros((1, 2), np.int64)
    apart = np.flatnonzero(rows[1:, 0] != rows[:-1, 1])
    first, last = np.append(0, apart + 1), np.append(apart, len(rows) - 1)
    return np.stack([rows[first, 0], rows[last, 1]], axis=1)


def _require_parts(corpus: Corpus, config: DataConfig, source: Source) -> Corpus:
    for part, share in zip(PARTS, config.split, strict=True):
        if share and not corpus.characters(part):
            what, then = _too_short(corpus, config, source)
            raise DataError(
                what or f"too short for data.split: the {part} part ({share:g} of it) is empty",
                where=named(config.text), then=then,
            )  # fmt: skip
    return corpus


def _too_short(corpus: Corpus, config: DataConfig, source: Source) -> tuple[str, str]:
    """What else than its length may be wrong with a text that is too short to be split."""
    layout, count = corpus.layout, sum(map(len, corpus.rows.values()))
    if layout.boundary is not None and count <= source.texts:
        one = f"{count} {layout.name if count == 1 else layout.plural}"
        if "\r" in source.symbols and not layout.lf:
            return (
                f"the text is {one}: its line ends are carriage returns (CR), which are read as "
                "characters",
                f"to read CR and CR LF as line ends: {settings({'data.newlines': 'lf'})}",
            )
        if config.mode == "records" and config.separator != "file":
            what = "blank line" if config.separator == "blank" else repr(config.separator)
            return (
                f"the text is {one}: no {what} separates any in it",
                "name what stands between records: "
                f"{settings({'data.separator': '---'})}, for example, or blank for empty lines, or "
                "file where each file is a record",
            )
    return "", "use a longer text, or set data.split, for example to [1, 0, 0]"
