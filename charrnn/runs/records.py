"""What a run writes about itself: metrics.jsonl, samples.txt and the closing summary."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from math import isnan
from pathlib import Path
from typing import Any

from charrnn.inference.metrics import bits
from charrnn.runs.folder import RunFolder, sample_entry
from charrnn.runs.mixtures import add_mixture
from charrnn.runs.start import Launch
from charrnn.runtime.signals import StopSignal
from charrnn.storage.atomic import AppendedFile
from charrnn.training.events import (
    Evaluated,
    Event,
    Finished,
    Logged,
    Mixed,
    RolledBack,
    Sampled,
    Saving,
    Stepped,
)
from charrnn.training.loop import train
from charrnn.training.previews import Previews


def record(launch: Launch, stop: StopSignal, previews: Previews | None = None) -> Iterator[Event]:
    """Train. Each event comes once it is in the run's own files, which the first rank writes."""
    run = launch.run
    if launch.trainer.ranks.rank:
        yield from train(launch.trainer, run.checkpoints, stop)
        return
    with closing(MetricsFile(run.metrics)) as metrics, closing(SampleFile(run.samples)) as samples:
        for event in train(launch.trainer, run.checkpoints, stop, previews):
            metrics(event)
            samples(event)
            yield event
    if isinstance(event, Finished) and (order := launch.config.ngram.order):
        mixed = add_mixture(run, order, launch.trainer.corpus)
        yield Mixed(event.step, mixed.path, mixed.order, mixed.val_loss)


class MetricsFile:
    """One JSON object a line, on the disk before the checkpoint that follows it.

    After a rollback the file, and the samples beside it, are cut back as they are on resume.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, AppendedFile(path)

    def __call__(self, event: Event) -> None:
        if isinstance(event, Logged):
            self._file.append((json.dumps(_line(event)) + "\n").encode())
        elif isinstance(event, Saving):
            self._file.sync()
        elif isinstance(event, RolledBack):
            self._file.close()
            RunFolder(self._path.parent).rewind(event.step)
            self._file = AppendedFile(self._path)

    def close(self) -> None:
        self._file.close()


def _line(event: Logged) -> dict[str, Any]:
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
    return {k: None if isinstance(v, float) and isnan(v) else v for k, v in line.items()}


class SampleFile:
    """Every sample taken on the way, under the step it was taken at."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: AppendedFile | None = None

    def __call__(self, event: Event) -> None:
        if isinstance(event, Sampled):
            self._file = self._file or AppendedFile(self._path)
            self._file.append(sample_entry(event.step, event.text, final=event.final))
        elif isinstance(event, Saving) and self._file is not None:
            self._file.sync()
        elif isinstance(event, RolledBack):
            self.close()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None


class Summary:
    """The closing object of `charrnn train --format json`, kept up to date by the events."""

    def __init__(self, launch: Launch) -> None:
        trainer = launch.trainer
        self.values: dict[str, Any] = dict.fromkeys(
            ("run", "step", "epoch", "train_loss", "val_loss", "val_bpc", "best_val_loss",
             "best_step", "mixture_val_loss", "chars_per_second", "seconds", "parameters")
        )  # fmt: skip
        parameters = trainer.network.params.flat.size
        self.values.update(run=str(launch.run.path), seconds=0.0, parameters=parameters)
        self.values["unit"] = trainer.corpus.vocabulary.unit
        self._characters = 0
        state = trainer.state
        self._continue_from(trainer.step, trainer.epoch, state.best, state.best_step)

    def _continue_from(
        self, step: int, epoch: float, best: float | None, best_step: int | None
    ) -> None:
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
                val_bpc=bits(event.val_loss),
            )
            if event.is_best:
                values.update(best_val_loss=event.val_loss, best_step=event.step)
        elif isinstance(event, Mixed):
            values["mixture_val_loss"] = event.val_loss
        elif isinstance(event, RolledBack):
            self._continue_from(event.step, event.epoch, event.best_loss, event.best_step)

    def done(self, seconds: float) -> dict[str, Any]:
        """The object, given the seconds that this part of the run took."""
        if self._characters:
            self.values["chars_per_second"] = round(self._characters / max(seconds, 1e-9), 1)
        return self.values
