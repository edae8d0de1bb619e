"""Sampling that is held to valid UTF-8, at no cost to the distribution of whole characters.

Let P(c) be the probability that the model's next bytes are those of c, and V the characters. A
byte that cannot follow is drawn with the others; then all of the character so far is dropped, the
state is that before its first byte again, and it is drawn anew. So c comes with probability

    P(c) Σ_k (1 - P(V))^k = P(c) / P(V)

which is P given that a character comes. To leave the byte out and scale the others to 1 would not
be that: it favours characters whose first bytes often go wrong. Only where nothing is left to
chance (temperature 0, top-k 1) would it go wrong for ever; there the likeliest byte of those that
can follow is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.data.utf8 import phase_after, phase_of
from charrnn.errors import CheckFailedError

Array = NDArray[Any]
Ids = NDArray[np.int32]
MOST_TRIES = 10_000  # of one character


@dataclass(frozen=True)
class Utf8:
    """For a vocabulary of bytes: `after` (PHASES, K), the phase after an id, -1 where it cannot
    follow; `able` (PHASES, K), what may follow so that a character can be completed. `first`: the
    phase that the prime ends in.
    """

    after: NDArray[np.int8]
    able: NDArray[np.bool_]
    first: int = 0

    def streams(self, x: Ids, state: Array, read: Array | None) -> HeldStreams:
        """B streams that have read nothing after the prime; see `HeldStreams`."""
        B = len(x)
        phase = np.full(B, self.first, np.int64)
        empty = np.zeros((B, 0), np.int64)
        held_read = empty if read is None else read.copy()
        state = np.ascontiguousarray(np.moveaxis(state, 2, 0))
        return HeldStreams(self, phase, phase.copy(), x.copy(), state, held_read, x.copy())


@dataclass(frozen=True)
class HeldStreams:
    """Where each of B streams is in a character, and what it was before: arrays with B rows.

    `phase` and `x`: now. `held_phase`, `held_x`, `held_state` (B, L, n, H) and `held_read`: before
    the character's first byte, or after the prime.
    """

    utf8: Utf8
    phase: NDArray[np.int64]
    held_phase: NDArray[np.int64]
    held_x: Ids
    held_state: Array
    held_read: Array
    x: Ids

    def of(self, own: slice) -> HeldStreams:
        """Views of some of the streams."""
        return HeldStreams(
            self.utf8, self.phase[own], self.held_phase[own], self.held_x[own],
            self.held_state[own], self.held_read[own], self.x[own],
        )  # fmt: skip

    def arrays(self) -> tuple[Array, ...]:
        """What the compiled sampler takes."""
        return (
            self.utf8.after, self.utf8.able, self.phase, self.held_phase, self.held_x,
            self.held_state, self.held_read, self.x,
        )  # fmt: skip

    def hold(self, x: Ids, state: Array, read: Array | None) -> None:
        """Keep what a stream is before the first byte of a character."""
        begins = self.phase == 0
        self.held_phase[begins] = 0
        self.held_x[begins] = x[begins]
        self.held_state[begins] = np.moveaxis(state, 2, 0)[begins]
        if read is not None:
            self.held_read[begins] = read[begins]

    def follow(self, drawn: Ids, state: Array, read: Array | None) -> Ids:
        """What each stream has read last, once it has drawn: where that cannot follow, what it had
        read before the character, and `state` and `read` become what they were then.
        """
        phase = self.utf8.after[self.phase, drawn].astype(np.int64)
        broken = phase < 0
        self.phase[:] = np.where(broken, self.held_phase, phase)
        self.x[:] = np.where(broken, self.held_x, drawn)
        state[:, :, broken] = np.moveaxis(self.held_state[broken], 0, 2)
        if read is not None:
            read[broken] = self.held_read[broken]
        return self.x.copy()


class ValidOnly:
    """The bytes that were drawn, in pieces, without those that were dropped."""

    def __init__(self, prime: str) -> None:
        self._phase = self._first = phase_after(prime)
        self._held, self._tries = "", 0

    def feed(self, drawn: str) -> str:
        """The characters that are complete now. Raises CheckFailedError where none ever is."""
        complete = []
        for byte in drawn:
            self._phase = phase_of(self._phase, byte)
            self._held += byte
            if self._phase == 0:
                complete.append(self._held)
                self._held, self._first, self._tries = "", 0, 0
            elif self._phase < 0:
                self._held, self._phase = "", self._first
                self._tries += 1
                if self._tries == MOST_TRIES:
                    raise CheckFailedError(
                        f"none of {MOST_TRIES:,} tries was a valid character",
                        then="the model hardly ever writes UTF-8 there: train it longer, or sample "
                        "at another temperature",
                    )
        return "".join(complete)
