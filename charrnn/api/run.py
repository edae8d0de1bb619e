"""A run's folder: what training returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from charrnn.api.model import Model, Which, load
from charrnn.api.showing import table
from charrnn.runs.folder import RunFolder
from charrnn.storage.checkpoint import read


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
