"""How a text is laid out: one stream, or sequences that each begin from a zero state.

A sequence ends with a boundary, which also stands before the first. That of a line is its "\\n", a
symbol of the text. A record may have any lines, so that its end is a symbol of its own, which no
text holds; what separates records in the files, and line ends before and after them, is no part of
any. Nothing else asks which of the three a text is: a stream is what has no boundary.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.config.schema import RECORD_END, DataConfig
from charrnn.data.vocabulary import Vocabulary
from charrnn.errors import DataError, settings

LINE_END = "\n"
BLANKS, LINE_ENDS = " \t\r\n", "\r\n"
MAX_RECORD = 10**8  # characters, of a record that is scored
SEPARATES, COUNTS, ENDS = 0, 1, 2  # what a character of a text to score is

Places = NDArray[np.int8]


def has_record_end(where: str) -> DataError:
    """Of a text that holds the symbol which no text may, of whatever layout."""
    return DataError(
        "the text has U+FDD0, which stands for the end of a record here and is no character of any "
        "writing", where=where, then="leave it out of the text",
    )  # fmt: skip


class Layout:
    """A stream: all files are one text. `name`: what each sequence is called, "" of a stream.

    `boundary`: the symbol that ends a sequence, None of a stream; `written`: what is written for
    it. `lf`: CR LF and CR are read as LF. `key` tells layouts apart.
    """

    name = ""
    boundary: str | None = None
    written = ""

    def __init__(self, key: str, *, lf: bool = False) -> None:
        self.key, self.lf = (f"{key} lf" if lf else key), lf

    @property
    def plural(self) -> str:
        """Several of what is read side by side."""
        return f"{self.name}s" if self.name else "streams"

    def first_id(self, vocabulary: Vocabulary) -> int:
        """What a text without a prime begins after: a boundary, a line end, or the first symbol."""
        start = self.boundary or LINE_END
        return vocabulary.id(start) if start in vocabulary else 0

    def boundary_id(self, vocabulary: Vocabulary) -> int | None:
        """The id of the boundary, None of a stream. Raises KeyError where it is not there."""
        return None if self.boundary is None else vocabulary.id(self.boundary)

    def framed(self, files: Iterable[Iterable[str]], where: str) -> Iterator[str]:
        """Files, each in pieces, as the one text that is learned from, with all boundaries.

        The first piece is the boundary before the first sequence, if there is any. Raises DataError
        naming `where`.
        """
        for file in files:
            yield from self._read(file)

    def whole(self, pieces: Iterable[str], where: str, *, closed: bool = True) -> Iterator[str]:
        """A text to score, in pieces that end where sequences do; `closed`: so does the last."""
        return self._read(pieces)

    def notices(self) -> list[str]:
        """What the user should know of the texts that were framed."""
        return []

    def places(self, text: str) -> Places | None:
        """What each character of a piece of `whole` is: SEPARATES, COUNTS or ENDS; None: all count,
        or end a sequence by being its boundary.
        """
        return None

    def symbols(self, text: str, where: str) -> str:
        """The beginning of a text, such as a prime, in the symbols that are learned."""
        return "".join(self._read([text]))

    def shown(self, symbols: str) -> str:
        """A text for people of what was sampled."""
        return symbols

    def _read(self, pieces: Iterable[str]) -> Iterator[str]:
        return _with_lf(pieces) if self.lf else iter(pieces)


class Lines(Layout):
    """Each line is a sequence. A file that ends in mid-line is given its line end."""

    name, boundary, written = "line", LINE_END, LINE_END

    def framed(self, files: Iterable[Iterable[str]], where: str) -> Iterator[str]:
        yield LINE_END
        for file in files:
            last = ""
            for text in self._read(file):
                yield text
                last = text[-1:] or last
            if last not in ("", LINE_END):
                yield LINE_END

    def whole(self, pieces: Iterable[str], where: str, *, closed: bool = True) -> Iterator[str]:
        return whole_lines(self._read(pieces), closed=closed)


class Separator(NamedTuple):
    """`pattern` matches what is between two records: separators, and the line ends around them.

    `edge` separates, and stands before and after each file. `line`: what a separator is a line of,
    None where it may stand anywhere.
    """

    pattern: re.Pattern[str]
    edge: str
    line: str | None

    @classmethod
    def of(cls, text: str) -> Separator:
        """That of `data.separator`: "blank", "file", or a text."""
        text = text.replace("\r\n", LINE_END)
        if text in ("blank", "\n\n"):
            return cls(re.compile(r"(?<!\r)\r*\n(?:[ \t\r]*\n)+"), "\n\n", "")
        if text == "file":
            text = RECORD_END
        inner = text[1:-1]
        if text[0] == text[-1] == LINE_END and inner.strip(BLANKS) and LINE_END not in inner:
            one = re.escape(inner) + r"[ \t\r]*\n"
            again = rf"(?:[ \t\r\n]*(?<=\n){one})*"
            # Only from the first line end of several, so that many are looked at once.
            return cls(re.compile(rf"(?<![\r\n])[\r\n]*\n{one}{again}(?:[\r\n]*\n)?"), text, inner)
        one = re.escape(text)
        pattern = rf"(?<![\r\n])[\r\n]*{one}(?:[ \t\r\n]*{one})*(?:[\r\n]*\n)?"
        return cls(re.compile(pattern), text, None)

    @property
    def before(self) -> str:
        """What stands before a file. A line end is beside it, lest the two make another of them."""
        return self.edge + LINE_END if self.line is None else self.edge

    @property
    def after(self) -> str:
        """What stands after it."""
        return LINE_END + self.edge if self.line is None else self.edge

    def sure(self, text: str) -> int:
        """Up to where no separator in `text` can depend on what follows it."""
        if self.line is None:
            return len(text[: max(len(text) - len(self.edge) + 1, 0)].rstrip(BLANKS))
        begin = text.rfind(LINE_END) + 1
        last = text[begin:].rstrip(BLANKS)
        return len(text[: begin if self.line.startswith(last) else len(text)].rstrip(BLANKS))


class Records(Layout):
    """Each record is a sequence, whatever lines it has; empty ones are left out."""

    name, boundary = "record", RECORD_END

    def __init__(self, separator: str, *, unit: str = "char", lf: bool = False) -> None:
        super().__init__(f"records {separator!r}", lf=lf)
        if unit == "byte":
            separator = separator.encode("utf-8").decode("latin-1")
        self.separator = Separator.of(separator)
        self._alone = self._inside = 0
        edge = self.separator.edge
        alone = edge.isprintable() and LINE_END not in edge
        self.written = f"\n{edge}\n" if alone else edge
        if edge == RECORD_END:
            self.written = "\n\n"

    def framed(self, files: Iterable[Iterable[str]], where: str) -> Iterator[str]:
        yield RECORD_END
        before, after, first = self.separator.before, self.separator.after, True
        self._alone = self._inside = 0
        pieces = chain.from_iterable(
            chain([before], self._own(file, where), [after]) for file in files
        )
        for text, separators in self._sure(pieces):
            parts, end = [], 0
            self._count(text, separators)
            for start, stop in separators:
                parts += [text[end:start], RECORD_END]
                end = stop
            found = "".join([*parts, text[end:]])
            if first and found:  # the boundary before the first record is there already
                found, first = found.removeprefix(RECORD_END), False
            if found:
                yield found

    def notices(self) -> list[str]:
        if not (self._alone and self._inside):
            return []
        edge = self.separator.edge
        line = settings({"data.separator": f'"\\n{edge}\\n"'})
        return [
            f"data.separator {edge!r} also stands inside lines, {self._inside:,} of them, and "
            f"separates there too; to separate only where it is a line of its own: {line}"
        ]

    def _count(self, text: str, separators: list[tuple[int, int]]) -> None:
        """Where separators that may stand anywhere do; the edges of a file are neither."""
        if self.separator.line is None and not self.separator.edge.startswith(LINE_END):
            for start, stop in separators:
                found = text[start:stop]
                self._alone += found[0] in LINE_ENDS and found[-1] in LINE_ENDS
                self._inside += found == self.separator.edge and 0 < start < stop < len(text)

    def whole(self, pieces: Iterable[str], where: str, *, closed: bool = True) -> Iterator[str]:
        held, length = list[str](), 0
        for text, separators in self._sure(self._own(pieces, where)):
            if separators:
                end = separators[-1][1]
                yield "".join([*held, text[:end]])
                held, length, text = [], 0, text[end:]
            held.append(text)
            length += len(text)
            if length > MAX_RECORD:
                raise DataError(
                    f"a record has more than {MAX_RECORD:,} characters", where=where,
                    then="is that what separates records here? See data.separator",
                )  # fmt: skip
        rest = "".join(held)
        if rest:
            yield rest if rest.endswith(LINE_END) or not closed else rest + LINE_END

    def places(self, text: str) -> Places:
        before, after = self.separator.before, self.separator.after
        begin, end = len(before), len(before) + len(text)
        found = np.full(end + len(after), COUNTS, np.int8)
        for match in self.separator.pattern.finditer(before + text + after):
            found[match.start() : match.end()] = SEPARATES
            if match.start() >= begin:
                found[match.start()] = ENDS
        return found[begin:end]

    def symbols(self, text: str, where: str) -> str:
        whole = "".join(self._own([text], where)).lstrip(LINE_ENDS)
        return self.separator.pattern.sub(RECORD_END, whole)

    def shown(self, symbols: str) -> str:
        return symbols.replace(RECORD_END, self.written)

    def _own(self, pieces: Iterable[str], where: str) -> Iterator[str]:
        for piece in self._read(pieces):
            if RECORD_END in piece:
                raise has_record_end(where)
            yield piece

    def _sure(self, pieces: Iterable[str]) -> Iterator[tuple[str, list[tuple[int, int]]]]:
        """The text in parts, and where in each the separators are, which are in one part each."""
        held = ""
        for piece in pieces:
            held += piece
            cut, found = self.separator.sure(held), list[tuple[int, int]]()
            for match in self.separator.pattern.finditer(held):
                if match.end() >= cut:
                    cut = min(cut, match.start())
                    break
                found.append(match.span())
            if cut > 0:
                yield held[:cut], found
                held = held[cut:]
        yield held, [match.span() for match in self.separator.pattern.finditer(held)]


def seen(symbol: str) -> str:
    """A symbol as one character that can be seen: the end of a record is \u241e."""
    return "\u241e" if symbol == RECORD_END else symbol


def layout_of(config: DataConfig) -> Layout:
    """How the text of a configuration is laid out."""
    lf = config.newlines == "lf"
    if config.mode == "records":
        return Records(config.separator, unit=config.unit, lf=lf)
    return Lines("lines", lf=lf) if config.mode == "lines" else Layout("stream", lf=lf)


def whole_lines(pieces: Iterable[str], *, closed: bool) -> Iterator[str]:
    """The same text in pieces that end where lines do; `closed`: the last one is given its end."""
    held: list[str] = []
    for piece in pieces:
        cut = piece.rfind(LINE_END) + 1
        if cut:
            yield "".join([*held, piece[:cut]])
            held = []
        held.append(piece[cut:])
    rest = "".join(held)
    if rest:
        yield rest + LINE_END if closed else rest


def _with_lf(pieces: Iterable[str]) -> Iterator[str]:
    held = ""
    for piece in pieces:
        text = held + piece
        held = "\r" if text.endswith("\r") else ""  # whose LF may come with the next piece
        text = text.removesuffix(held).replace("\r\n", LINE_END).replace("\r", LINE_END)
        if text:
            yield text
    if held:
        yield LINE_END
