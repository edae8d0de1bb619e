"""What happens in a run, in the order in which it happens. Losses are nats per character."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Stepped:
    """One update. `loss` is the mean over the update's characters."""

    step: int
    epoch: float
    loss: float
    grad_norm: float
    learning_rate: float
    characters: int
    seconds: float
    share: float


@dataclass(frozen=True)
class Logged:
    """A line for metrics.jsonl; `loss` and `grad_norm` are means since the line before.

    `final`: written because the run ended here; a run that is resumed drops it.
    """

    step: int
    epoch: float
    loss: float
    grad_norm: float
    learning_rate: float
    chars_per_second: float
    seconds: float
    val_loss: float | None
    final: bool = False


@dataclass(frozen=True)
class Evaluated:
    """The validation part was scored; `train_loss` is the mean since the evaluation before."""

    step: int
    epoch: float
    train_loss: float
    val_loss: float
    is_best: bool


@dataclass(frozen=True)
class Sampled:
    """Some text from the model as it is; `final` as in `Logged`."""

    step: int
    text: str
    final: bool = False


@dataclass(frozen=True)
class Previewed:
    """Some text for whoever watches, which no file has; `asked`: somebody wants to see it now."""

    step: int
    text: str
    asked: bool


@dataclass(frozen=True)
class Saving:
    """A checkpoint is about to be written: what was logged before must be on disk first."""

    step: int


@dataclass(frozen=True)
class Saved:
    """A checkpoint was written."""

    step: int
    path: Path
    is_best: bool


@dataclass(frozen=True)
class RolledBack:
    """The run diverged after step `diverged_at`, and continues from `step` with a lower rate.

    `reason`: the first line says what happened. `rate_scale` multiplies the schedule's rate from
    here on. `tries` of `limit` are used. `best_loss` and `best_step` are those of the checkpoint.
    """

    step: int
    epoch: float
    diverged_at: int
    reason: str
    rate_scale: float
    tries: int
    limit: int
    best_loss: float | None
    best_step: int | None


@dataclass(frozen=True)
class Finished:
    """The run ended by itself: why."""

    step: int
    reason: str


@dataclass(frozen=True)
class Mixed:
    """After the end of a run: its n-gram of this order was counted and written to `path`.

    `val_loss`: of the mixture, on the validation part, by the best checkpoint; None without one.
    """

    step: int
    path: Path
    order: int
    val_loss: float | None


@dataclass(frozen=True)
class Interrupted:
    """A signal asked the run to stop, and it was saved."""

    step: int
    signal: int


Event = (
    Stepped
    | Logged
    | Evaluated
    | Sampled
    | Previewed
    | Saving
    | Saved
    | RolledBack
    | Finished
    | Mixed
    | Interrupted
)
