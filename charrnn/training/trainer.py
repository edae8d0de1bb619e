"""One update: a batch, its gradient, the step of the optimiser. `state` is all that it changes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.data.corpus import Corpus
from charrnn.data.loader import DataLoader
from charrnn.nn.bptt import CancelledError, GradientResult
from charrnn.nn.dropout import DropoutMasks, apply_weight_dropout, draw_weight_masks
from charrnn.nn.network import Network
from charrnn.runtime.ranks import Ranks, RankStatus
from charrnn.runtime.workers import WorkerPool
from charrnn.storage.checkpoint import Checkpoint
from charrnn.storage.metadata import Metadata
from charrnn.training.divergence import QUIET, DivergenceCheck
from charrnn.training.optim.optimisers import is_finite, norm
from charrnn.training.optim.schedules import Progress
from charrnn.training.plan import Clock, Intervals, Limits, Update
from charrnn.training.state import TrainingState

Array = NDArray[Any]
DROPOUT, DROPCONNECT = 4, 7  # name these uses of the seed


@dataclass
class Trainer:
    """A run in progress. `identity` is what a checkpoint says besides: config, vocabulary, …"""

    pool: WorkerPool
    state: TrainingState
    loader: DataLoader
    corpus: Corpus
    limits: Limits
    intervals: Intervals
    clip: Callable[[Array, float], None]
    reduction: str
    window: int | str
    seed: int
    weight_dropout: float
    identity: Mapping[str, Any]
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.grad = self.network.params.like()
        self.divergence = DivergenceCheck(self.identity["config"], self.state)

    @property
    def network(self) -> Network:
        return self.pool.network

    @property
    def ranks(self) -> Ranks:
        """The ranks that train together; alone at first."""
        return self.pool.ranks

    # -- one update -------------------------------------------------------------------------

    @QUIET
    def update(self, cancel: Callable[[], bool] | None = None) -> Update:
        """Forward, backward, clip, step: the whole of learning.

        `cancel`: asked between windows; if true on any rank, CancelledError is raised on each, and
        no step was made. Raises DivergedError where something is not finite.
        """
        state, g = self.state, self.grad.flat
        if state.cursor.index == 0:
            state.fitting_epochs = self._fitting_epochs()
        B, count = self.loader.size(state.cursor)
        rate = state.schedule.rate(self.progress) * state.rate_scale
        scale = 1 / count if self.reduction == "mean" else 1 / B
        g.fill(0)
        with apply_weight_dropout(self.network.params, self._weight_masks(), self.grad):
            result = self._own_gradient(B, scale, cancel)
            agreed = self.ranks.agree(g, self._status(result, cancel))
        if result is None or agreed.cancelled:
            raise CancelledError
        g_norm, loss = norm(g), agreed.loss / count
        self.divergence.check_gradient(
            loss, g_norm, self.grad, result.state, all_finite=bool(agreed.finite)
        )
        self.clip(g, g_norm)
        if not state.optimiser.update(g, rate):
            raise self.divergence.update_error(rate)
        if state.average is not None:
            state.average.update(state.step)
        state.norm_since_log.add(g_norm, 1)
        state.record_update(result.state, self.loader.after(state.cursor), agreed.loss, count)
        self.divergence.norms.append(g_norm)
        return Update(loss, g_norm, rate, count)

    def _own_gradient(
        self, B: int, scale: float, cancel: Callable[[], bool] | None
    ) -> GradientResult | None:
        """This rank's part of the gradient of B streams; None where it was cancelled."""
        own = self.ranks.own(B)
        batch, fresh = self.loader.batch(self.state.cursor, own)
        initial = self.network.zero_state(own.stop - own.start) if fresh else self.state.carried
        try:
            return self.pool.gradient(
                batch, initial, self.grad, scale, B=B, window=self.window, cancel=cancel,
                initial=False,
                masks=self.dropout_masks(B).of_streams if self.network.dropout else None,
            )  # fmt: skip
        except CancelledError:
            return None

    def _status(
        self, result: GradientResult | None, cancel: Callable[[], bool] | None
    ) -> RankStatus:
        stop, seconds = cancel is not None and cancel(), self.clock.seconds
        if result is None:
            return RankStatus(stop=stop, cancelled=True, seconds=seconds)
        return RankStatus(result.loss, is_finite(result.state), stop, False, seconds)

    def dropout_masks(self, B: int) -> DropoutMasks:
        """Those of the next update, on B streams."""
        return DropoutMasks((DROPOUT, self.seed, self.state.step), B, self.state.conventions)

    def _weight_masks(self) -> dict[str, Array]:
        if not self.weight_dropout:  # making a generator is not free either
            return {}
        rng = np.random.default_rng([DROPCONNECT, self.seed, self.state.step])
        return draw_weight_masks(self.network.params, self.weight_dropout, rng)

    # -- where the run is -------------------------------------------------------------------

    @property
    def step(self) -> int:
        return self.state.step

    @property
    def epoch(self) -> float:
        return self.loader.epochs_done(self.state.cursor)

    @property
    def share(self) -> float:
        """The share of the run that is done."""
        seconds, fitting = self._limit_seconds, self.state.fitting_epochs
        return self.limits.share(self.step, self.epoch, seconds, fitting)

    @property
    def progress(self) -> Progress:
        return Progress(self.step, self.epoch, self.share)

    def _fitting_epochs(self) -> int | None:
        """How many epochs fit into the minutes; there is time for the next, which now begins."""
        done = self.state.cursor.epoch
        fitting = self.limits.fitting_epochs(done, self._limit_seconds)
        return None if fitting is None else max(fitting, done + 1)

    @property
    def _limit_seconds(self) -> float:
        return self.ranks.seconds(self.clock.seconds)

    def limits_reached(self) -> dict[str, str]:
        """The limits that end the run here: keys of `train`, and each in words."""
        waited = self.state.evaluations_waited
        return self.limits.reached(self.step, self.epoch, self._limit_seconds, waited)

    def reason_to_stop(self) -> str | None:
        """Why the run is over, or None."""
        return next(iter(self.limits_reached().values()), None)

    def is_due(self, every: int | None) -> bool:
        """Whether something falls at this step: every so many steps, or once an epoch."""
        return self.state.cursor.index == 0 if every is None else self.step % every == 0

    @property
    def is_temporary(self) -> bool:
        """Whether a checkpoint of this step is only there because the run stopped here."""
        return not (self.is_due(self.intervals.save) or self.step in (0, self.state.best_step))

    # -- what others do with it -------------------------------------------------------------

    def join(self, ranks: Ranks) -> None:
        """Train with others, who are where this one is: keep the state of the own streams."""
        self.pool.ranks = ranks
        carried = self.state.carried
        self.state.carried = carried[:, :, ranks.own(carried.shape[2])].copy()
        ranks.agreed = RankStatus(seconds=self.clock.before)

    def averaged(self) -> AbstractContextManager[None]:
        """While it lasts the network is the one that is kept: the mean on the way, or as it is."""
        average = self.state.average
        return nullcontext() if average is None else average.in_use()

    def restore(self, checkpoint: Checkpoint, where: str, reset: Collection[str] = ()) -> None:
        """The inverse of `checkpoint`; `reset` as in `TrainingState.restore`."""
        self.state.restore(checkpoint, self.ranks, where, reset)
        self.divergence.norms.clear()

    def checkpoint(self) -> Checkpoint:
        """All that the run continues from, bit for bit; every rank calls it."""
        arrays, values = self.state.state_dict(self.ranks)
        return Checkpoint(arrays, Metadata.of({**self.identity, **values}))
