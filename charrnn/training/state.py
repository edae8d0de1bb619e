"""The state of training: all that an update changes. It is saved, checked and restored here.

A new piece of it is a field of `TrainingState`, and where it is saved one of `SavedState`, a line
of `state_dict` and a line of `restore`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field

from charrnn.data.loader import Cursor, DataLoader
from charrnn.errors import CheckpointError
from charrnn.nn.network import Network
from charrnn.runtime.ranks import Ranks
from charrnn.storage.checkpoint import Checkpoint, damaged, require_array
from charrnn.storage.metadata import (
    CONVENTIONS,
    Count,
    Finite,
    Metadata,
    Section,
    as_tuple,
    validated,
)
from charrnn.training.optim.averaging import WeightAverage
from charrnn.training.optim.optimisers import Optimiser
from charrnn.training.optim.schedules import Schedule
from charrnn.training.plan import Mean

Array = NDArray[Any]
Shape = tuple[int, ...]
TRAINING = "training."  # before the names of parameters that are only trained on, not kept

Sum = Annotated[tuple[Finite, Annotated[Finite, Field(ge=0)]], BeforeValidator(as_tuple)]
Scale = Annotated[Finite, Field(gt=0, le=1)]


class SavedSchedule(Section):
    """What a schedule remembers; a field that it has no use for is not saved."""

    best: Finite = 0.0
    waited: Count = 0
    scale: Scale = 1.0


class SavedState(Section):
    """What a checkpoint's metadata says of the state, with its types."""

    step: Count
    cursor: Annotated[tuple[Count, Count], BeforeValidator(as_tuple)]
    optimiser_steps: Count
    schedule: SavedSchedule
    best: Annotated[tuple[Finite, Count], BeforeValidator(as_tuple)] | None
    evaluations_waited: Count
    means: Annotated[tuple[Sum, Sum, Sum], BeforeValidator(as_tuple)]
    rate_scale: Scale
    rollbacks: Count
    fitting_epochs: Count | None = None
    conventions: Annotated[int, Field(ge=1, le=CONVENTIONS)]

    @classmethod
    def of(cls, checkpoint: Checkpoint, where: str) -> SavedState:
        """That of a checkpoint. Raises CheckpointError for a field of the wrong kind."""
        return cls.of_meta(checkpoint.meta, where)

    @classmethod
    def of_meta(cls, meta: Metadata, where: str) -> SavedState:
        """The same from its metadata alone."""
        try:
            return validated(cls, meta.values)
        except ValueError as error:
            raise damaged(error, where) from None


@dataclass
class TrainingState:
    """`carried` (L, n, B, H): the state that the next batch begins with, of this rank's streams.

    `since_log`, `norm_since_log` and `since_evaluation` are running means; `rate_scale` multiplies
    the schedule's rate, and is what rollbacks left. `fitting_epochs`: how many fit into the minutes
    of a run of whole epochs, as its clock was when the last one ended. `conventions`: see
    `storage/metadata.py`.
    """

    network: Network
    optimiser: Optimiser
    schedule: Schedule
    average: WeightAverage | None
    carried: Array
    step: int = 0
    cursor: Cursor = field(default_factory=Cursor)
    best_loss: float = inf
    best_step: int | None = None
    evaluations_waited: int = 0
    since_log: Mean = field(default_factory=Mean)
    norm_since_log: Mean = field(default_factory=Mean)
    since_evaluation: Mean = field(default_factory=Mean)
    rate_scale: float = 1.0
    rollbacks: int = 0
    fitting_epochs: int | None = None
    conventions: int = CONVENTIONS

    @property
    def best(self) -> float | None:
        """The best validation loss, None before there is one."""
        return None if self.best_step is None else self.best_loss

    def record_update(self, carried: Array, cursor: Cursor, loss: float, characters: int) -> None:
        """Count one update; `loss` is the sum over its characters."""
        self.carried, self.cursor = carried, cursor
        self.step += 1
        self.since_log.add(loss, characters)
        self.since_evaluation.add(loss, characters)

    def record_validation(self, val_loss: float) -> bool:
        """Take note of a validation loss; whether it is the best so far."""
        self.schedule.record_validation(val_loss)
        if val_loss < self.best_loss:
            self.best_loss, self.best_step, self.evaluations_waited = val_loss, self.step, 0
            return True
        self.evaluations_waited += 1
        return False

    # -- saved, checked, restored -----------------------------------------------------------

    def state_dict(self, ranks: Ranks) -> tuple[dict[str, Array], dict[str, Any]]:
        """Arrays and JSON values; every rank calls it, and has the carried states of all streams.

        Training that is restored from them continues bit for bit.
        """
        params = self.network.params
        arrays: dict[str, Array] = dict(params)
        if self.average is not None:
            arrays = dict(params.over(self.average.mean)) | prefixed(TRAINING, params)
        arrays |= prefixed("optim.", self.optimiser.slots)
        arrays["state"] = ranks.join_streams(self.carried)
        means = (self.since_log, self.norm_since_log, self.since_evaluation)
        fitting = self.fitting_epochs
        return arrays, {
            **({} if fitting is None else {"fitting_epochs": fitting}),
            "step": self.step,
            "cursor": [self.cursor.epoch, self.cursor.index],
            "optimiser_steps": self.optimiser.steps,
            "schedule": self.schedule.state_dict(),
            "best": None if self.best_step is None else [self.best_loss, self.best_step],
            "evaluations_waited": self.evaluations_waited,
            "means": [[mean.total, mean.weight] for mean in means],
            "rate_scale": self.rate_scale,
            "rollbacks": self.rollbacks,
            "conventions": self.conventions,
        }

    def require_fit(
        self, checkpoint: Checkpoint, loader: DataLoader, where: str, reset: Collection[str] = ()
    ) -> None:
        """Raise CheckpointError where the state of a checkpoint is not one of this run.

        `reset`: what `restore` will not take from it.
        """
        arrays, saved = checkpoint.arrays, SavedState.of(checkpoint, where)
        for name, view in self.network.params.items():
            require_array(name, arrays, view.shape, where)
            if TRAINING + name in arrays:
                require_array(TRAINING + name, arrays, view.shape, where)
        if "optimiser" not in reset:
            for name, slot in prefixed("optim.", self.optimiser.slots).items():
                require_array(name, arrays, slot.shape, where)
        cursor = _cursor_of(saved, reset)
        if cursor.index >= loader.batches_per_epoch:
            raise CheckpointError(
                f"is damaged: its cursor is at window {cursor.index:,} of "
                f"{loader.batches_per_epoch:,}", where=where,
            )  # fmt: skip
        require_array("state", arrays, self._carried_shape(arrays, loader, cursor), where)
        missing = self.schedule.state_dict().keys() - saved.schedule.model_fields_set - {"best"}
        if missing and "schedule" not in reset:
            raise CheckpointError(
                f"is damaged: its schedule has no {', '.join(sorted(missing))}", where=where
            )

    def _carried_shape(
        self, arrays: Mapping[str, Array], loader: DataLoader, cursor: Cursor
    ) -> Shape:
        """(L, n, B, H) at the cursor; before a batch that resets the state B may be any."""
        batch, fresh = loader.batch(cursor)
        stored = arrays.get("state", self.carried)
        B = stored.shape[2] if fresh and stored.ndim == 4 else batch.x.shape[1]
        L, n, _, H = self.carried.shape
        return L, n, B, H

    def restore(
        self, checkpoint: Checkpoint, ranks: Ranks, where: str, reset: Collection[str] = ()
    ) -> None:
        """Continue from a checkpoint; `reset`: what begins from the start instead.

        Of "optimiser" (its slots), "schedule" (its state), "epoch" (at its first window), "best"
        (the validation loss), "rate" (the scale that rollbacks left).
        """
        arrays, saved = checkpoint.arrays, SavedState.of(checkpoint, where)
        params, streams = self.network.params, self.carried.shape[2]
        self.conventions = saved.conventions
        self.schedule.follow(saved.conventions)
        for name, view in params.items():
            view[...] = arrays.get(TRAINING + name, arrays[name])
        if self.average is not None:
            for name, view in params.over(self.average.mean).items():
                view[...] = arrays[name]
        if "optimiser" not in reset:
            for name, slot in self.optimiser.slots.items():
                slot[...] = arrays[f"optim.{name}"]
            self.optimiser.steps = saved.optimiser_steps
        if "schedule" not in reset:
            forgotten = {"best", "waited"} if "best" in reset else None
            self.schedule.restore(saved.schedule.model_dump(exclude_unset=True, exclude=forgotten))
        self.step, self.cursor = saved.step, _cursor_of(saved, reset)
        own = ranks.own(arrays["state"].shape[2])
        self.carried = np.array(arrays["state"][:, :, own], params.flat.dtype)
        if "epoch" in reset:
            self.carried = self.network.zero_state(streams)
        best = None if "best" in reset else saved.best
        self.best_loss, self.best_step = (inf, None) if best is None else best
        self.evaluations_waited = 0 if "best" in reset else saved.evaluations_waited
        self.rate_scale = 1.0 if "rate" in reset else saved.rate_scale
        self.rollbacks = 0 if "rate" in reset else saved.rollbacks
        self.fitting_epochs = saved.fitting_epochs
        means = (self.since_log, self.norm_since_log, self.since_evaluation)
        for mean, (total, weight) in zip(means, saved.means, strict=True):
            mean.total, mean.weight = total, weight


def _cursor_of(saved: SavedState, reset: Collection[str]) -> Cursor:
    epoch, index = saved.cursor
    return Cursor(epoch, 0 if "epoch" in reset else index)


def prefixed(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The same arrays, with `prefix` before their names."""
    return {f"{prefix}{name}": array for name, array in arrays.items()}
