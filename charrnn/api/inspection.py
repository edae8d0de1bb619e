"""`charrnn.inspect`: what a run or checkpoint holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from charrnn import build
from charrnn.api.arguments import require
from charrnn.api.settings import AnyPath
from charrnn.api.showing import table
from charrnn.config import Config
from charrnn.errors import CheckpointError
from charrnn.runs.listing import find_run
from charrnn.runs.mixtures import mixture_beside, read_mixture
from charrnn.storage.checkpoint import Checkpoint
from charrnn.storage.checkpoint_folder import read_from
from charrnn.training.state import SavedState


@dataclass(frozen=True)
class Inspection:
    """A checkpoint's facts, as docs/inspect.md has them, and its configuration."""

    path: Path
    facts: dict[str, Any]
    config: Config

    def values(self) -> dict[str, Any]:
        """The object of `charrnn inspect --format json`."""
        return self.facts

    def _repr_html_(self) -> str:
        plain = {name: value for name, value in self.facts.items() if name not in _LONG}
        return table(f"checkpoint {self.path.name}", {k: str(v) for k, v in plain.items()})


_LONG = ("arrays", "vocabulary", "config")


def inspect(run: AnyPath, checkpoint: str = "best") -> Inspection:
    """Progress, parameters, vocabulary and configuration of a run's checkpoint.

    Raises CheckpointError where there is none, or where it is damaged.

    >>> found = charrnn.inspect("runs/tiny")
    >>> found.facts["step"], found.facts["K"], found.config.model.cell
    (20, 35, 'gru')
    """
    require(checkpoint=checkpoint)
    path, stored = read_from(find_run(run), checkpoint)
    facts = _facts(path, stored) | {"mixture": _mixture(path, stored)}
    return Inspection(path, facts, build.config_of(stored, str(path)))


def _facts(path: Path, checkpoint: Checkpoint) -> dict[str, Any]:
    meta = checkpoint.meta
    arrays = [
        {"name": name, "shape": list(array.shape), "size": int(array.size),
         "norm": float(np.linalg.norm(array)), "max": float(np.abs(array).max(initial=0))}
        for name, array in checkpoint.parameters().items()
    ]  # fmt: skip
    saved = SavedState.of(checkpoint, str(path))
    best_loss, best_step = saved.best or (None, None)
    return {
        "checkpoint": str(path), "format": meta.format, "step": meta.step,
        "epoch": saved.cursor[0], "best_val_loss": best_loss,
        "best_step": best_step, "K": len(meta.vocabulary.symbols),
        "parameters": sum(array["size"] for array in arrays), "arrays": arrays,
        "vocabulary": meta.vocabulary.model_dump(), "config": meta.config,
    }  # fmt: skip


def _mixture(path: Path, checkpoint: Checkpoint) -> dict[str, Any] | None:
    """The n-gram beside the checkpoint: what it is, or why it is not used with it."""
    if (file := mixture_beside(path)) is None:
        return None
    network, vocabulary, _ = build.restore_network(checkpoint, str(path))
    order, problem = None, None
    try:
        order = read_mixture(file, network, vocabulary).order
    except CheckpointError as error:
        problem = error.what
    return {
        "file": str(file), "order": order, "bytes": file.stat().st_size, "problem": problem
    }  # fmt: skip
