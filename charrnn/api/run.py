"""A run's folder: what training returns."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from charrnn import build
from charrnn.api.model import Model, Which, load
from charrnn.api.showing import table
from charrnn.runs.folder import RunFolder
from charrnn.runs.records import Summary, record
from charrnn.runs.start import Launch
from charrnn.runtime.mpi_launch import started
from charrnn.runtime.signals import StopSignal
from charrnn.runtime.workers import limited
from charrnn.storage.checkpoint import read
from charrnn.training.events import Event, Interrupted
from charrnn.training.previews import Previews
from charrnn.training.trainer import Trainer


@dataclass(frozen=True)
class Run(PathLike[str]):
    """A run's folder; wherever a path is taken, a run may stand.

    `summary`: the object of `charrnn train --format json`, empty where this program did not train
    it, or is not the first of several ranks that did. `interrupted`: it was stopped and saved, and
    `charrnn.resume` goes on with it; `signal` is the number of the signal that did it, or 0.
    """

    path: Path
    summary: Mapping[str, Any] = field(default_factory=dict)
    interrupted: bool = False
    signal: int = 0

    @property
    def step(self) -> int:
        """Updates that the run has made, as its last checkpoint has them."""
        last = RunFolder(Path(self.path)).checkpoints.last()
        return self.summary["step"] if self.summary else read(last).meta.step if last else 0

    def model(self, checkpoint: Which = "best") -> Model:
        """The model of a checkpoint, as `charrnn.load`."""
        return load(self.path, checkpoint)

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl, as docs/train.md describes them.

        >>> lines = charrnn.Run("runs/tiny").metrics()
        >>> lines[-1]["step"], "val_loss" in lines[-1]
        (20, True)
        """
        return list(RunFolder(Path(self.path)).lines())

    def __fspath__(self) -> str:
        return fspath(self.path)

    def __str__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        state = ", interrupted" if self.interrupted else ""
        step = f", step {self.summary['step']:,}" if "step" in self.summary else ""
        return f"<charrnn.Run {self.path}{step}{state}>"

    def _repr_html_(self) -> str:
        facts = {"run": str(self.path)}
        for name, value in self.summary.items():
            facts[name.replace("_", " ")] = _shown(value)
        return table("charrnn run" + ", interrupted" * self.interrupted, facts)


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.4f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def ending_stop() -> StopSignal:
    """What stops a program that ends with its run: a second signal ends it at once."""
    return StopSignal(quiet=started().rank > 0)


class Training(Iterator[Event]):
    """A run in training: iterate over it, and it trains.

    `run` is its folder, and says how far it is. `stop()` asks it to save and end, which its next
    events do; leaving it without that leaves the run as if the program had been killed, from its
    last checkpoint on. A `with` block closes it.
    """

    def __init__(
        self, launch: Launch, stop: StopSignal | None = None, previews: Previews | None = None
    ) -> None:
        self._launch, self._began = launch, time.perf_counter()
        self._stop = stop or StopSignal(embedded=True)
        self._summary = Summary(launch)
        self._ended: Interrupted | None = None
        self._events = limited(
            record(launch, self._stop, previews), build.threads(launch.config).blas
        )

    @property
    def trainer(self) -> Trainer:
        """All that training changes."""
        return self._launch.trainer

    @property
    def fresh(self) -> bool:
        """Whether the parameters are newly drawn."""
        return self._launch.fresh and self.trainer.step == 0

    @property
    def run(self) -> Run:
        """The run so far."""
        values = self._summary.done(time.perf_counter() - self._began)
        summary = {} if self.trainer.ranks.rank else dict(values)
        signal = 0 if self._ended is None else self._ended.signal
        return Run(self._launch.run.path, summary, self._ended is not None, signal)

    def stop(self) -> None:
        """Save and end, soon."""
        self._stop.wanted.set()

    def __next__(self) -> Event:
        try:
            event = next(self._events)
        except BaseException:
            self.close()
            raise
        self._summary(event)
        self._ended = event if isinstance(event, Interrupted) else None
        return event

    def close(self) -> None:
        """Let go of the run's folder: another may train in it."""
        self._events.close()
        self._launch.run.unlock()

    def __enter__(self) -> Training:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
