"""TensorBoard's event files of a run, written while it trains (the extra `tensorboard`)."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import Any

from charrnn.errors import MissingExtraError, argument
from charrnn.inference.metrics import bits
from charrnn.runtime.installation import install_command
from charrnn.training.events import Event, Logged, RolledBack, Sampled, Saved

FOLDER = "tensorboard"


def writer() -> Any:
    """tensorboardX's class. Raises MissingExtraError where it is not installed."""
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise MissingExtraError(
            f"{argument('tensorboard')} needs tensorboardX ({error})",
            then=install_command("tensorboard"),
        ) from None
    return SummaryWriter


class TensorBoard:
    """What metrics.jsonl and samples.txt hold, for TensorBoard with the run's folder.

    A run that goes on begins a file of its own, and hides what earlier ones have after `step`.
    Raises MissingExtraError where tensorboardX is not installed.
    """

    def __init__(self, run: Path, step: int) -> None:
        self._folder, self._make = run / FOLDER, writer()
        self._writer = self._begin(step)

    def _begin(self, step: int) -> Any:
        # The files' names hold the second they were begun in: two of one second must differ.
        purge = step + 1 if step else None
        return self._make(str(self._folder), purge_step=purge, filename_suffix=f".from-{step}")

    def __call__(self, event: Event) -> None:
        if isinstance(event, Logged):
            for tag, value in _scalars(event).items():
                if value is not None and isfinite(value):
                    self._writer.add_scalar(tag, value, event.step)
        elif isinstance(event, Sampled):
            text = "    " + event.text.replace("\n", "\n    ")  # Markdown for: as it is
            self._writer.add_text("sample", text, event.step)
        elif isinstance(event, Saved):
            self._writer.flush()
        elif isinstance(event, RolledBack):
            self.close()
            self._writer = self._begin(event.step)

    def close(self) -> None:
        self._writer.close()


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
