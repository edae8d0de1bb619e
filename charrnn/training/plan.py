"""When a run ends, and what it does on the way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What ends a run; None is no limit. The first one reached ends it.

    `rollbacks`: how often a run that diverges may go back before that is its end.
    """

    epochs: float | None = None
    steps: int | None = None
    minutes: float | None = None
    evaluations_without_progress: int | None = None
    rollbacks: int = 0

    def share(self, step: int, epoch: float, seconds: float) -> float:
        """The share of the run that is done, from 0 to 1, by the limit that is nearest."""
        shares = [0.0]
        if self.epochs is not None:
            shares.append(epoch / self.epochs)
        if self.steps:
            shares.append(step / self.steps)
        if self.minutes is not None:
            shares.append(seconds / 60 / self.minutes)
        return min(max(shares), 1.0)

    def reached(self, step: int, epoch: float, seconds: float, waited: int) -> dict[str, str]:
        """The limits that the run has reached, by the key of `train` that sets them, in words.

        `waited` evaluations were without progress.
        """
        found, patience = {}, self.evaluations_without_progress
        if self.steps is not None and step >= self.steps:
            found["steps"] = f"{self.steps:,} steps"
        if self.epochs is not None and epoch >= self.epochs:
            found["epochs"] = f"{self.epochs:g} epochs"
        if self.minutes is not None and seconds >= 60 * self.minutes:
            found["minutes"] = f"{self.minutes:g} minutes"
        if patience is not None and waited >= patience:
            found["early_stopping"] = f"{patience} evaluations without a better validation loss"
        return found


@dataclass(frozen=True)
class Rhythm:
    """Steps between lines, evaluations and checkpoints; None is once an epoch."""

    log: int
    evaluate: int | None = None
    save: int | None = None
    sample_length: int = 0
