"""What a model makes of lines and of whole files: sums over their characters."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.data.layout import ENDS, LINE_END, LINE_ENDS, SEPARATES, Layout
from charrnn.data.utf8 import as_text, bytes_of_characters, unfinished
from charrnn.data.vocabulary import Unit, code_points
from charrnn.inference.metrics import bits
from charrnn.inference.scoring import sum_by_owner

Nats = NDArray[np.float64]
Pieces = Iterator[tuple[str, list[Nats]]]  # texts, and each model's nats of their characters


@dataclass(frozen=True)
class Row:
    """A line, a record or a whole file, and for each model the characters that it scored and their
    nats; `line`: its number, from 1, if it is not a file. `bytes`: of models of bytes, how many of
    those they scored.
    """

    file: str
    line: int | None
    text: str | None
    chars: Sequence[int]
    nats: Sequence[float]
    bytes: Sequence[int] | None = None

    def bits(self, model: int) -> float | None:
        """Bits per character; None where no character was scored."""
        return bits(self.nats[model] / self.chars[model]) if self.chars[model] else None

    @property
    def likeliest(self) -> int | None:
        """The model that spends the fewest bits on a character."""
        bits = [
            (b, model) for model in range(len(self.nats)) if (b := self.bits(model)) is not None
        ]
        return min(bits)[1] if bits else None


def line_rows(file: str, pieces: Pieces, unit: Unit = "char") -> Iterator[Row]:
    """A row for each line; pieces, in the models' unit, end where lines do."""
    line = 0
    for text, nats in pieces:
        ends = 1 + np.flatnonzero(code_points(text) == ord(LINE_END))
        starts = np.concatenate([[0], ends[ends < len(text)]])
        scored = [~np.isnan(n) for n in nats]
        sums = [np.add.reduceat(np.nan_to_num(n), starts).tolist() for n in nats]
        counts = [np.add.reduceat(s.astype(int), starts).tolist() for s in scored]
        chars = counts
        if unit == "byte":
            begins = _begins(text)
            chars = [np.add.reduceat((s & begins).astype(int), starts).tolist() for s in scored]
        for i, shown in enumerate(text.removesuffix(LINE_END).split(LINE_END)):
            line += 1
            yield Row(
                file, line, as_text(shown, unit), [c[i] for c in chars], [s[i] for s in sums],
                [c[i] for c in counts] if unit == "byte" else None,
            )  # fmt: skip


def sequence_rows(file: str, pieces: Pieces, layout: Layout, unit: Unit = "char") -> Iterator[Row]:
    """A row for each record, or whatever the layout's sequences are; pieces end where they do."""
    number = 0
    for text, nats in pieces:
        places = layout.places(text)
        if places is None:
            places = np.ones(len(text), np.int8)
            places[code_points(text) == ord(layout.boundary or LINE_END)] = ENDS
        ends = 1 + np.flatnonzero(places == ENDS)
        starts = np.concatenate([[0], ends[ends < len(text)]])
        begins = _begins(text) if unit == "byte" else np.ones(len(text), np.bool_)
        for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(text)], strict=True):
            used = np.flatnonzero(places[start:stop] != SEPARATES)
            if len(used) < 2:  # what is between two
                continue
            number += 1
            own = [n[start:stop] for n in nats]
            scored = [~np.isnan(n) for n in own]
            chars = [int(np.count_nonzero(s & begins[start:stop])) for s in scored]
            counts = [int(np.count_nonzero(s)) for s in scored]
            shown = text[start + used[0] : start + used[-1] + 1].strip(LINE_ENDS)
            yield Row(
                file, number, as_text(shown, unit), chars, [float(np.nansum(n)) for n in own],
                counts if unit == "byte" else None,
            )  # fmt: skip


def file_row(file: str, pieces: Pieces, models: int, unit: Unit = "char") -> Row:
    """The sums over all of a file."""
    chars, counts, sums = [0] * models, [0] * models, [0.0] * models
    for text, nats in whole_characters(pieces) if unit == "byte" else pieces:
        begins = _begins(text) if unit == "byte" else np.True_
        scored = [~np.isnan(n) for n in nats]
        chars = [c + int(np.count_nonzero(s & begins)) for c, s in zip(chars, scored, strict=True)]
        counts = [c + int(np.count_nonzero(s)) for c, s in zip(counts, scored, strict=True)]
        sums = [s + float(np.nansum(n)) for s, n in zip(sums, nats, strict=True)]
    return Row(file, None, None, chars, sums, counts if unit == "byte" else None)


def _begins(text: str) -> NDArray[np.bool_]:
    """Which bytes of a text begin a character."""
    lengths, begins = bytes_of_characters(text), np.zeros(len(text), np.bool_)
    begins[np.cumsum(lengths) - lengths] = True
    return begins


def whole_characters(pieces: Pieces) -> Pieces:
    """The same pieces, of bytes, each of which ends where a character does."""
    held, held_nats = "", list[Nats]()
    for text, nats in pieces:
        if held:
            text = held + text
            nats = [np.concatenate(both) for both in zip(held_nats, nats, strict=True)]
        cut = len(text) - unfinished(text)
        held, held_nats = text[cut:], [n[cut:] for n in nats]
        if cut:
            yield text[:cut], [n[:cut] for n in nats]
    if held:
        yield held, held_nats


def in_characters(text: str, nats: Sequence[Nats]) -> tuple[str, list[Nats]]:
    """A text of bytes as characters, and the sums of what their bytes cost."""
    lengths = bytes_of_characters(text)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    return as_text(text, "byte"), [sum_by_owner(n, owner, len(lengths)) for n in nats]


def strangest(rows: Iterable[Row], top: int | None, sort: str = "strangest") -> list[Row]:
    """Rows by bits per character of the first model, or by their "total" of nats, highest first;
    those without, last.
    """

    def strangeness(row: Row) -> float:
        bits = row.bits(0)
        if bits is None:
            return -1.0
        return row.nats[0] if sort == "total" else bits

    if top is not None:
        return heapq.nlargest(top, rows, key=strangeness)
    return sorted(rows, key=strangeness, reverse=True)
