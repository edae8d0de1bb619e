"""What is in a text: counted in one pass, in little memory.

A file is read in chunks and decoded as it goes; what is kept is one count a code point, one hash
a distinct line, and the place where each character stands first. "\\n" ends a line, as in
`data.mode: lines`.
"""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from math import log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from charrnn.config.rules import text_codec
from charrnn.data.encodings import marked_encoding
from charrnn.data.file_kinds import Unpacked, require_text
from charrnn.data.files import MARK, open_again, open_text, require_mark, undecodable
from charrnn.data.text_statistics import LineCounter
from charrnn.data.vocabulary import code_points
from charrnn.errors import DataError

CHUNK = 1 << 20  # bytes


@dataclass(frozen=True)
class Place:
    """Where a character stands: line and column, both from 1."""

    file: str
    line: int
    column: int


@dataclass
class Survey:
    """The facts of one text, or of several together. Entropy in nats per character."""

    files: list[str]
    encodings: list[str]
    bom: bool = False
    gzip: bool = False
    bytes: int = 0
    characters: int = 0
    crlf: int = 0
    cr: int = 0
    nfc: bool = True
    count: dict[int, int] = field(default_factory=dict)
    first: dict[int, Place] = field(default_factory=dict)
    lines: LineCounter = field(default_factory=LineCounter)
    longest_in: str = ""
    indented: int = 0  # lines that begin with a space or a tab
    headers: int = 0  # lines that begin with >

    @property
    def K(self) -> int:
        return len(self.count)

    def with_min_count(self, least: int) -> tuple[int, float]:
        """K, and the share of the text that is unknown, with data.min_count at `least`."""
        rare = [n for point, n in self.count.items() if n < least and point != ord("\n")]
        return self.K - len(rare) + bool(rare), sum(rare) / max(self.characters, 1)

    @property
    def lf(self) -> int:
        """Line feeds that no carriage return stands before."""
        return self.count.get(10, 0) - self.crlf

    @property
    def unigram_entropy(self) -> float:
        """The loss of predicting by frequency alone, in nats per character."""
        total = sum(self.count.values())
        return sum(n / total * log(total / n) for n in self.count.values())


def survey(
    path: Path, encoding: str | None = None, done: Callable[[float], object] = lambda count: None,
    *, keep: bool = False,
) -> Survey:  # fmt: skip
    """Read one file ("-": stdin). Its encoding is the given one, else its mark's, else UTF-8.

    `done` is told of the bytes read. `keep`: what stdin has is kept, to be read again. Raises
    DataError where it cannot be read, or is not in that encoding.
    """
    with open_again(path) if keep else open_text(path) as file:
        data = file.read(CHUNK)
        marked = marked_encoding(data)
        name = encoding or marked or "utf-8"
        require_text(path, data)
        require_mark(path, data, text_codec(name).name)
        facts = Survey([str(path)], [name], bom=marked is not None, longest_in=str(path))
        facts.gzip = isinstance(file, Unpacked)
        scan = _Scan(facts)
        decoder = codecs.getincrementaldecoder(name)()
        while True:
            following = file.read(CHUNK) if data else b""
            scan.facts.bytes += len(data)
            done(len(data))
            try:
                text = decoder.decode(data, final=not following)
            except UnicodeDecodeError as error:
                offset = scan.facts.bytes - len(error.object) + error.start
                raise undecodable(path, error.object, name, error.start, offset) from None
            except UnicodeError as error:
                raise DataError(f"not {name}: {error}", where=str(path)) from None
            scan.take(text, final=not following)
            if not following:
                return scan.done()
            data = following


def together(surveys: list[Survey]) -> Survey:
    """Several texts as one; the last line of each is taken to end with it."""
    whole = Survey([], [])
    for part in surveys:
        whole.files += part.files
        whole.encodings += [e for e in part.encodings if e not in whole.encodings]
        whole.bom |= part.bom
        whole.gzip |= part.gzip
        whole.indented += part.indented
        whole.headers += part.headers
        whole.bytes += part.bytes
        whole.characters += part.characters
        whole.crlf += part.crlf
        whole.cr += part.cr
        whole.nfc &= part.nfc
        for point, n in part.count.items():
            whole.count[point] = whole.count.get(point, 0) + n
            whole.first.setdefault(point, part.first[point])
        if part.lines.longest > whole.lines.longest:
            whole.longest_in = part.longest_in
        whole.lines.add(part.lines)
    return whole


class _Scan:
    """Counts chunk by chunk into `facts`."""

    def __init__(self, facts: Survey) -> None:
        self.facts = facts
        self._counts = np.zeros(128, np.int64)  # as long as the largest code point so far needs
        self._held = ""  # a carriage return whose line feed may come with the next chunk
        self._before = ""  # the last character, for the next to combine with
        self._began = False

    def take(self, text: str, *, final: bool) -> None:
        if not self._began and text:
            text, self._began = text.removeprefix(MARK), True
        text, self._held = self._held + text, ""
        if text.endswith("\r") and not final:
            text, self._held = text[:-1], "\r"
        if not text:
            return
        facts = self.facts
        facts.characters += len(text)
        crlf = text.count("\r\n")
        facts.crlf += crlf
        facts.cr += text.count("\r") - crlf
        if not text.isascii():
            facts.nfc = facts.nfc and unicodedata.is_normalized("NFC", self._before + text)
        self._before = text[-1]
        points = _points(text)
        ends = np.flatnonzero(points == 10)
        self._count(points, ends)
        starts = ends[ends < len(points) - 1] + 1
        if not facts.lines.open:
            starts = np.append(0, starts)
        first = points[starts]
        facts.indented += int(((first == ord(" ")) | (first == ord("\t"))).sum())
        facts.headers += int((first == ord(">")).sum())
        facts.lines.take(text, points, ends)

    def _count(self, points: NDArray[np.integer], ends: NDArray[np.int64]) -> None:
        found = np.bincount(points)
        if len(found) > len(self._counts):
            self._counts = np.append(self._counts, np.zeros(len(found) - len(self._counts), int))
        here = np.flatnonzero(found)
        new = here[self._counts[here] == 0]
        if len(new):
            self._place(points, ends, new)
        self._counts[: len(found)] += found

    def _place(
        self, points: NDArray[np.integer], ends: NDArray[np.int64], new: NDArray[np.int64]
    ) -> None:
        wanted = np.zeros(len(self._counts), bool)
        wanted[new] = True
        candidates = np.flatnonzero(wanted[points])
        distinct, index = np.unique(points[candidates], return_index=True)
        lines, name = self.facts.lines, self.facts.files[0]
        for point, at in zip(distinct.tolist(), candidates[index].tolist(), strict=True):
            above = int(np.searchsorted(ends, at))
            column = at - int(ends[above - 1]) if above else lines.open + at + 1
            self.facts.first[point] = Place(name, lines.ended + above + 1, column)

    def done(self) -> Survey:
        here = np.flatnonzero(self._counts)
        self.facts.count = dict(zip(here.tolist(), self._counts[here].tolist(), strict=True))
        self.facts.lines.finish()
        return self.facts


def _points(text: str) -> NDArray[np.integer]:
    return np.frombuffer(text.encode(), np.uint8) if text.isascii() else code_points(text)
