"""Where the time of a training step goes, stage by stage, on one thread, by kernels.

    python benchmarks/stages.py
    python benchmarks/stages.py --cell gru --hidden-size 256

LSTM 2×128 B 50 T 50 K 65 float32 unless said. A stage's time excludes stages that it calls.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import fields, replace
from statistics import median
from typing import TYPE_CHECKING, Any

from measuring import Report, Spec, Table, in_turn, run

if TYPE_CHECKING:
    from charrnn.training.trainer import Trainer

ROUNDS, STEPS = 5, 60
REST = "the rest"
STAGES = ["projection", "recurrence forward", "output layer and loss", "recurrence backward",
          "weight gradients", "optimiser", REST]  # fmt: skip
KERNELS = ["numpy", "numba"]


class Stopwatch:
    """Seconds by stage; a stage that calls another is charged only for its own part."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._running = [REST]
        self._since = time.perf_counter()

    def _charge(self) -> None:
        now = time.perf_counter()
        self.seconds[self._running[-1]] += now - self._since
        self._since = now

    def timed(self, stage: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, its time charged to the stage."""

        def clocked(*args: Any, **more: Any) -> Any:
            self._charge()
            self._running.append(stage)
            try:
                return work(*args, **more)
            finally:
                self._charge()
                self._running.pop()

        return clocked

    def time_method(self, stage: str, owner: object, name: str) -> None:
        setattr(owner, name, self.timed(stage, getattr(owner, name)))


def attach(watch: Stopwatch, trainer: Trainer) -> None:
    """Charge every part of the trainer's update to its stage."""
    network, optimiser = trainer.network, trainer.state.optimiser
    for cell in network.cells:
        cell.loops = replace(cell.loops, **{
            field.name: watch.timed(
                f"recurrence {'forward' if field.name == 'forward' else 'backward'}", loop
            )
            for field in fields(cell.loops)
            if (loop := getattr(cell.loops, field.name)) is not None
        })  # fmt: skip
        watch.time_method("projection", cell, "forward")
        watch.time_method("weight gradients", cell, "backward")
    watch.time_method("output layer and loss", network, "learn_outputs")
    watch.time_method("optimiser", optimiser, "update")
    watch.time_method("optimiser", trainer, "clip")


def measure(spec: Spec) -> dict[str, float]:
    """Milliseconds of a step by stage, the medians over steps."""
    import charrnn_side

    trainer = charrnn_side.trainer(spec, 20 * spec["T"] * spec["B"])
    for _ in range(3):
        trainer.update()
    watch = Stopwatch()
    attach(watch, trainer)
    update = watch.timed(REST, trainer.update)
    steps = []
    for _ in range(spec["steps"]):
        watch.seconds.clear()
        update()
        steps.append(dict(watch.seconds))
    return {stage: 1e3 * median(step.get(stage, 0) for step in steps) for stage in STAGES}


def report(options: argparse.Namespace) -> Report:
    rounds, steps = (1, 10) if options.quick else (ROUNDS, STEPS)
    sides = [
        {"cell": options.cell, "H": options.hidden_size, "layers": 2, "B": 50, "T": 50,
         "sets": [], "kernels": kernels, "threads": 1, "steps": steps}
        for kernels in KERNELS
    ]  # fmt: skip
    found = {
        kernels: {stage: median(one[stage] for one in rounds_) for stage in STAGES}
        for kernels, rounds_ in zip(KERNELS, in_turn(sides, 1, rounds), strict=True)
    }
    totals = {kernels: sum(stages.values()) for kernels, stages in found.items()}
    rows = [
        [stage, *(_share(found[kernels][stage], totals[kernels]) for kernels in KERNELS)]
        for stage in STAGES
    ]
    rows.append(["in all", *(f"{totals[kernels]:.1f} ms" for kernels in KERNELS)])
    title = f"Stages of a step, {options.cell.upper()} 2×{options.hidden_size}, one thread"
    return Report([Table(title, ["stage", *KERNELS], rows)], {"milliseconds": found})


def _share(milliseconds: float, total: float) -> str:
    return f"{milliseconds:.1f} ms ({milliseconds / total:.0%})"


def more(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cell", choices=["rnn", "lstm", "gru"], default="lstm")
    parser.add_argument("--hidden-size", type=int, default=128, metavar="H", help="units [128]")


if __name__ == "__main__":
    run(report, measure, about=str(__doc__).splitlines()[0], needs=("numba",), more=more)
