"""The runs of a folder. `charrnn.list_runs` and `charrnn runs` are made of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from os import fspath
from pathlib import Path
from typing import Any, Literal

from charrnn.api.arguments import require
from charrnn.api.settings import AnyPath
from charrnn.errors import CheckpointError
from charrnn.runs.listing import DEFAULT, RunInfo, describe_run, runs_below

Sort = Literal[
    "age", "name", "cell", "parameters", "text", "loss", "steps", "seconds", "state"
]  # fmt: skip


def list_runs(folder: AnyPath = "runs", *, sort: Sort = "age") -> list[RunInfo]:
    """The runs in a folder, and in folders of it such as a sweep's, without loading any model.

    `sort`: "age" has the newest first, "loss" the best, the others the smallest; what a run has not
    comes last. A run that is damaged has its `problem`. Raises CheckpointError where there is no
    such folder.

    >>> run, = charrnn.list_runs("runs", sort="loss")
    >>> str(run.path), run.state, run.step, run.config.model.cell
    ('runs/tiny', 'finished', 20, 'gru')
    """
    require(sort=sort)
    path = Path(fspath(folder))
    if not path.is_dir():
        made = "; `charrnn train` makes its runs in runs/" if path == DEFAULT else ""
        raise CheckpointError(f"no such folder{made}", where=str(path))
    found = [describe_run(run) for run in runs_below(path)]
    found.sort(key=lambda run: _natural(str(run.path)))
    return sorted(found, key=lambda run: _rank(_KEYS[sort](run)))


def text_names(run: RunInfo) -> list[str]:
    """The names of a run's texts, without their folders."""
    return [] if run.config is None else [Path(name).name for name in run.config.data.text]


def values_of(run: RunInfo, now: float | None = None) -> dict[str, Any]:
    """An object of `charrnn runs --format json`."""
    model = None if run.config is None else run.config.model
    return {
        "run": str(run.path), "cell": model and model.cell,
        "num_layers": model and model.num_layers, "hidden_size": model and model.hidden_size,
        "parameters": run.parameters, "K": run.K,
        "text": [] if run.config is None else list(run.config.data.text),
        "best_val_loss": run.best_val_loss, "best_step": run.best_step, "step": run.step,
        "epoch": run.epoch, "seconds": run.seconds, "mixture": run.mixture, "state": run.state,
        "updated": _iso(run.updated),
        "age": round(age(run, now), 1), "problem": run.problem,
    }  # fmt: skip


def _iso(seconds: float) -> str | None:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):  # a file may have any time
        return None


def age(run: RunInfo, now: float | None = None) -> float:
    """Seconds since the run was last written to."""
    return max((time.time() if now is None else now) - run.updated, 0.0)


def _natural(name: str) -> list[tuple[int, str]]:
    """For an order in which names-2 comes before names-10."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part)
        for part in re.split(r"(\d{1,18})", name)
    ]


def _rank(value: Any) -> tuple[bool, Any]:
    return value is None, 0 if value is None else value


_KEYS: dict[str, Callable[[RunInfo], Any]] = {
    "age": lambda run: -run.updated,
    "name": lambda run: _natural(str(run.path)),
    "cell": lambda run: None if run.config is None else run.config.model.cell,
    "parameters": lambda run: run.parameters,
    "text": lambda run: text_names(run) or None,
    "loss": lambda run: run.best_val_loss,
    "steps": lambda run: run.step,
    "seconds": lambda run: run.seconds,
    "state": lambda run: run.state,
}
