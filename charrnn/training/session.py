"""Everything that training changes, and how it is saved and restored."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn import bptt
from charrnn.data import Corpus, Cursor, Feed
from charrnn.errors import DivergenceError
from charrnn.nn.network import Network
from charrnn.optim import Optimiser, Progress, Schedule, norm
from charrnn.store import Checkpoint

Array = NDArray[Any]
DROPOUT = 4  # names this use of the seed
DIVERGED = 1e4  # nats per character that no model recovers from
# What is not finite is looked for where it matters; NumPy need not say so too.
QUIET = np.errstate(over="ignore", invalid="ignore", divide="ignore")


@dataclass(frozen=True)
class Limits:
    """What ends a run; None is no limit. The first one reached ends it."""

    epochs: float | None = None
    steps: int | None = None
    minutes: float | None = None
    evaluations_without_progress: int | None = None


@dataclass(frozen=True)
class Rhythm:
    """Steps between lines, evaluations and checkpoints; None is once an epoch."""

    log: int
    evaluate: int | None = None
    save: int | None = None
    sample_length: int = 0


@dataclass
class Mean:
    """A running mean that can be saved."""

    total: float = 0.0
    weight: float = 0.0

    def add(self, total: float, weight: float) -> None:
        self.total += total
        self.weight += weight

    @property
    def value(self) -> float:
        return self.total / self.weight if self.weight else float("nan")

    def reset(self) -> None:
        self.total = self.weight = 0.0


@dataclass(frozen=True)
class Update:
    """What one step did."""

    loss: float
    grad_norm: float
    learning_rate: float
    characters: int


@dataclass
class Session:
    """A run in progress. `identity` is what a checkpoint says besides: config, vocabulary, …"""

    network: Network
    optimiser: Optimiser
    schedule: Schedule
    feed: Feed
    corpus: Corpus
    limits: Limits
    rhythm: Rhythm
    clip: Callable[[Array, float], None]
    reduction: str
    window: int | str
    seed: int
    identity: Mapping[str, Any]
    cursor: Cursor = field(default_factory=Cursor)
    step: int = 0
    state: Array = field(init=False)
    best_loss: float = inf
    best_step: int | None = None
    evaluations_waited: int = 0
    since_log: Mean = field(default_factory=Mean)
    norm_since_log: Mean = field(default_factory=Mean)
    since_evaluation: Mean = field(default_factory=Mean)
    seconds_before: float = 0.0

    def __post_init__(self) -> None:
        self.grad = self.network.params.like()
        self.state = self.network.zero_state(self.feed.B)
        self._started = time.perf_counter()

    # -- where the run is ---------------------------------------------------------------

    def start_clock(self) -> None:
        self._started = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds of training, those of earlier parts of the run included."""
        return self.seconds_before + time.perf_counter() - self._started

    @property
    def epoch(self) -> float:
        return self.feed.epochs_done(self.cursor)

    @property
    def share(self) -> float:
        """The share of the run that is done, by the limit that is nearest."""
        shares = [0.0]
        if self.limits.epochs is not None:
            shares.append(self.epoch / self.limits.epochs)
        if self.limits.steps:
            shares.append(self.step / self.limits.steps)
        if self.limits.minutes is not None:
            shares.append(self.seconds / 60 / self.limits.minutes)
        return min(max(shares), 1.0)

    def finished(self) -> str | None:
        """Why the run is over, or None."""
        limits = self.limits
        if limits.steps is not None and self.step >= limits.steps:
            return f"{self.step:,} steps"
        if limits.epochs is not None and self.epoch >= limits.epochs:
            return f"{limits.epochs:g} epochs"
        if limits.minutes is not None and self.seconds >= 60 * limits.minutes:
            return f"{limits.minutes:g} minutes"
        patience = limits.evaluations_without_progress
        if patience is not None and self.evaluations_waited >= patience:
            return f"{patience} evaluations without a better validation loss"
        return None

    # -- one update ---------------------------------------------------------------------

    @QUIET
    def update(self) -> Update:
        """Forward, backward, clip, step: the whole of learning."""
        span, fresh = self.feed.span(self.cursor)
        if fresh:
            self.state = self.network.zero_state(span.x.shape[1])
        rate = self.schedule.rate(Progress(self.step, self.epoch, self.share))
        scale = 1 / span.count if self.reduction == "mean" else 1 / span.x.shape[1]
        self.grad.flat.fill(0)
        outcome = bptt.gradient(
            self.network, span, self.state, self.grad, scale,
            window=self.window, masks=self._masks(span.x.shape[1]),
        )  # fmt: skip
        g_norm = norm(self.grad.flat)
        loss = outcome.loss / span.count
        if not (isfinite(loss) and isfinite(g_norm) and loss < DIVERGED):
            raise DivergenceError(
                f"diverged at step {self.step + 1}: the loss is {loss:.3g} nats per character and "
                f"the gradient's norm {g_norm:.3g}",
                then="lower optim.learning_rate, or clip the gradient (optim.grad_clip)",
            )
        self.clip(self.grad.flat, g_norm)
        self.optimiser.update(self.grad.flat, rate)
        self.state = outcome.state
        self.cursor = self.feed.after(self.cursor)
        self.step += 1
        self.since_log.add(outcome.loss, span.count)
        self.norm_since_log.add(g_norm, 1)
        self.since_evaluation.add(outcome.loss, span.count)
        return Update(outcome.loss / span.count, g_norm, rate, span.count)

    def _masks(self, B: int) -> bptt.Masks | None:
        if not self.network.dropout:
            return None

        def draw(window: int, T: int) -> list[Array]:
            rng = np.random.default_rng([DROPOUT, self.seed, self.step, window])
            return self.network.draw_masks(rng, T, B)

        return draw

    def judged(self, val_loss: float) -> bool:
        """Take note of a validation loss; whether it is the best so far."""
        self.schedule.evaluated(val_loss)
        if val_loss < self.best_loss:
            self.best_loss, self.best_step, self.evaluations_waited = val_loss, self.step, 0
            return True
        self.evaluations_waited += 1
        return False

    # -- saving -------------------------------------------------------------------------

    def checkpoint(self) -> Checkpoint:
        """All of it, so that a session restored from it continues bit for bit."""
        slots = {f"optim.{name}": slot for name, slot in self.optimiser.slots.items()}
        arrays = {**self.network.params, **slots, "state": self.state}
        meta = {
            **self.identity,
            "step": self.step,
            "cursor": [self.cursor.epoch, self.cursor.index],
            "optimiser_steps": self.optimiser.steps,
            "schedule": self.schedule.state(),
            "best": None if self.best_step is None else [self.best_loss, self.best_step],
            "evaluations_waited": self.evaluations_waited,
            "means": [
                [mean.total, mean.weight]
                for mean in (self.since_log, self.norm_since_log, self.since_evaluation)
            ],
        }
        return Checkpoint(arrays, meta)

    def restore(self, checkpoint: Checkpoint) -> None:
        """The other end of `checkpoint`, for a session built from the same configuration."""
        arrays, meta = checkpoint.arrays, checkpoint.meta
        for name, view in self.network.params.items():
            view[...] = arrays[name]
        for name, slot in self.optimiser.slots.items():
            slot[...] = arrays[f"optim.{name}"]
        self.state = np.array(arrays["state"])
        self.step = meta["step"]
        self.cursor = Cursor(*meta["cursor"])
        self.optimiser.steps = meta["optimiser_steps"]
        self.schedule.restore(meta["schedule"])
        if meta["best"] is not None:
            self.best_loss, self.best_step = meta["best"]
        self.evaluations_waited = meta["evaluations_waited"]
        means = (self.since_log, self.norm_since_log, self.since_evaluation)
        for mean, (total, weight) in zip(means, meta["means"], strict=True):
            mean.total, mean.weight = total, weight
