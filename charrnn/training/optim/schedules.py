"""The learning rate as a function of progress: each schedule is a factor on the base rate."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi


@dataclass(frozen=True)
class Progress:
    """Where the run is: updates done, epochs done (2.5: mid third), and the share of the run."""

    step: int
    epoch: float
    share: float


class Schedule:
    """Constant, after `warmup_steps` of linear rise; the base of the others."""

    def __init__(self, base: float, warmup_steps: int) -> None:
        self.base, self.warmup_steps = base, warmup_steps

    def rate(self, at: Progress) -> float:
        """The learning rate of the update made at this progress."""
        warm = min((at.step + 1) / self.warmup_steps, 1.0) if self.warmup_steps else 1.0
        return self.base * warm * self.factor(at)

    def factor(self, at: Progress) -> float:
        """The shape, as a share of the base rate."""
        return 1.0

    def follow(self, conventions: int) -> None:
        """Keep to the conventions that a run was begun with (`storage/metadata.py`)."""

    def record_validation(self, loss: float) -> None:
        """Take note of a validation loss, in nats per character."""

    def state_dict(self) -> dict[str, float]:
        """What a checkpoint must keep."""
        return {}

    def restore(self, state: dict[str, float]) -> None:
        """The inverse of `state_dict`."""


class Step(Schedule):
    """factor^n after n drops: the first after `after` epochs, the next every `every` epochs.

    As in char-rnn, where the rate drops at the end of an epoch if `epoch >= after`; so `after` 0 is
    1. The first two conventions put the first drop `every` epochs later.
    """

    def __init__(
        self, base: float, warmup_steps: int, *, factor: float, after: int, every: int
    ) -> None:
        super().__init__(base, warmup_steps)
        self._factor, self._after, self._every = factor, after, every
        self._first_drop = max(after, 1)

    def follow(self, conventions: int) -> None:
        self._first_drop = self._after + self._every if conventions < 3 else max(self._after, 1)

    def factor(self, at: Progress) -> float:
        since_first = int(at.epoch) - self._first_drop
        drops = since_first // self._every + 1 if since_first >= 0 else 0
        return float(self._factor**drops)


class Exponential(Schedule):
    """factor^epochs, continuously."""

    def __init__(self, base: float, warmup_steps: int, *, factor: float) -> None:
        super().__init__(base, warmup_steps)
        self._factor = factor

    def factor(self, at: Progress) -> float:
        return float(self._factor**at.epoch)


class Linear(Schedule):
    """From 1 to `final` over the run."""

    def __init__(self, base: float, warmup_steps: int, *, final: float) -> None:
        super().__init__(base, warmup_steps)
        self._final = final

    def factor(self, at: Progress) -> float:
        return 1 - (1 - self._final) * min(at.share, 1)


class Cosine(Linear):
    """From 1 to `final` over the run, by half a cosine (Loshchilov & Hutter 2017)."""

    def factor(self, at: Progress) -> float:
        return self._final + (1 - self._final) * (1 + cos(pi * min(at.share, 1))) / 2


class Plateau(Schedule):
    """Drops by `factor` after `patience` evaluations in a row without a better loss."""

    def __init__(self, base: float, warmup_steps: int, *, factor: float, patience: int) -> None:
        super().__init__(base, warmup_steps)
        self._factor, self._patience = factor, patience
        self._best, self._waited, self._scale = float("inf"), 0, 1.0

    def factor(self, at: Progress) -> float:
        return self._scale

    def record_validation(self, loss: float) -> None:
        if loss < self._best:
            self._best, self._waited = loss, 0
            return
        self._waited += 1
        if self._waited >= self._patience:
            self._scale *= self._factor
            self._waited = 0

    def state_dict(self) -> dict[str, float]:
        # JSON has no infinity: before the first evaluation there is no best loss.
        best = {} if self._best == float("inf") else {"best": self._best}
        return {**best, "waited": self._waited, "scale": self._scale}

    def restore(self, state: dict[str, float]) -> None:
        self._best = float(state.get("best", "inf"))
        self._scale = float(state["scale"])
        self._waited = int(state.get("waited", 0))


def make_schedule(
    name: str,
    base: float,
    *,
    warmup_steps: int = 0,
    factor: float = 1.0,
    after: int = 0,
    every: int = 1,
    patience: int = 1,
    final: float = 0.0,
) -> Schedule:
    """The schedule of that name."""
    if name == "constant":
        return Schedule(base, warmup_steps)
    if name == "step":
        return Step(base, warmup_steps, factor=factor, after=after, every=every)
    if name == "exponential":
        return Exponential(base, warmup_steps, factor=factor)
    if name == "linear":
        return Linear(base, warmup_steps, final=final)
    if name == "cosine":
        return Cosine(base, warmup_steps, final=final)
    if name == "plateau":
        return Plateau(base, warmup_steps, factor=factor, patience=patience)
    raise ValueError(f"no schedule {name!r}")
