"""What a run writes about itself: metrics.jsonl, samples.txt and the closing summary."""

from __future__ import annotations

import json
import os
from math import isnan, log
from pathlib import Path
from typing import Any

from charrnn.errors import CheckpointError
from charrnn.training.events import Evaluated, Event, Logged, Sampled, Saving, Stepped

LN2 = log(2)


class MetricsFile:
    """One JSON object a line, flushed as it is written."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115

    def __call__(self, event: Event) -> None:
        try:
            self._take(event)
        except OSError as error:
            raise CheckpointError(
                f"cannot be written: {error.strerror}", where=self._file.name,
                then="make room, then go on with --resume; what was saved before is intact",
            ) from None  # fmt: skip

    def _take(self, event: Event) -> None:
        if isinstance(event, Saving):
            os.fsync(self._file.fileno())
        if not isinstance(event, Logged):
            return
        line: dict[str, Any] = {
            "step": event.step,
            "epoch": event.epoch,
            "train_loss": event.loss,
            "learning_rate": event.learning_rate,
            "grad_norm": event.grad_norm,
            "chars_per_second": round(event.chars_per_second, 1),
            "seconds": round(event.seconds, 3),
        }
        if event.val_loss is not None:
            line["val_loss"] = event.val_loss
        if event.final:
            line["final"] = True
        finite = {k: None if isinstance(v, float) and isnan(v) else v for k, v in line.items()}
        self._file.write(json.dumps(finite) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


class SampleFile:
    """Every sample taken on the way, under the step it was taken at."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, event: Event) -> None:
        if isinstance(event, Sampled):
            with open(self._path, "a", encoding="utf-8", newline="") as file:
                file.write(f"--- step {event.step}\n{event.text}\n")


class Summary:
    """The closing object of `charrnn train --format json`."""

    def __init__(self, run: Path, parameters: int) -> None:
        self.values: dict[str, Any] = dict.fromkeys(
            ("run", "step", "epoch", "train_loss", "val_loss", "val_bpc", "best_val_loss",
             "best_step", "chars_per_second", "seconds", "parameters")
        )  # fmt: skip
        self.values.update(run=str(run), step=0, epoch=0.0, seconds=0.0, parameters=parameters)
        self._characters = 0

    def begin(self, step: int, epoch: float, best: float | None, best_step: int | None) -> None:
        """Where a resumed run begins."""
        self.values.update(step=step, epoch=epoch, best_val_loss=best, best_step=best_step)

    def __call__(self, event: Event) -> None:
        values = self.values
        if isinstance(event, Stepped):
            self._characters += event.characters
            values.update(step=event.step, epoch=event.epoch, seconds=round(event.seconds, 3))
            values["train_loss"] = event.loss
        elif isinstance(event, Evaluated):
            values.update(
                train_loss=event.train_loss,
                val_loss=event.val_loss,
                val_bpc=event.val_loss / LN2,
            )
            if event.is_best:
                values.update(best_val_loss=event.val_loss, best_step=event.step)

    def done(self, seconds: float) -> dict[str, Any]:
        """The object, given the seconds that this part of the run took."""
        if self._characters:
            self.values["chars_per_second"] = round(self._characters / max(seconds, 1e-9), 1)
        return self.values
