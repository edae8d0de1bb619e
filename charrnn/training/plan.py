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


@dataclass(frozen=True)
class Rhythm:
    """Steps between lines, evaluations and checkpoints; None is once an epoch."""

    log: int
    evaluate: int | None = None
    save: int | None = None
    sample_length: int = 0
