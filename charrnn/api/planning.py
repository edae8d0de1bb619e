"""`charrnn.plan`: what `charrnn.train` would choose for a text and some minutes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from charrnn.api.arguments import require
from charrnn.api.settings import AnyConfig, AnyPath, flags, load_config
from charrnn.api.showing import prepare
from charrnn.data.corpus import load_corpus
from charrnn.runs.planning import Fitter, Plan, Planner

DEFAULT_MINUTES = 10.0


def plan(
    files: AnyPath | Sequence[AnyPath] | None = None, minutes: float = DEFAULT_MINUTES, *,
    settings: Mapping[str, Any] | None = None,
) -> Plan:  # fmt: skip
    """Look at a text, measure this machine, and choose a configuration for so many minutes.

    It is that of `charrnn.train(files=files, minutes=minutes)`, which looks and measures again.
    `settings`: dotted keys that stay as they are. Raises ConfigError and DataError.

    >>> plan = charrnn.plan("my.txt", 0.05, settings={"model.hidden_size": 8})
    >>> plan.minutes, plan.config.model.num_layers, plan.speed > 0
    (0.05, 1, True)
    """
    began = time.perf_counter()
    require(minutes=minutes)
    given = flags(files, settings, minutes=minutes)
    planner = planner_for(None, given, minutes, began)
    config = planner.read_as(load_config(None, given))
    return planner.plan(config, load_corpus(config.data))


def planner_for(
    config: AnyConfig, given: Mapping[str, Any], minutes: float, began: float
) -> Planner:
    """What plans without a configuration, and with one fits it into the minutes."""
    held = {k: v for k, v in _leaves(given) if k not in ("data.text", "train.minutes")}
    kind = Planner if config is None else Fitter
    return kind(minutes, began, held, prepare)


def _leaves(given: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Every key with its dots, where some stand in a section."""
    for key, value in given.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
