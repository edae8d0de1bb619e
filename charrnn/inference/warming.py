"""Where a text begins: the state that a model is in before the first character.

A model of a stream carries its state from window to window and hardly ever meets the state of
zeros. So a text that begins does so from a state that the model knows: after a blank line that it
wrote itself. Some of the states that training carried last are in the checkpoint; from them the
model writes on, side by side and always with the same random numbers, and the ends of paragraphs
that it comes to are candidates. The one taken is the most usual, whose next character is nearest to
what all of them expect:

    argmin_i KL(mean_j p_j | p_i) = argmax_i Σ_k mean_j p_jk log p_ik

Where blank lines are rare it is after a line, else after a word or a character. Models of lines and
records begin from zeros, as each of their sequences does in training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.data.utf8 import LONGEST, phase_of
from charrnn.data.vocabulary import Unit, Vocabulary
from charrnn.inference.beginning import Beginning
from charrnn.inference.sampling import writable
from charrnn.nn.network import Network, Tape, logits_not_finite

Array = NDArray[Any]
Ids = NDArray[np.int32]

BEGINNING = 13  # names this use of random numbers
STREAMS = 16  # written side by side
COLD = 64  # characters of each before the first candidate, if they begin from zeros
LEAST, USUAL, MOST = 16, 24, 96  # characters of each after that
ENOUGH = 3  # candidates before the usual number of characters, and one after it
RARE = 0.002  # of line ends that a blank line follows
KEPT = 24  # characters before the beginning, which are the n-gram's context
BLANK, LINE, WORD, CHARACTER, ANYWHERE = range(5)  # the best first


@np.errstate(over="ignore", invalid="ignore")
def warm_beginning(network: Network, vocabulary: Vocabulary, carried: Array | None) -> Beginning:
    """That of a stream, from states (L, n, B, H) that training carried; None for none.

    Raises DivergenceError where the logits are not finite.
    """
    walk = _Walk(network, vocabulary, carried)
    for t in range(MOST + walk.cold):
        walk.step(keep=t >= walk.cold)
        n = t + 1 - walk.cold
        if n >= LEAST and walk.is_settled(ENOUGH if n < USUAL else 1):
            break
    return walk.beginning()


def kind_of(written: str, unit: Unit) -> int:
    """What ends with a text that a model wrote, in its symbols."""
    if written[-1] == "\n":
        return BLANK if written[-4:-1].replace("\r", "").endswith("\n") else LINE
    if written[-1] == " ":
        return WORD
    return CHARACTER if unit == "char" or _ends_character(written[-LONGEST:]) else ANYWHERE


def _ends_character(symbols: str) -> bool:
    """Whether the last bytes are a character of UTF-8, whatever stands before them."""
    return any(_is_character(symbols[start:]) for start in range(len(symbols)))


def _is_character(symbols: str) -> bool:
    phase = 0
    for n, symbol in enumerate(symbols, 1):
        phase = phase_of(phase, symbol)
        if phase <= 0:
            return phase == 0 and n == len(symbols)
    return False


@dataclass(frozen=True)
class _Candidate:
    state: Array  # (L, n, H), before the id
    id: int
    before: Ids


class _Walk:
    """Streams side by side, and the candidates that they came to, by their kind."""

    def __init__(self, network: Network, vocabulary: Vocabulary, carried: Array | None) -> None:
        self._network, self._vocabulary = network, vocabulary
        self._able = writable(vocabulary)
        self._random = np.random.default_rng([BEGINNING])
        self._found: dict[int, list[_Candidate]] = {kind: [] for kind in range(ANYWHERE + 1)}
        self._blank = list[float]()  # how likely a blank line is after each line end
        self._line = vocabulary.id("\n") if "\n" in vocabulary else -1
        self._ends = [vocabulary.id(symbol) for symbol in "\n\r" if symbol in vocabulary]
        self._state, self.cold = _usable(network, carried)
        self._drawn: list[Ids] = []  # (B,) at each step
        h = np.ascontiguousarray(self._state[-1, 0])
        tape = Tape(1, STREAMS, [], [], h[None])  # what the state itself expects
        self._p = self._probabilities(tape)

    def step(self, *, keep: bool) -> None:
        """Each stream writes a character; the places it comes to are candidates, if they count."""
        cumulative = np.cumsum(self._p, axis=1)
        total = cumulative[:, -1:]
        aim = np.minimum(self._random.random((STREAMS, 1)) * total, np.nextafter(total, 0))
        x = (cumulative <= aim).sum(axis=1).astype(np.int32)
        self._drawn.append(x)
        ended = list[int]()
        for stream in np.flatnonzero(x == self._line).tolist():
            kind = self._kind(stream)
            if kind == LINE:
                ended.append(stream)
            if keep:
                self._keep(kind, stream)
        if keep and not self._found[LINE] and not self._found[BLANK]:
            kinds = [self._kind(stream) for stream in range(STREAMS)]
            self._keep(min(kinds), kinds.index(min(kinds)))
        tape, self._state = self._network.read(x[None], self._state)
        self._p = self._probabilities(tape)
        if keep and ended:
            self._blank += self._p[ended][:, self._ends].sum(axis=1).tolist()

    def is_settled(self, enough: int) -> bool:
        """Whether there are blank lines enough, or likely none to come."""
        if len(self._found[BLANK]) >= enough:
            return True
        rare = len(self._blank) >= 2 * ENOUGH and float(np.mean(self._blank)) < RARE
        return rare and not self._found[BLANK]

    def beginning(self) -> Beginning:
        """The most usual of the best kind."""
        found = next(found for found in self._found.values() if found)
        state = np.stack([one.state for one in found], axis=2)
        x = np.array([one.id for one in found], np.int32)
        tape, _ = self._network.read(x[None], state)
        log_p = np.log(self._probabilities(tape) + 1e-300)
        usual = np.exp(log_p).mean(axis=0)
        best = int(np.argmax(log_p @ usual))
        one = found[best]
        written = self._vocabulary.decode([*one.before.tolist(), one.id])
        line_ends = len(written) - len(written.rstrip("\r\n"))
        return Beginning(state[:, :, best : best + 1].copy(), one.id, one.before, line_ends)

    def _keep(self, kind: int, stream: int) -> None:
        found = self._found[kind]
        if kind >= WORD:  # there are many
            found.clear()
        ids = np.array([x[stream] for x in self._drawn[-1 - KEPT :]], np.int32)
        found.append(_Candidate(self._state[:, :, stream].copy(), int(ids[-1]), ids[:-1]))

    def _kind(self, stream: int) -> int:
        written = self._vocabulary.decode(x[stream] for x in self._drawn[-LONGEST:])
        return kind_of(written, self._vocabulary.unit)

    def _probabilities(self, tape: Tape) -> NDArray[np.float64]:
        """p (B, K) of what follows."""
        z = self._network.logits(tape)[0].astype(np.float64)
        if self._able is not None:
            z[:, ~self._able] = -np.inf
        most = z.max(axis=1, keepdims=True)
        if not np.isfinite(most).all():
            raise logits_not_finite()
        p = np.exp(z - most)
        return np.asarray(p / p.sum(axis=1, keepdims=True))


def _usable(network: Network, carried: Array | None) -> tuple[Array, int]:
    """States for the streams, and how many characters they are cold for."""
    zero = network.zero_state(STREAMS)
    L, n, _, H = zero.shape
    fits = carried is not None and carried.ndim == 4 and carried.shape[2] > 0
    if carried is None or not fits or (*carried.shape[:2], carried.shape[3]) != (L, n, H):
        return zero, COLD
    state = carried[:, :, np.arange(STREAMS) % carried.shape[2]].astype(zero.dtype)
    if not np.isfinite(state).all() or not state.any():
        return zero, COLD
    return state, 0
