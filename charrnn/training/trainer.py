"""Everything that training changes, and how it is saved and restored."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.data.corpus import Corpus
from charrnn.data.loader import Cursor, DataLoader
from charrnn.nn import bptt
from charrnn.nn.bptt import CancelledError, GradientResult
from charrnn.nn.network import Network
from charrnn.nn.weight_dropout import apply_weight_dropout, draw_weight_masks
from charrnn.runtime.ranks import Ranks, RankStatus
from charrnn.runtime.workers import WorkerPool
from charrnn.training.divergence import DivergedError, account, finite, first_bad, remedies, sane
from charrnn.training.measures import Mean, Update
from charrnn.training.optim.averaging import WeightAverage
from charrnn.training.optim.clipping import norm
from charrnn.training.optim.optimisers import Optimiser
from charrnn.training.optim.schedules import Progress, Schedule
from charrnn.training.plan import Limits, Rhythm

Array = NDArray[Any]
DROPOUT, DROPCONNECT = 4, 7  # name these uses of the seed
RECENT = 100  # steps whose gradient norms are the usual ones
# What is not finite is looked for where it matters; NumPy need not say so too.
QUIET = np.errstate(over="ignore", invalid="ignore", divide="ignore")


@dataclass
class Trainer:
    """A run in progress. `identity` is what a checkpoint says besides: config, vocabulary, …"""

    split: WorkerPool
    optimiser: Optimiser
    schedule: Schedule
    loader: DataLoader
    corpus: Corpus
    limits: Limits
    rhythm: Rhythm
    clip: Callable[[Array, float], None]
    reduction: str
    window: int | str
    seed: int
    weight_dropout: float
    identity: Mapping[str, Any]
    average: WeightAverage | None = None
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
    rate_scale: float = 1.0
    rollbacks: int = 0
    norms: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))

    def __post_init__(self) -> None:
        self.grad = self.network.params.like()
        self.state = self.network.zero_state(self.loader.B)
        self._started = time.perf_counter()

    @property
    def network(self) -> Network:
        return self.split.network

    @property
    def ranks(self) -> Ranks:
        """The ranks that train together; alone at first."""
        return self.split.ranks

    def join(self, ranks: Ranks) -> None:
        """Train with others, who are where this one is: keep the state of the own streams."""
        self.split.ranks = ranks
        self.state = self.state[:, :, ranks.own(self.state.shape[2])].copy()
        ranks.agreed = RankStatus(seconds=self.seconds_before)

    # -- where the run is ---------------------------------------------------------------

    def start_clock(self) -> None:
        self._started = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds of training, those of earlier parts of the run included."""
        return self.seconds_before + time.perf_counter() - self._started

    @property
    def _limit_seconds(self) -> float:
        return self.ranks.seconds(self.seconds)

    @property
    def epoch(self) -> float:
        return self.loader.epochs_done(self.cursor)

    @property
    def share(self) -> float:
        """The share of the run that is done, by the limit that is nearest."""
        shares = [0.0]
        if self.limits.epochs is not None:
            shares.append(self.epoch / self.limits.epochs)
        if self.limits.steps:
            shares.append(self.step / self.limits.steps)
        if self.limits.minutes is not None:
            shares.append(self._limit_seconds / 60 / self.limits.minutes)
        return min(max(shares), 1.0)

    def is_due(self, every: int | None) -> bool:
        """Whether something falls at this step: every so many steps, or once an epoch."""
        return self.cursor.index == 0 if every is None else self.step % every == 0

    @property
    def is_temporary(self) -> bool:
        """Whether a checkpoint of this step is only there because the run stopped here."""
        return not (self.is_due(self.rhythm.save) or self.step in (0, self.best_step))

    def finished(self) -> str | None:
        """Why the run is over, or None."""
        limits = self.limits
        if limits.steps is not None and self.step >= limits.steps:
            return f"{self.step:,} steps"
        if limits.epochs is not None and self.epoch >= limits.epochs:
            return f"{limits.epochs:g} epochs"
        if limits.minutes is not None and self._limit_seconds >= 60 * limits.minutes:
            return f"{limits.minutes:g} minutes"
        patience = limits.evaluations_without_progress
        if patience is not None and self.evaluations_waited >= patience:
            return f"{patience} evaluations without a better validation loss"
        return None

    # -- one update ---------------------------------------------------------------------

    @QUIET
    def update(self, cancel: Callable[[], bool] | None = None) -> Update:
        """Forward, backward, clip, step: the whole of learning.

        `abandon`: asked between windows; if true on any rank, AbandonedError is raised on each,
        and no step was made.
        """
        B, count = self.loader.size(self.cursor)
        at = Progress(self.step, self.epoch, self.share)
        rate = self.schedule.rate(at) * self.rate_scale
        scale = 1 / count if self.reduction == "mean" else 1 / B
        self.grad.flat.fill(0)
        with apply_weight_dropout(self.network.params, self._weight_masks(), self.grad):
            outcome = self._own_part(B, scale, cancel)
            agreed = self._agree(outcome, cancel)
        if outcome is None or agreed.cancelled:
            raise CancelledError
        total = agreed.loss
        g_norm = norm(self.grad.flat)
        loss = total / count
        if not (sane(loss) and isfinite(g_norm) and agreed.finite):
            raise self.diverged(
                f"the loss is {loss:.3g} nats per character and the gradient's norm {g_norm:.3g}",
                first_bad({**named("the gradient of ", self.grad), "the state": outcome.state}),
            )
        self.clip(self.grad.flat, g_norm)
        self.optimiser.update(self.grad.flat, rate)
        self._check_update(rate)
        if self.average is not None:
            self.average.update(self.step)
        self.state = outcome.state
        self.cursor = self.loader.after(self.cursor)
        self.step += 1
        self.since_log.add(total, count)
        self.norm_since_log.add(g_norm, 1)
        self.norms.append(g_norm)
        self.since_evaluation.add(total, count)
        return Update(loss, g_norm, rate, count)

    def _own_part(
        self, B: int, scale: float, cancel: Callable[[], bool] | None
    ) -> GradientResult | None:
        """This rank's part of the gradient of B streams; None where it is abandoned."""
        own = self.split.own(B)
        batch, fresh = self.loader.batch(self.cursor, own)
        state = self.network.zero_state(own.stop - own.start) if fresh else self.state
        try:
            return self.split.gradient(
                batch, state, self.grad, scale, B=B, window=self.window, cancel=cancel,
                masks=self._masks if self.network.dropout else None,
            )  # fmt: skip
        except CancelledError:
            return None

    def _agree(
        self, outcome: GradientResult | None, cancel: Callable[[], bool] | None
    ) -> RankStatus:
        """Make the gradient that of all ranks; what they agree on."""
        stop = cancel is not None and cancel()
        if outcome is None:
            status = RankStatus(stop=stop, cancelled=True, seconds=self.seconds)
        else:
            status = RankStatus(outcome.loss, finite(outcome.state), stop, False, self.seconds)
        return self.ranks.agree(self.grad.flat, status)

    def _check_update(self, rate: float) -> None:
        """A finite gradient can still be too long a step, or too large to be squared."""
        theta = self.optimiser.theta
        if not finite(theta):
            raise self.diverged(
                f"the update at rate {rate:.3g} overflowed the parameters",
                first_bad(self.network.params),
                by_update=True,
            )
        for name, slot in self.optimiser.slots.items():
            if not finite(slot):
                views = self.network.params.over(slot)
                raise self.diverged(
                    "the update overflowed the optimiser",
                    first_bad(named(f"optim.{name} of ", views)),
                )

    def diverged(
        self, happened: str, culprit: str | None, *, by_update: bool = False
    ) -> DivergedError:
        """The error of the step in progress, with what may help."""
        config, step = self.identity["config"], self.step + 1
        return DivergedError(
            account(f"diverged at step {step:,}: {happened}", self.norms, culprit),
            then="try: " + "\n   or: ".join(remedies(config, step, self.norms)),
            by_update=by_update,
        )

    def _masks(self, network: Network, streams: range) -> bptt.Masks:
        def draw(window: int, T: int) -> list[Array]:
            same = 0 if network.variational else window
            key = [DROPOUT, self.seed, self.step, same, streams.start]
            return network.draw_masks(np.random.default_rng(key), T, len(streams))

        return draw

    def _weight_masks(self) -> dict[str, Array]:
        if not self.weight_dropout:  # making a generator is not free either
            return {}
        rng = np.random.default_rng([DROPCONNECT, self.seed, self.step])
        return draw_weight_masks(self.network.params, self.weight_dropout, rng)

    def averaged(self) -> AbstractContextManager[None]:
        """While it lasts the network is the one that is kept: the mean on the way, or as it is."""
        return nullcontext() if self.average is None else self.average.in_use()

    def record_validation(self, val_loss: float) -> bool:
        """Take note of a validation loss; whether it is the best so far."""
        self.schedule.evaluated(val_loss)
        if val_loss < self.best_loss:
            self.best_loss, self.best_step, self.evaluations_waited = val_loss, self.step, 0
            return True
        self.evaluations_waited += 1
        return False


def named(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The same arrays, with `prefix` before their names."""
    return {f"{prefix}{name}": array for name, array in arrays.items()}
