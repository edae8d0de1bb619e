"""What a model makes of lines and of whole files: sums over their characters."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.data.layout import ENDS, LINE_END, LINE_ENDS, SEPARATES, Layout
from charrnn.data.vocabulary import code_points
from charrnn.inference.metrics import bits

Nats = NDArray[np.float64]
Pieces = Iterator[tuple[str, list[Nats]]]  # texts, and each model's nats of their characters


@dataclass(frozen=True)
class Row:
    """A line, a record or a whole file, and for each model the characters that it scored and their
    nats; `line`: its number, from 1, if it is not a file.
    """

    file: str
    line: int | None
    text: str | None
    chars: Sequence[int]
    nats: Sequence[float]

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


def line_rows(file: str, pieces: Pieces) -> Iterator[Row]:
    """A row for each line; pieces end where lines do."""
    line = 0
    for text, nats in pieces:
        ends = 1 + np.flatnonzero(code_points(text) == ord(LINE_END))
        starts = np.concatenate([[0], ends[ends < len(text)]])
        sums = [np.add.reduceat(np.nan_to_num(n), starts).tolist() for n in nats]
        chars = [np.add.reduceat((~np.isnan(n)).astype(int), starts).tolist() for n in nats]
        for i, shown in enumerate(text.removesuffix(LINE_END).split(LINE_END)):
            line += 1
            yield Row(file, line, shown, [c[i] for c in chars], [s[i] for s in sums])


def sequence_rows(file: str, pieces: Pieces, layout: Layout) -> Iterator[Row]:
    """A row for each record, or whatever the layout's sequences are; pieces end where they do."""
    number = 0
    for text, nats in pieces:
        places = layout.places(text)
        if places is None:
            places = np.ones(len(text), np.int8)
            places[code_points(text) == ord(layout.boundary or LINE_END)] = ENDS
        ends = 1 + np.flatnonzero(places == ENDS)
        starts = np.concatenate([[0], ends[ends < len(text)]])
        for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(text)], strict=True):
            used = np.flatnonzero(places[start:stop] != SEPARATES)
            if len(used) < 2:  # what is between two
                continue
            number += 1
            own = [n[start:stop] for n in nats]
            chars = [int(np.count_nonzero(~np.isnan(n))) for n in own]
            shown = text[start + used[0] : start + used[-1] + 1].strip(LINE_ENDS)
            yield Row(file, number, shown, chars, [float(np.nansum(n)) for n in own])


def file_row(file: str, pieces: Pieces, models: int) -> Row:
    """The sums over all of a file."""
    chars, sums = [0] * models, [0.0] * models
    for _, nats in pieces:
        chars = [c + int(np.count_nonzero(~np.isnan(n))) for c, n in zip(chars, nats, strict=True)]
        sums = [s + float(np.nansum(n)) for s, n in zip(sums, nats, strict=True)]
    return Row(file, None, None, chars, sums)


def strangest(rows: Iterable[Row], top: int | None) -> list[Row]:
    """Rows by bits per character of the first model, highest first; those without, last."""

    def strangeness(row: Row) -> float:
        bits = row.bits(0)
        return -1.0 if bits is None else bits

    if top is not None:
        return heapq.nlargest(top, rows, key=strangeness)
    return sorted(rows, key=strangeness, reverse=True)
