"""Nats of each character of a text that comes in pieces.

Streams: the state flows through the text. A long piece is cut in streams that are read side by
side; all but the first read 512 characters before their own, to forget the cold start. The first
character of a text is scored as that of a sample is drawn: after a line end.

Sequences, such as lines: each from a zero state after a boundary; many are read side by side. Empty
ones have no score, as they have none in training.

A character that the vocabulary lacks, and has no symbol for, costs what a text of N characters, K
of them distinct, leaves for one that it never had (Witten & Bell 1991, method C): of its N
characters K were new when they came, so that with one more for each of those

    μ = K / (N + K)        E = -ln μ

The network reads a look-alike in its place, or nothing, and goes on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import inf, log
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from charrnn.config.schema import RECORD_END
from charrnn.data.layout import ENDS, LINE_END, SEPARATES, Layout
from charrnn.data.vocabulary import LackingError, Vocabulary, code_points, describe
from charrnn.inference.beginning import Beginning, zero_beginning
from charrnn.inference.mixture.model import Mixture
from charrnn.inference.mixture.scoring import MixedSequenceScorer, MixedStreamScorer
from charrnn.inference.reader import SCORING, Plan, Rows, Window, read, read_streams, share
from charrnn.nn.network import Network
from charrnn.runtime.workers import WorkerPool

Array = NDArray[Any]
Ids = NDArray[np.int32]
Nats = NDArray[np.float64]

STREAMS = 128  # at most, side by side
Unknown = Literal["surprise", "error", "skip", "map"]
UNKNOWN_WORDS: tuple[Unknown, ...] = ("surprise", "error", "skip", "map")


def nats_of_unseen(K: int, characters: int | None) -> float:
    """What a character costs that is none of the K distinct ones of a text of so many characters.

    Where it is not known how many there were: that of one symbol more among equals.
    """
    return log(K + 1) if characters is None else log((characters + K) / K)


class TextScorer(Protocol):
    """Scores one text, piece by piece."""

    def score(self, ids: Ids) -> Nats:
        """Nats of each character of the next piece; NaN for those that are not scored."""
        ...


class Scorer:
    """Scores texts by one model; the pool's workers share the work.

    `mixture`: mixed with the network, its weights beginning anew with each text.
    `setting`: what a user can set about characters that the vocabulary lacks, for errors.
    `unseen`: nats of one that is counted as surprise. `unknown` counts all of them that were met.
    `independent`: each line of a stream, or sequence, is scored as if it were the only one.
    `beginning`: what a text, or such a line, begins after; a line end and a zero state without it.
    """

    def __init__(
        self, pool: WorkerPool, vocabulary: Vocabulary, on_unknown: Unknown, *, layout: Layout,
        setting: str = "on_unknown", plan: Plan = SCORING, mixture: Mixture | None = None,
        unseen: float | None = None, independent: bool = False,
        beginning: Beginning | None = None,
    ) -> None:  # fmt: skip
        self._pool, self._vocabulary, self._on_unknown = pool, vocabulary, on_unknown
        self.layout, self._setting, self._plan, self._mixture = layout, setting, plan, mixture
        self._boundary = layout.first_id(vocabulary)  # or a line end
        self._beginning = beginning or zero_beginning(pool.network, self._boundary)
        self._table = vocabulary.table()
        self._unseen = nats_of_unseen(vocabulary.K, None) if unseen is None else unseen
        self.unknown: Counter[int] = Counter()
        self._ends_lines = LINE_END in vocabulary
        self._independent = independent
        self.begin("text")

    @property
    def mixed(self) -> bool:
        """Whether it is by a mixture."""
        return self._mixture is not None

    def begin(self, where: str) -> None:
        """What follows is another text; `where` names it in errors."""
        self._restart()
        self._where, self._offset = where, 0

    def _restart(self) -> None:
        # Lines of a stream are read side by side, as sequences are, where they have an end.
        stream = self.layout.boundary is None and not (self._independent and self._ends_lines)
        self._scorer: TextScorer
        if self._mixture is not None:
            mixed, own = self._mixture.scorer(), self._beginning
            self._scorer = (
                MixedStreamScorer(self._pool, own, mixed)
                if stream
                else MixedSequenceScorer(self._pool, self._boundary, own, mixed)
            )
        elif stream:
            self._scorer = StreamScorer(self._pool, self._beginning, self._plan)
        else:
            self._scorer = SequenceScorer(self._pool, self._boundary, self._beginning, self._plan)

    def nats(self, text: str) -> Nats:
        """Nats of each character of the next piece; NaN for those that are not scored.

        A piece is one of the layout's `whole`, and ends where a line does if lines are independent.
        Characters that the vocabulary lacks cost `unseen`, are left out (not scored), or mapped,
        or raise DataError.
        """
        # A mixture learns as it scores, and a stream without line ends has nothing to begin after.
        if self._independent and (self._mixture is not None or self._start_alone):
            return self._one_by_one(text)
        return self._all_of(text)

    @property
    def _start_alone(self) -> bool:
        return self.layout.boundary is None and not self._ends_lines

    def _one_by_one(self, text: str) -> Nats:
        """Each line, or sequence, of a piece by a scorer of its own."""
        found = [np.zeros(0)]
        for part in self._parts(text):
            self._restart()
            own = part.removesuffix(LINE_END) if self._start_alone else part
            nats = np.full(len(part), np.nan)
            nats[: len(own)] = self._all_of(own)
            self._offset += len(part) - len(own)
            found.append(nats)
        return np.concatenate(found)

    def _parts(self, text: str) -> Iterator[str]:
        places = self.layout.places(text)
        if places is None:
            places = np.where(code_points(text) == ord(self.layout.boundary or LINE_END), ENDS, 0)
        start = 0
        for end in [*(1 + np.flatnonzero(places == ENDS)).tolist(), len(text)]:
            if start < end:
                yield text[start:end]
            start = end

    def _all_of(self, text: str) -> Nats:
        if (places := self.layout.places(text)) is None:
            self._kept = np.arange(len(text))
            nats = self._nats(text)
        else:
            self._kept = np.flatnonzero(places != SEPARATES)
            points = code_points(text)
            points[places == ENDS] = ord(RECORD_END)
            nats = np.full(len(text), np.nan)
            symbols = points[self._kept].tobytes().decode("utf-32-le", "surrogatepass")
            nats[self._kept] = self._nats(symbols)
        self._offset += len(text)
        return nats

    def _nats(self, text: str) -> Nats:
        """Of symbols that are read, which stand at the places `_kept` of the piece."""
        ids = self._table[code_points(text)]
        if (ids >= 0).all():
            return self._scorer.score(ids)
        return self._nats_with_unknown(text)

    def _nats_with_unknown(self, text: str) -> Nats:
        ids, owner = self._vocabulary.spelled(text)
        owner = np.arange(len(text)) if owner is None else owner
        lacking = np.flatnonzero(ids < 0)
        nats = np.full(len(ids), np.nan)
        if len(lacking):
            lacking = lacking[~self._is_line_end(text, owner[lacking])]
            nats[self._read_in_place(text, ids, lacking, owner[lacking])] = self._unseen
        kept = ids >= 0
        own = self._scorer.score(ids[kept])
        known = np.isnan(nats[kept])
        nats[np.flatnonzero(kept)[known]] = own[known]
        return sum_by_owner(nats, owner, len(text))

    def _is_line_end(self, text: str, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which are a CR before an LF, of a text whose lines end in both: no character of it."""
        if self._on_unknown == "error" or "\r\n" not in text:
            return np.zeros(len(places), np.bool_)
        points = np.append(code_points(text), 0)
        return (points[places] == ord("\r")) & (points[places + 1] == ord("\n"))

    def _read_in_place(
        self, text: str, ids: Ids, lacking: NDArray[np.int64], places: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Set what is read in the place of unknown characters; those that are counted as surprise.

        `lacking`: where they are among the ids; `places`: in the text.
        """
        points = code_points(text)[places]
        kinds = np.unique(points)
        vocabulary, how = self._vocabulary, self._on_unknown
        if how == "error" and len(kinds):
            first = self._offset + int(self._kept[places[0]])
            raise LackingError(kinds, first, self._where, self._setting)
        surprises = np.zeros(len(lacking), np.bool_)
        for point in kinds.tolist():
            here = points == point
            self.unknown[point] += int(here.sum())
            like = vocabulary.look_alike(chr(point))
            if how == "skip":
                continue
            if how == "surprise" or like is None:
                surprises |= here
                like = like if vocabulary.unknown is None else vocabulary.unknown
            if like is not None:
                ids[lacking[here]] = vocabulary.id(like)
        # A symbol for all that is unknown has a probability of its own, and needs no other.
        return lacking[surprises] if vocabulary.unknown is None else lacking[:0]

    def notice(self) -> str | None:
        """What to tell of the characters that the vocabulary lacks; None where it has all."""
        if not (total := self.unknown.total()):
            return None
        what = {
            "skip": "left out",
            "map": "mapped to look-alikes, or have none and count as surprise",
        }.get(self._on_unknown, "counted as surprise")
        if self._on_unknown == "surprise" and self._vocabulary.unknown is None:
            what += f", {self._unseen:.2f} nats{' each' if total > 1 else ''}"
        kinds = describe([point for point, _ in self.unknown.most_common()])
        many = f"{total:,} characters" if total > 1 else "1 character"
        verb = "are" if total > 1 else "is"
        return f"{many} that the vocabulary lacks {verb} {what}: {kinds}"


def sum_by_owner(nats: Nats, owner: NDArray[np.int64], characters: int) -> Nats:
    """Sums over the symbols of each character; NaN for one of which none was scored."""
    scored = ~np.isnan(nats)
    sums: Nats = np.bincount(owner[scored], nats[scored], characters).astype(np.float64)
    sums[np.bincount(owner[scored], minlength=characters) == 0] = np.nan
    return sums


class StreamScorer:
    """Carries the state through the text, from its beginning on.

    From a state of zeros the beginning's id is only what the first character is predicted from, and
    the second is read from zeros again, as `charrnn eval` reads it.
    """

    def __init__(self, pool: WorkerPool, beginning: Beginning, plan: Plan = SCORING) -> None:
        self._pool, self._start, self._plan = pool, beginning.id, plan
        self._last: int | None = None
        self._state, self._is_zero = beginning.state, beginning.is_zero

    def score(self, ids: Ids) -> Nats:
        if not len(ids):
            return np.zeros(0)
        if self._last is not None:
            nats = self._follow(np.concatenate([[self._last], ids]).astype(np.int32))
        else:
            first = np.array([self._start, ids[0]], np.int32)
            (alone,) = read(self._pool.network, first, Rows.whole(0, 1), steps=1, state=self._state)
            own = alone.nats()[0].copy()
            if not self._is_zero:
                self._state = alone.final_state
            nats = np.concatenate([own, self._follow(ids)])
        self._last = int(ids[-1])
        return nats

    def _follow(self, ids: Ids) -> Nats:
        """Nats of ids[1:], from the carried state."""
        n = len(ids) - 1
        B = self._plan.streams(n, STREAMS)
        nats = np.empty(n)

        def take(window: Window) -> None:
            nats[window.at] = window.nats()

        self._state = read_streams(self._pool, ids, (0, n), B, self._state, self._plan, take)
        return nats


class SequenceScorer:
    """Each sequence of a piece from its beginning, after a boundary, which also ends it."""

    def __init__(
        self, pool: WorkerPool, boundary: int, beginning: Beginning, plan: Plan = SCORING
    ) -> None:
        self._pool, self._boundary, self._plan = pool, boundary, plan
        self._beginning = beginning

    def score(self, ids: Ids) -> Nats:
        whole = np.concatenate([[self._boundary], ids]).astype(np.int32)
        rows = Rows.sequences(whole, self._boundary)
        return nats_of_rows(self._pool, whole, rows, self._plan, self._beginning)[1:]


def nats_of_rows(
    pool: WorkerPool, ids: Ids, rows: Rows, plan: Plan = SCORING,
    beginning: Beginning | None = None,
) -> Nats:  # fmt: skip
    """Nats (N,) of the characters that rows predict, each from the state of the beginning, or from
    a zero state; NaN for the others.
    """
    nats = np.full(len(ids), np.nan)

    def part(network: Network, own: Rows) -> None:
        state = None if beginning is None else beginning.states(len(own))
        for window in read(network, ids, own, steps=plan.steps(len(own)), state=state):
            nats[window.at[window.mask] + 1] = window.nats()[window.mask]

    for batch in plan.batches(rows.lengths):
        share(pool, rows[batch], part)
    return nats


def mean_nats(
    nats_of_rows: Callable[[Ids, Rows], Nats], prime: Ids, texts: Sequence[Ids],
    boundary: int | None,
) -> list[float]:  # fmt: skip
    """Nats per character of texts after a prime that is not scored; infinity for an empty one.

    `nats_of_rows`: nats (N,) of ids (N,) that rows predict, each from its beginning. `boundary`:
    the id from which a sequence starts with a zero state, None of a stream.
    """
    ids, rows, ends = _joined(prime, texts, boundary)
    nats = nats_of_rows(ids, rows)
    return [
        float(nats[end - len(text) : end].mean()) if len(text) else inf
        for text, end in zip(texts, ends, strict=True)
    ]


def _joined(
    prime: Ids, texts: Sequence[Ids], boundary: int | None
) -> tuple[NDArray[np.int32], Rows, list[int]]:
    """Each text after the prime, in one array; the rows that read them; where each ends."""
    wholes = [np.concatenate([prime, text]).astype(np.int32) for text in texts]
    ends = np.cumsum([len(whole) for whole in wholes]).tolist()
    cuts: list[tuple[int, int]] = []
    for whole, end in zip(wholes, ends, strict=True):
        start = end - len(whole)
        inside = [] if boundary is None else np.flatnonzero(whole == boundary).tolist()
        places = sorted({0, *inside, len(whole) - 1})
        cuts += [(start + a, start + b) for a, b in pairwise(places)]
    first, last = np.array(cuts, np.int64).reshape(-1, 2).T
    return np.concatenate(wholes), Rows.whole(first, last), ends
