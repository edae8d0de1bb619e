"""Training as an iterator of events, and what stops it."""

from __future__ import annotations

import time
from collections.abc import Iterator

from charrnn import build
from charrnn.api.run import Run
from charrnn.runs.launch import Launch
from charrnn.runs.records import Summary, record
from charrnn.runtime.blas import limited
from charrnn.runtime.mpi_launch import started
from charrnn.runtime.signals import StopSignal
from charrnn.training.events import Event, Interrupted
from charrnn.training.trainer import Trainer


def ending_stop() -> StopSignal:
    """What stops a program that ends with its run: a second signal ends it at once."""
    return StopSignal(quiet=started().rank > 0)


class Training(Iterator[Event]):
    """A run in training: iterate over it, and it trains.

    `run` is its folder, and says how far it is. `stop()` asks it to save and end, which its next
    events do; leaving it without that leaves the run as if the program had been killed, from its
    last checkpoint on. A `with` block closes it.
    """

    def __init__(self, launch: Launch, stop: StopSignal | None = None) -> None:
        self._launch, self._began = launch, time.perf_counter()
        self._stop = stop or StopSignal(embedded=True)
        self._summary = Summary(launch)
        self._ended: Interrupted | None = None
        self._events = limited(record(launch, self._stop), build.threads(launch.config).blas)

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
