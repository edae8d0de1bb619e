"""Nats of each character of a text that comes in pieces.

Streams: the state flows through the text. A long piece is cut in streams that are read side by
side; all but the first read `WARM` characters before their own, to forget the cold start. The
first character of a text is scored as that of a sample is drawn: after a line end.

Lines: each from a zero state after a line end; many are read side by side. Empty ones have no
score, as they have none in training.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import inf
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from charrnn.data.corpus import BOUNDARY
from charrnn.data.line_loader import pad
from charrnn.data.vocabulary import LackingError, OnUnknown, Vocabulary, code_points
from charrnn.nn.network import Network
from charrnn.runtime.workers import WorkerPool

Array = NDArray[Any]
Ids = NDArray[np.int32]
Nats = NDArray[np.float64]

CHUNK = 1 << 13  # steps times streams of one forward call
WARM = 512
STREAMS = 128  # at most, side by side
WORTH_CUTTING = 1 << 16  # characters of a piece that is cut in streams


class Reader(Protocol):
    """Reads one text, piece by piece."""

    def read(self, ids: Ids) -> Nats:
        """Nats of each character of the next piece; NaN for those that are not scored."""
        ...


class Scorer:
    """Scores texts by one model; the split's threads share the work."""

    def __init__(
        self, split: WorkerPool, vocabulary: Vocabulary, on_unknown: OnUnknown, *, lines: bool,
        setting: str = "--on-unknown",
    ) -> None:  # fmt: skip
        self._split, self._vocabulary, self._on_unknown = split, vocabulary, on_unknown
        self.lines, self._setting = lines, setting
        self._start = vocabulary.id(BOUNDARY) if BOUNDARY in vocabulary else 0
        self._table = vocabulary.table()
        self.begin("text")

    def begin(self, where: str) -> None:
        """What follows is another text; `where` names it in errors."""
        kind = LineReader if self.lines else StreamReader
        self._reader: Reader = kind(self._split, self._start)
        self._where, self._offset = where, 0

    def nats(self, text: str) -> Nats:
        """Nats of each character of the next piece; NaN for those that are not scored.

        For a model of lines a piece ends where a line does. Raises DataError for characters that
        the vocabulary lacks, unless they are skipped (and not scored) or mapped.
        """
        points = code_points(text)
        ids = self._table[points]
        unknown = np.flatnonzero(ids < 0)
        if len(unknown):
            if self._on_unknown == "error":
                first = self._offset + int(unknown[0])
                raise LackingError(np.unique(points[unknown]), first, self._where, self._setting)
            if self._on_unknown == "map":
                for point in np.unique(points[unknown]):
                    like = self._vocabulary.look_alike(chr(point))
                    ids[unknown[points[unknown] == point]] = self._vocabulary.id(like)
        self._offset += len(text)
        nats = np.full(len(ids), np.nan)
        kept = ids >= 0
        nats[kept] = self._reader.read(ids[kept])
        return nats


def whole_lines(pieces: Iterable[str], *, closed: bool) -> Iterator[str]:
    """The same text in pieces that end where lines do; `closed`: the last one is given its end."""
    held: list[str] = []
    for piece in pieces:
        cut = piece.rfind(BOUNDARY) + 1
        if cut:
            yield "".join([*held, piece[:cut]])
            held = []
        held.append(piece[cut:])
    rest = "".join(held)
    if rest:
        yield rest + BOUNDARY if closed else rest


class StreamReader:
    """Carries the state through the text; `start` is read before its first character."""

    def __init__(self, split: WorkerPool, start: int) -> None:
        self._split, self._start = split, start
        self._last: int | None = None
        self._state = split.network.zero_state(1)

    def read(self, ids: Ids) -> Nats:
        if not len(ids):
            return np.zeros(0)
        if self._last is not None:
            nats = self._follow(np.concatenate([[self._last], ids]).astype(np.int32))
        else:
            alone = np.array([[self._start]], np.int32), np.array([[ids[0]]], np.int32)
            first, _ = _window(self._split.network, *alone, self._split.network.zero_state(1))
            nats = np.concatenate([first[0], self._follow(ids)])
        self._last = int(ids[-1])
        return nats

    def _follow(self, ids: Ids) -> Nats:
        """Nats of ids[1:], from the carried state."""
        n = len(ids) - 1
        B = min(n // (8 * WARM), STREAMS) if n >= WORTH_CUTTING else 1
        L = n // B
        E = np.empty((B, L))
        begins = L * np.arange(B)

        def part(_: int, network: Network, own: range) -> Array:
            cold = [b for b in own if b]
            state = network.zero_state(len(cold))
            if cold:
                at = begins[cold] + np.arange(-WARM, 0)[:, None]
                tape = network.forward(ids[at], state)
                state = network.state_after(tape, WARM)
            if own.start == 0:
                state = np.concatenate([self._state, state], axis=2)
            step = max(CHUNK // len(own), 1)
            for t in range(0, L, step):
                at = begins[own.start : own.stop] + np.arange(t, min(t + step, L))[:, None]
                found, state = _window(network, ids[at], ids[at + 1], state)
                E[own.start : own.stop, t : t + len(found)] = found.T
            return state[:, :, -1:]

        if L:
            self._state = self._split.run(B, part)[-1]
        rest = ids[B * L :, None]
        if len(rest) == 1:
            return E.reshape(-1)
        found, self._state = _window(self._split.network, rest[:-1], rest[1:], self._state)
        return np.concatenate([E.reshape(-1), found[:, 0]])


class LineReader:
    """Each line of a piece from a zero state, after the boundary."""

    def __init__(self, split: WorkerPool, boundary: int) -> None:
        self._split, self._boundary = split, boundary

    def read(self, ids: Ids) -> Nats:
        whole = np.concatenate([[self._boundary], ids]).astype(np.int32)
        at = np.flatnonzero(whole == self._boundary)
        if at[-1] != len(whole) - 1:
            at = np.append(at, len(whole) - 1)
        rows = np.stack([at[:-1], at[1:] + 1], axis=1)
        return nats_of_rows(self._split, whole, rows[rows[:, 1] - rows[:, 0] > 2])[1:]


def nats_of_rows(split: WorkerPool, ids: Ids, rows: NDArray[np.int64]) -> Nats:
    """Nats (N,) of the characters of sequences (start, stop), each from a zero state.

    NaN for those of no sequence, and for each one's first, which is context only.
    """
    nats = np.full(len(ids), np.nan)
    rows = rows[rows[:, 1] - rows[:, 0] > 1]
    rows = rows[np.argsort(rows[:, 0] - rows[:, 1], kind="stable")]
    first = 0
    while first < len(rows):
        longest = int(rows[first, 1] - rows[first, 0]) - 1
        batch = rows[first : first + max(CHUNK // longest, 1)]
        first += len(batch)

        def part(_: int, network: Network, own: range, batch: NDArray[np.int64] = batch) -> None:
            mine = batch[own.start : own.stop]
            state = network.zero_state(len(mine))
            step = max(CHUNK // len(mine), 1)
            most = int((mine[:, 1] - mine[:, 0]).max()) - 1
            for t in range(0, most, step):
                x, y, mask = pad(ids, mine, t, min(t + step, most))
                found, state = _window(network, x, y, state)
                at = mine[:, 0] + 1 + np.arange(t, t + len(x))[:, None]
                nats[at[mask]] = found[mask]

        split.run(len(batch), part)
    return nats


def mean_nats(
    split: WorkerPool, prime: Ids, texts: Sequence[Ids], boundary: int | None
) -> list[float]:
    """Nats per character of texts after a prime that is not scored; infinity for an empty one.

    `boundary`: what begins a sequence anew, in lines mode.
    """
    wholes = [np.concatenate([prime, text]).astype(np.int32) for text in texts]
    ends = np.cumsum([len(whole) for whole in wholes])
    ids = np.concatenate(wholes)
    rows: list[tuple[int, int]] = []
    for whole, end in zip(wholes, ends.tolist(), strict=True):
        start = end - len(whole)
        inside = [] if boundary is None else np.flatnonzero(whole == boundary).tolist()
        cuts = sorted({0, *inside, len(whole) - 1})
        rows += [(start + a, start + b + 1) for a, b in pairwise(cuts)]
    nats = nats_of_rows(split, ids, np.array(rows, np.int64).reshape(-1, 2))
    return [
        float(nats[end - len(text) : end].mean()) if len(text) else inf
        for text, end in zip(texts, ends.tolist(), strict=True)
    ]


def _window(network: Network, x: Ids, y: Ids, state: Array) -> tuple[Array, Array]:
    """Nats (T, B), and the state after."""
    tape = network.forward(x, state)
    return network.losses(tape, y), network.state_after(tape, tape.T)
