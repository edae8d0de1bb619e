"""TensorBoard's event files of a run, written while it trains (the extra `tensorboard`)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import Any

from charrnn.errors import MissingExtraError, argument, notice
from charrnn.inference.metrics import bits
from charrnn.runtime.installation import install_command
from charrnn.training.events import Event, Logged, RolledBack, Sampled, Saved

FOLDER = "tensorboard"


def require_tensorboard() -> None:
    """Raises MissingExtraError where tensorboardX is not installed."""
    try:
        import tensorboardX  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            f"{argument('tensorboard')} needs tensorboardX ({error})",
            then=install_command("tensorboard"),
        ) from None


class TensorBoard:
    """What metrics.jsonl and samples.txt hold, for TensorBoard with the run's folder.

    A run that goes on begins a file of its own, and hides what earlier ones have after `step`.
    Where a disk is full, a notice says so and no more is written: the training is worth more.
    Raises MissingExtraError where tensorboardX is not installed.
    """

    def __init__(self, run: Path, step: int) -> None:
        require_tensorboard()
        self._folder = run / FOLDER
        self._file: Any = None
        with self._giving_up():
            self._begin(step)

    def _begin(self, step: int) -> None:
        # Not its SummaryWriter: that one writes in a thread, which a full disk ends, and whoever
        # hands it more then waits for ever.
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto.event_pb2 import SessionLog

        self._folder.mkdir(parents=True, exist_ok=True)
        # The files' names hold the second they were begun in: two of one second must differ.
        self._file = EventsWriter(str(self._folder / "events"), f".from-{step}")
        if step:
            begun = SessionLog(status=SessionLog.START)
            self._write(step=step + 1, file_version="brain.Event:2")
            self._write(step=step + 1, session_log=begun)
        self._file.flush()

    def _write(self, **fields: Any) -> None:
        from tensorboardX.proto.event_pb2 import Event as Record

        self._file.write_event(Record(wall_time=time.time(), **fields))

    @contextmanager
    def _giving_up(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._file = None
            notice(f"{self._folder} takes no more, and is left as it is: {error.strerror}")

    def __call__(self, event: Event) -> None:
        if self._file is not None:
            with self._giving_up():
                self._take(event)

    def _take(self, event: Event) -> None:
        from tensorboardX import summary

        if isinstance(event, Logged):
            for tag, value in _scalars(event).items():
                if value is not None and isfinite(value):
                    self._write(step=event.step, summary=summary.scalar(tag, value))
        elif isinstance(event, Sampled):
            text = "    " + event.text.replace("\n", "\n    ")  # Markdown for: as it is
            self._write(step=event.step, summary=summary.text("sample", text))
        elif isinstance(event, Saved):
            self._file.flush()
        elif isinstance(event, RolledBack):
            self._file.close()
            self._begin(event.step)

    def close(self) -> None:
        if self._file is not None:
            with self._giving_up():
                self._file.close()


def _scalars(event: Logged) -> dict[str, float | None]:
    val = event.val_loss
    return {
        "loss_nats/train": event.loss,
        "loss_nats/validation": val,
        "loss_bits/train": bits(event.loss),
        "loss_bits/validation": None if val is None else bits(val),
        "training/learning_rate": event.learning_rate,
        "training/gradient_norm": event.grad_norm,
        "training/characters_per_second": event.chars_per_second,
    }
