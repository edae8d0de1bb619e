"""Tiny runs in this process, with all that a run writes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import combinations, product
from pathlib import Path
from random import Random
from typing import Any

from charrnn import config
from charrnn.runs.records import record
from charrnn.runs.resume import resume_run
from charrnn.runs.start import Launch, start_run
from charrnn.runtime.signals import StopSignal
from charrnn.training.events import Event
from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

TINY = [
    "model.hidden_size=5", "model.num_layers=1", "train.batch_size=4", "train.epochs=null",
    "train.sample_length=12", "train.log_every=2", "data.split=[0.8,0.2,0]",
]  # fmt: skip


def start(text_file: Path, out: Path, sets: list[str], steps: int | None = None) -> Launch:
    """A new run of `TINY` and `sets`."""
    flags = {} if steps is None else {"train.steps": steps}
    return start_run(config.load(None, [*TINY, f"data.text={text_file}", *sets], flags), "t", out)


def play(launch: Launch, stop: StopSignal | None = None) -> Iterator[Event]:
    """Train, writing what the program writes. Who closes it early leaves the run as if killed."""
    try:
        yield from record(launch, stop or StopSignal())
    finally:
        if launch.trainer.ranks.rank == 0:
            launch.run.unlock()


def finish(launch: Launch) -> Launch:
    """Train to the end."""
    for _ in play(launch):
        pass
    return launch


def resume(out: Path, **overrides: Any) -> Launch:
    """Go on with a run, with `train.KEY=value` changed."""
    flags = {f"train.{key}": value for key, value in overrides.items()}
    return resume_run(out, flags, accept_changes=bool(overrides))


def generate_steps(out: Path, **overrides: Any) -> Launch:
    """Resume, and train to the end."""
    return finish(resume(out, **overrides))


def pairwise(
    axes: dict[str, list[str]], allowed: Callable[[dict[str, str]], bool], seed: int = 0
) -> list[dict[str, str]]:
    """Cases in which every allowed pair of values of two axes occurs."""
    random, names = Random(seed), list(axes)
    every = list(product(*axes.values()))
    cases = [
        case
        for case in random.sample(every, len(every))
        if allowed(dict(zip(names, case, strict=True)))
    ]
    pairs = {
        ((i, x), (j, y))
        for (i, xs), (j, ys) in combinations(enumerate(axes.values()), 2)
        for x, y in product(xs, ys)
        if any(case[i] == x and case[j] == y for case in cases)
    }
    chosen: list[dict[str, str]] = []
    while pairs:
        best = max(random.sample(cases, min(len(cases), 60)), key=lambda c: len(pairs & _pairs(c)))
        if not pairs & _pairs(best):
            best = next(case for case in cases if pairs & _pairs(case))
        pairs -= _pairs(best)
        chosen.append(dict(zip(names, best, strict=True)))
    return chosen


def _pairs(case: tuple[str, ...]) -> set[tuple[tuple[int, str], tuple[int, str]]]:
    return set(combinations(enumerate(case), 2))
