"""The length of a run that is resumed: what ended it, and what makes it go on."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from charrnn.config import Config
from charrnn.errors import UsageError, argument, call
from charrnn.runs.changes import Change
from charrnn.training.trainer import Trainer

LENGTHS = ("steps", "epochs", "minutes")  # keys of `train`, and arguments


def is_length_given(keys: Collection[str]) -> bool:
    """Whether one of the dotted keys says how long the run is."""
    return bool(_named(keys))


def lift_limits(
    config: Config, given: Collection[str], trainer: Trainer
) -> tuple[Config, list[Change]]:
    """The configuration without the limits that ended the run, if a length is `given`.

    So `steps` makes a run longer that its epochs, its minutes or early stopping ended: what is
    given decides. A limit that the run has not reached stays.
    """
    if not is_length_given(given):
        return config, []
    reached = {*trainer.limits_reached(), *(["minutes"] if _is_nearly_over(trainer) else [])}
    ended = [name for name in (*LENGTHS, "early_stopping") if name in reached - _named(given)]
    changes = [
        Change(f"train.{name}", getattr(config.train, name), None, "had ended the run")
        for name in ended
    ]
    train = config.train.model_copy(update=dict.fromkeys(ended))
    return config.model_copy(update={"train": train}), changes


def _named(given: Collection[str]) -> set[str]:
    return {name for name in LENGTHS if f"train.{name}" in given}


def _is_nearly_over(trainer: Trainer) -> bool:
    """Whether the minutes end the run at once: the last line of the log may be a little older."""
    minutes = trainer.limits.minutes
    return minutes is not None and 60 * minutes - trainer.clock.seconds < max(0.6 * minutes, 2)


def require_left(config: Config, given: Collection[str], trainer: Trainer) -> None:
    """Raise UsageError where a length that is given is less than what the run has done."""
    done = {"epochs": trainer.epoch, "minutes": trainer.clock.before / 60}
    for name, value in done.items():
        asked = getattr(config.train, name)
        if f"train.{name}" in given and asked is not None and asked < value:
            raise UsageError(
                f"the run has trained {value:.3g} {name} already", where=argument(name, asked)
            )


def advise(trainer: Trainer, run: Path) -> str | None:
    """Of a run that is at its end: that it is, and the command that doubles what ended it."""
    ended = trainer.limits_reached()
    if not ended:
        return None
    name, reason = next(iter(ended.items()))
    limit = getattr(trainer.limits, name) if name in LENGTHS else trainer.step
    longer = {name if name in LENGTHS else "steps": max(2 * limit, 1)}
    command = call("resume", str(run), **longer)
    return f"the run is finished ({reason}); to train longer, for example: {command}"
