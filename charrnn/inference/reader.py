"""The forward-only reader of text: a network runs over ids, a window at a time, its state carried.

All that reads stands on it: evaluation, validation in training, dynamic evaluation, scoring, the
activations of units, and the prime of a sample. A consumer says which rows of the ids are read and
takes from each window what it needs: nats, whether the likeliest character was right,
log-probabilities, or the tape with its activations. No more than a window's tape is ever held.

    for window in read(network, ids, rows, steps=plan.steps(len(rows))):
        E, mask = window.nats(), window.mask
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from charrnn.data.sources import Ids
from charrnn.nn.network import Network, Prediction, Tape
from charrnn.nn.window import log_softmax
from charrnn.runtime.workers import WorkerPool

Array = NDArray[Any]
Ints = NDArray[np.int64]
Result = TypeVar("Result")

WARMUP = 512  # characters that a stream reads before its own, to forget the cold start
LONGEST = 4096  # steps times rows of one window where nothing is wanted but the state


@dataclass(frozen=True)
class Plan:
    """How texts are cut into streams and windows.

    A product's rounding depends on its shape, and so do the last bits of what is computed from it.
    The plans below differ for no other reason than that numbers of earlier versions stay the same.

    `chunk`: steps times rows of a window. A text is cut into streams where it has `worth_cutting`
    characters, each of at least `shortest`. `longest_first`: the order of batches of rows.
    """

    chunk: int
    longest_first: bool = True
    worth_cutting: int = 0
    shortest: int = 2 * WARMUP

    def steps(self, B: int) -> int:
        """Steps of a window of B rows."""
        return max(self.chunk // B, 1)

    def streams(self, characters: int, most: int) -> int:
        """Into how many streams a text is cut."""
        if characters < self.worth_cutting:
            return 1
        return max(min(most, characters // self.shortest), 1)

    def batches(self, sizes: Ints) -> Iterator[Ints]:
        """Indices of rows of about the same size, as many at a time as a window has room for."""
        order = np.argsort(-sizes if self.longest_first else sizes, kind="stable")
        start = 0
        while start < len(order):
            batch = order[start : start + self.steps(int(sizes[order[start]]))]
            yield batch
            start += len(batch)


EVALUATION = Plan(1 << 12, longest_first=False)
# Lines and cold windows are kept whole by evaluation up to this size, its batches being shortest
# first: a line of more characters than the first of its batch is not cut.
WHOLE_ROWS = Plan(1 << 16)
SCORING = Plan(1 << 13, worth_cutting=1 << 16, shortest=8 * WARMUP)
UNITS = Plan(1 << 12)


@dataclass(frozen=True)
class Rows:
    """B stretches of ids that are read side by side, each from a state of its own.

    Row b reads the inputs ids[first : stop], each of which predicts the id after it; those before
    `begin` only warm the state up. All three are (B,).
    """

    first: Ints
    begin: Ints
    stop: Ints

    @classmethod
    def whole(cls, start: Any, stop: Any) -> Rows:
        """Rows (or one row) that count from their first input on."""
        start, stop = np.atleast_1d(np.asarray(start)), np.atleast_1d(np.asarray(stop))
        return cls(start, start, stop)

    @classmethod
    def streams(cls, start: int, stop: int, count: int, warm: int = WARMUP) -> Rows:
        """Inputs start … stop - 1 cut in `count`, each warmed up by up to `warm` before it."""
        begin = np.minimum(start + -(-(stop - start) // count) * np.arange(count), stop)
        return cls(np.maximum(begin - warm, 0), begin, np.append(begin[1:], stop))

    @classmethod
    def sequences(cls, ids: Array, boundary: int) -> Rows:
        """What follows each boundary in the ids, which begin with one; empty ones have no row."""
        at = np.flatnonzero(ids == boundary)
        if at[-1] != len(ids) - 1:
            at = np.append(at, len(ids) - 1)
        first, last = at[:-1], at[1:]
        return cls.whole(first, last)[np.flatnonzero(last - first > 1)]

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, which: slice | Ints) -> Rows:
        return Rows(self.first[which], self.begin[which], self.stop[which])

    @property
    def lengths(self) -> Ints:
        """How many inputs each row has, those that warm up included."""
        return self.stop - self.first


class Window:
    """T steps of B rows. What the methods return is in memory that the next call, or window, uses.

    `at` (T, B): the places of the inputs in the ids; `mask` (T, B): those that count;
    `final_state`: after the last step. The `tape` has the activations only where it is asked for
    `with_tape`.
    """

    def __init__(
        self, network: Network, ids: Ids, at: Ints, mask: NDArray[np.bool_], state: Array,
        with_tape: bool = False,
    ) -> None:  # fmt: skip
        self.network, self.at, self.mask, self._ids = network, at, mask, ids
        self.tape: Tape
        self._with_tape = with_tape
        if with_tape:
            self.tape = network.forward(ids[at], state)
            self.final_state = network.state_after(self.tape, self.tape.T)
        else:
            self.tape, self.final_state = network.read(ids[at], state)
        self._targets: NDArray[np.int32] | None = None
        self._prediction: Prediction | None = None

    @property
    def targets(self) -> NDArray[np.int32]:
        """The ids (T, B) that are predicted."""
        if self._targets is None:
            self._targets = self._ids[self.at + 1]
        return self._targets

    def prediction(self) -> Prediction:
        """p (T, B, K), and E (T, B) of the targets."""
        if self._prediction is None:
            self._prediction = self.network.predict(self.tape, self.targets)
        return self._prediction

    def nats(self) -> Array:
        """The cross-entropy E (T, B) of the targets."""
        return self.nats_and_correct()[0]

    def nats_and_correct(self) -> tuple[Array, NDArray[np.bool_]]:
        """E (T, B), and whether the likeliest character was the target."""
        if not self._with_tape:
            return self.network.nats_and_correct(self.tape, self.targets)
        prediction = self.prediction()
        return prediction.E, prediction.p.argmax(axis=-1) == self.targets

    def logits(self) -> Array:
        """z (T, B, K)."""
        return self.network.logits(self.tape)

    def log_probabilities(self) -> Array:
        """log p (T, B, K) of every character that may follow."""
        return log_softmax(self.logits())


def read(
    network: Network, ids: Ids, rows: Rows, *, steps: int, state: Array | None = None,
    length: int | None = None, with_tape: bool = False,
) -> Iterator[Window]:  # fmt: skip
    """Windows of `steps` over the rows, from `state` (L, n, B, H) or zero, until all have ended.

    `length`: steps to take, where rows that are read elsewhere are longer. Parameters may change
    between two windows. `with_tape`: for who wants activations, or lets gradients flow back.
    """
    state = network.zero_state(len(rows)) if state is None else state
    T = int(rows.lengths.max()) if length is None else length
    for t in range(0, T, steps):
        at = rows.first + np.arange(t, min(t + steps, T))[:, None]
        mask = (at >= rows.begin) & (at < rows.stop)
        window = Window(network, ids, np.minimum(at, rows.stop - 1), mask, state, with_tape)
        yield window
        state = window.final_state


def state_after(network: Network, x: Array, state: Array | None = None) -> Array:
    """The state (L, n, B, H) after ids x (T, B), from `state` or zero."""
    state = network.zero_state(x.shape[1]) if state is None else state
    steps = max(LONGEST // max(x.shape[1], 1), 1)
    for t in range(0, len(x), steps):
        _, state = network.read(x[t : t + steps], state, keep=False)
    return state


def read_streams(
    pool: WorkerPool, ids: Ids, span: tuple[int, int], B: int, carried: Array, plan: Plan,
    take: Callable[[Window], None],
) -> Array:  # fmt: skip
    """Give `take` the windows of inputs start … stop - 1, cut in B streams side by side.

    The first begins from the carried state (L, 1, 1, H), the others from one of 512 characters
    before them. Returns the state after the last input. Workers call `take` side by side.
    """
    start, stop = span
    L = (stop - start) // B

    def part(network: Network, own: Rows, state: Array) -> Array:
        for window in read(network, ids, own, steps=plan.steps(len(own)), state=state):
            take(window)
            state = window.final_state
        return state[:, :, -1:]

    def stream(network: Network, own: Rows) -> Array:
        cold = own.first[own.first > start]
        state = network.zero_state(0)
        if len(cold):
            state = state_after(network, ids[cold + np.arange(-WARMUP, 0)[:, None]])
        if len(cold) < len(own):
            state = np.concatenate([carried, state], axis=2)
        return part(network, own, state)

    state = carried
    if L:
        streams = Rows.whole(start + L * np.arange(B), start + L * np.arange(1, B + 1))
        state = share(pool, streams, stream)[-1]
    if stop - start > B * L:  # what a division into streams of one length leaves over
        state = part(pool.network, Rows.whole(start + B * L, stop), state)
    return state


def share(pool: WorkerPool, rows: Rows, work: Callable[[Network, Rows], Result]) -> list[Result]:
    """work(network, rows) by each worker, with rows of its own; the results in their order."""
    return pool.run(len(rows), lambda _, network, own: work(network, rows[own.start : own.stop]))
