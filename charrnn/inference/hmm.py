"""A hidden Markov model over characters: N states, of which the text shows only what they emit.

    π (N,)    of the first state          A (N, N)  A[i, j] of state j after i
    B (N, K)  B[i, k] of character k in state i

    α_t = (α_{t-1} A) ∘ B[:, x_t] / c_t      c_t such that Σ α_t = 1           (HMM.1)
    β_t = A (B[:, x_{t+1}] ∘ β_{t+1}) / c_{t+1}      β_T = 1                   (HMM.2)
    γ_t = α_t ∘ β_t
    ξ_t[i, j] = α_t[i] A[i, j] B[j, x_{t+1}] β_{t+1}[j] / c_{t+1}              (HMM.3)

c_t is p(x_t | x_1 … x_{t-1}), and Σ log c_t the log-likelihood (Rabiner 1989, scaled). Baum-Welch
replaces π, A and B by the shares of γ_1, Σ ξ_t and Σ γ_t, which never lowers it.
docs/derivations/markov.md sets (HMM.1) beside the RNN.

Many sequences go side by side: ids are (T, n), a column for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.runtime.progress import counted

Ids = NDArray[np.integer[Any]]
Floats = NDArray[np.float64]

INITIAL = 11  # names this use of the seed
ROW = 512  # characters that a stream is cut into, to be learned from side by side
AT_ONCE = 1 << 23  # numbers of α held at a time


@dataclass(frozen=True)
class HMM:
    """π `start` (N,), A `transition` (N, N), B `emission` (N, K); every row sums to 1."""

    start: Floats
    transition: Floats
    emission: Floats

    @property
    def parameters(self) -> int:
        """Free ones: each row has one less than it has numbers."""
        N, K = self.emission.shape
        return (N - 1) + N * (N - 1) + N * (K - 1)


@dataclass(frozen=True)
class Rows:
    """Sequences side by side: `ids` (T, n), of which the first `lengths` (n,) are a sequence."""

    ids: Ids
    lengths: NDArray[np.int64]

    @property
    def inside(self) -> NDArray[np.bool_]:
        return np.arange(len(self.ids))[:, None] < self.lengths


@dataclass(frozen=True)
class Fit:
    """The model before an iteration, and what it makes of the text: Σ log c_t."""

    model: HMM
    log_likelihood: float


def initial(N: int, K: int, seed: int) -> HMM:
    """Rows drawn evenly from all distributions (Dirichlet, all parameters 1)."""
    rng = np.random.default_rng([INITIAL, seed])
    return HMM(
        rng.dirichlet(np.ones(N)), rng.dirichlet(np.ones(N), N), rng.dirichlet(np.ones(K), N)
    )


def baum_welch(model: HMM, batches: Sequence[Rows], iterations: int) -> Iterator[Fit]:
    """`iterations` times: the model and its log-likelihood, then a better one; at last that."""
    for iteration in range(iterations + 1):
        counts, log_likelihood = _Counts.zero(model), 0.0
        for rows in batches:
            log_likelihood += counts.add(model, rows)
        yield Fit(model, log_likelihood)
        if iteration < iterations:
            model = counts.shares(model)


def fit(
    ids: Ids, lengths: NDArray[np.int64], N: int, K: int, *, seed: int, iterations: int = 50,
    tolerance: float = 1e-4,
) -> HMM:  # fmt: skip
    """Learn from sequences one after another in `ids`, of so many characters each.

    Long ones are cut into rows of `ROW` characters. Ends early where an iteration gains less than
    `tolerance` nats a character. Each character is then taken to have been seen once more than it
    was, so that none is impossible.
    """
    batches, before, model = batched(ids, lengths, N), -np.inf, initial(N, K, seed)
    fits = baum_welch(model, batches, iterations)
    for found in counted(fits, f"hidden Markov model of {N} states", iterations + 1):
        model = found.model
        if found.log_likelihood - before < tolerance * len(ids):
            break
        before = found.log_likelihood
    share = K / (len(ids) + K)
    return HMM(model.start, model.transition, (1 - share) * model.emission + share / K)


def batched(ids: Ids, lengths: NDArray[np.int64], N: int) -> list[Rows]:
    """Rows of at most `ROW` characters, alike in length, as many at a time as `AT_ONCE` allows."""
    stops = np.cumsum(lengths)
    cuts = [
        (a, min(a + ROW, stop))
        for start, stop in zip((stops - lengths).tolist(), stops.tolist(), strict=True)
        for a in range(start, stop, ROW)
    ]
    cuts.sort(key=lambda cut: cut[1] - cut[0])
    n = max(AT_ONCE // (ROW * N), 1)
    return [_rows(ids, cuts[first : first + n]) for first in range(0, len(cuts), n)]


def _rows(ids: Ids, cuts: list[tuple[int, int]]) -> Rows:
    lengths = np.array([b - a for a, b in cuts])
    padded = np.zeros((int(lengths.max()), len(cuts)), ids.dtype)
    for column, (a, b) in enumerate(cuts):
        padded[: b - a, column] = ids[a:b]
    return Rows(padded, lengths)


def forward(model: HMM, rows: Rows, entry: Floats | None = None) -> tuple[Floats, Floats]:
    """α (T, n, N) and c (T, n), by (HMM.1). c is 1 behind a sequence's end.

    `entry` (n, N) is the α of the character before, where the rows go on from something.
    """
    T, n = rows.ids.shape
    alpha, c = np.empty((T, n, len(model.start))), np.ones((T, n))
    before = np.broadcast_to(model.start, (n, len(model.start)))
    if entry is not None:
        before = entry @ model.transition
    emitted, inside = model.emission.T, rows.inside
    for t in range(T):
        np.multiply(before, emitted[rows.ids[t]], out=alpha[t])
        np.sum(alpha[t], axis=1, out=c[t], where=inside[t][:, None])
        c[t][~inside[t]] = 1
        alpha[t] /= c[t][:, None]
        before = alpha[t] @ model.transition
    return alpha, c


def backward(model: HMM, rows: Rows, c: Floats) -> Floats:
    """β (T, n, N), by (HMM.2); 1 at each sequence's last character, and behind it."""
    T, n = rows.ids.shape
    beta = np.ones((T, n, len(model.start)))
    emitted, inside = model.emission.T, rows.inside
    for t in range(T - 2, -1, -1):
        after = emitted[rows.ids[t + 1]] * beta[t + 1]
        np.matmul(after / c[t + 1][:, None], model.transition.T, out=beta[t])
        beta[t][~inside[t + 1]] = 1
    return beta


def losses(model: HMM, ids: Ids, entry: Floats | None = None) -> tuple[Floats, Floats]:
    """-log c_t of one sequence (T,), in nats, and the last α (1, N), to go on from."""
    nats, at = np.empty(len(ids)), entry
    step = max(AT_ONCE // len(model.start), 1)
    for a in range(0, len(ids), step):
        part = ids[a : a + step, None]
        alpha, c = forward(model, Rows(part, np.array([len(part)])), at)
        nats[a : a + step], at = -np.log(c[:, 0]), alpha[-1].copy()
    if at is None:
        raise ValueError("no characters")
    return nats, at


@dataclass
class _Counts:
    """How often, as expected by a model, a state is first, follows another, emits a character."""

    start: Floats
    transition: Floats
    emission: Floats

    @classmethod
    def zero(cls, model: HMM) -> _Counts:
        return cls(*(np.zeros_like(a) for a in (model.start, model.transition, model.emission)))

    def add(self, model: HMM, rows: Rows) -> float:
        """Those of some rows, by (HMM.3). Returns their log-likelihood."""
        alpha, c = forward(model, rows)
        beta, inside = backward(model, rows, c), rows.inside
        gamma = (alpha * beta)[inside]
        x = rows.ids[inside]
        self.start += (alpha[0] * beta[0]).sum(0)
        follows = inside[1:]
        after = (
            model.emission.T[rows.ids[1:][follows]] * beta[1:][follows] / c[1:][follows][:, None]
        )
        self.transition += model.transition * (alpha[:-1][follows].T @ after)
        order = np.argsort(x, kind="stable")
        present, begins = np.unique(x[order], return_index=True)
        self.emission[:, present] += np.add.reduceat(gamma[order], begins).T
        return float(np.log(c).sum())

    def shares(self, model: HMM) -> HMM:
        """The model of these counts; `model` where there are none."""
        return HMM(
            self.start / self.start.sum(),
            _shares(self.transition, model.transition),
            _shares(self.emission, model.emission),
        )


def _shares(counts: Floats, otherwise: Floats) -> Floats:
    total = counts.sum(1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, counts / total, otherwise)
