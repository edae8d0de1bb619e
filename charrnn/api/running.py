"""Training as an iterator of events."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

from charrnn import build
from charrnn.api.run import Run
from charrnn.api.stopping import Stop
from charrnn.runs.launching import Launch
from charrnn.runs.records import MetricsFile, SampleFile, Summary
from charrnn.runtime.blas import limited
from charrnn.runtime.signals import StopSignal
from charrnn.training.events import Event, Interrupted
from charrnn.training.loop import train
from charrnn.training.trainer import Trainer


def recorded(launch: Launch, stop: StopSignal) -> Iterator[Event]:
    """Train. Each event comes once it is in the run's own files, which the first rank writes."""
    run = launch.run
    if launch.trainer.group.rank:
        yield from train(launch.trainer, run.checkpoints, stop)
        return
    with closing(MetricsFile(run.metrics)) as metrics, closing(SampleFile(run.samples)) as samples:
        for event in train(launch.trainer, run.checkpoints, stop):
            metrics(event)
            samples(event)
            yield event


def summary_of(launch: Launch) -> Summary:
    """The closing object of a run, at its beginning."""
    trainer = launch.trainer
    summary = Summary(launch.run.path, trainer.network.params.flat.size)
    best = None if trainer.best_step is None else trainer.best_loss
    summary.begin(trainer.step, trainer.epoch, best, trainer.best_step)
    return summary


class Training(Iterator[Event]):
    """A run in training: iterate over it, and it trains.

    `run` is its folder, and says how far it is. `stop()` asks it to save and end, which its next
    events do; leaving it without that leaves the run as if the program had been killed, from its
    last checkpoint on. A `with` block closes it.
    """

    def __init__(self, launch: Launch, stop: Stop | None = None) -> None:
        self._launch, self._stop, self._began = launch, stop or Stop(), time.perf_counter()
        self._summary, self._interrupted = summary_of(launch), False
        self._events = limited(recorded(launch, self._stop), build.threads(launch.config).blas)

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
        return Run(self._launch.run.path, dict(values), self._interrupted)

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
        self._interrupted = isinstance(event, Interrupted)
        return event

    def close(self) -> None:
        """Let go of the run's folder: another may train in it."""
        self._events.close()
        self._launch.run.unlock()

    def __enter__(self) -> Training:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
