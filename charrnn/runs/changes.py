"""A run that is resumed with another configuration: what changed, what cannot, what is reset.

The length of a run too: what ended it, and what makes it go on.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charrnn.config import Config, flat
from charrnn.config.loading import load_over, written_layer
from charrnn.errors import ConfigError, UsageError, argument, call
from charrnn.training.trainer import Trainer

# A run may be made longer, and the n-gram is not what is trained.
FREE = {"train.steps", "train.epochs", "train.minutes", "ngram.order"}
TEXT = "data.text"

_INITIAL = "is read only when a run begins"
_MODEL = "the parameters are those of the model as it is"
_SPLIT = "what the model was trained on would be used to validate it"
_UNIT = "the model was trained on text that was read the other way"
REFUSED = {
    "model.init": _INITIAL, "model.forget_bias": _INITIAL, "model": _MODEL,
    "data.split": _SPLIT, "data.split_seed": _SPLIT, "data.split_by": _SPLIT, "data.mode": _UNIT,
    "data.unit": _UNIT, "data.separator": _UNIT, "data.newlines": _UNIT,
    "data.min_count": _UNIT,
}  # fmt: skip
POSSIBLE = {"model.dropout", "model.variational_dropout", "model.weight_dropout"}
# Keys that decide what the windows of an epoch are.
WINDOWS = {
    "data.on_unknown", "train.batch_size", "train.seed", "bptt.mode", "bptt.k1", "bptt.k2",
}  # fmt: skip
SAME_SLOTS = {"adam", "adamw"}

RESET_NOTICES = {
    "optimiser": "the optimiser is reset: its means are those of another rule",
    "schedule": "the schedule is reset",
    "epoch": "the epoch starts over, with a state of zero",
    "best": "the best validation loss so far was of another text, and counts no more",
}


@dataclass(frozen=True)
class Change:
    """A dotted key that is not what the last checkpoint has; `origin` says where it was set."""

    key: str
    before: Any
    after: Any
    origin: str

    def __str__(self) -> str:
        return f"{self.key}: {_shown(self.before)} → {_shown(self.after)} ({self.origin})"


def find_changes(
    file: Path, stored: Config, sets: Sequence[str], flags: Mapping[str, Any]
) -> tuple[Config, list[Change]]:
    """The configuration that `file`, `sets` and `flags` ask for, and how it differs from `stored`.

    Raises ConfigError for mistakes in any of them.
    """
    layer = written_layer(file, stored)
    wanted = load_over(layer, sets, flags)
    before, edited, after = flat(stored), flat(load_over(layer)), flat(wanted)
    before["ngram.order"] = edited["ngram.order"]  # which no checkpoint has
    return wanted, [
        Change(key, before[key], value, file.name if edited[key] == value else "command line")
        for key, value in after.items()
        if before[key] != value
    ]


def require_possible(changes: Sequence[Change], run: Path) -> None:
    """Raise ConfigError for changes that no flag makes good."""
    refused = [(change, reason) for change in changes if (reason := _reason(change.key))]
    if refused:
        raise ConfigError(
            "a run cannot continue with\n  "
            + "\n  ".join(f"{change}: {reason}" for change, reason in refused),
            where=str(run),
            then="leave these keys as they were, or start a new run from this one's model: "
            f"{argument('init_from', run)}",
        )


def require_accepted(changes: Sequence[Change], run: Path) -> None:
    """Raise UsageError naming what changed since the last checkpoint, if anything did.

    The run's length and the n-gram's order may change freely; the text is compared by its content,
    elsewhere.
    """
    open_questions = [change for change in changes if change.key not in {*FREE, TEXT}]
    if open_questions:
        raise UsageError(
            "the configuration is not that of the last checkpoint:\n  "
            + "\n  ".join(map(str, open_questions)),
            where=str(run),
            then=f"to continue with these values: {argument('accept_changes')}; to continue "
            "without, set them back",
        )


def parts_to_reset(changes: Sequence[Change], *, text: bool) -> set[str]:
    """What is not restored after these changes: see `TrainingState.restore`."""
    by_key = {change.key: change for change in changes}
    reset = set()
    if "optim.name" in by_key:
        rule = by_key["optim.name"]
        if {rule.before, rule.after} != SAME_SLOTS:
            reset.add("optimiser")
    if "optim.schedule.name" in by_key:
        reset.add("schedule")
    if "optim.learning_rate" in by_key:
        reset.add("rate")
    if text or WINDOWS & set(by_key):
        reset.add("epoch")
    if text:
        reset.add("best")
    return reset


def describe_text_change(before: Mapping[str, int], after: Mapping[str, int]) -> str:
    """How the files of a text with another hash differ from what they were."""
    found = [f"{name} is new, {size:,} bytes" for name, size in after.items() if name not in before]
    found += [f"{name} is left out" for name in before if name not in after]
    found += [
        f"{name} has {after[name]:,} bytes, and had {size:,}"
        for name, size in before.items()
        if after.get(name, size) != size
    ]
    return "\n  ".join(found) or "as long as before, with other characters"


def _reason(key: str) -> str | None:
    if key in POSSIBLE:
        return None
    parts = key.split(".")
    prefixes = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
    return next((REFUSED[prefix] for prefix in prefixes if prefix in REFUSED), None)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


LENGTHS = ("steps", "epochs", "minutes")  # keys of `train`, and arguments


def is_length_given(keys: Collection[str]) -> bool:
    """Whether one of the dotted keys says how long the run is."""
    return bool(_named(keys))


def lift_limits(
    config: Config, given: Collection[str], trainer: Trainer
) -> tuple[Config, list[Change]]:
    """The configuration without the limits that ended the run, if a length is `given`.

    So `steps` makes a run longer that its epochs, its minutes or early stopping ended: what is
    given decides. A limit that the run has not reached stays, but for the epochs and the minutes of
    a plan (`train.whole_epochs`), which go together.
    """
    if not is_length_given(given):
        return config, []
    nearly = trainer.limits.is_nearly_over(trainer.clock.seconds)
    reached = {*trainer.limits_reached(), *(["minutes"] if nearly else [])}
    planned = {"epochs", "minutes"} if config.train.whole_epochs else set()
    changes = [
        Change(f"train.{name}", before, None,
               "had ended the run" if name in reached else "was planned for another length")
        for name in (*LENGTHS, "early_stopping")
        if name in (reached | planned) - _named(given)
        and (before := getattr(config.train, name)) is not None
    ]  # fmt: skip
    lifted = {change.key.removeprefix("train."): None for change in changes}
    train = config.train.model_copy(update=lifted)
    return config.model_copy(update={"train": train}), changes


def _named(given: Collection[str]) -> set[str]:
    return {name for name in LENGTHS if f"train.{name}" in given}


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
