"""A run's folder: config.yaml, metrics.jsonl, samples, checkpoints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from charrnn.errors import CheckpointError, UsageError
from charrnn.store import CheckpointFolder
from charrnn.store.atomic import write_atomically


class RunFolder:
    """Names and the few rules of a run's folder."""

    def __init__(self, path: Path, keep: int = 1) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.metrics = path / "metrics.jsonl"
        self.samples = path / "samples.txt"
        self.checkpoints = CheckpointFolder(path / "checkpoints", keep)

    @classmethod
    def create(cls, out: Path | None, name: str, config_yaml: str, keep: int) -> RunFolder:
        """A new run: `out`, which must not hold anything yet, or runs/NAME-1, -2, …"""
        path = out if out is not None else _free_name(Path("runs"), name)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise UsageError(
                "exists already, and a run is never overwritten",
                where=str(path),
                then=f"choose another --out, or go on with it: charrnn train --resume {path}",
            )
        run = cls(path, keep)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CheckpointError(f"cannot be made: {error.strerror}", where=str(path)) from None
        write_atomically(run.config, config_yaml.encode())
        return run

    def lines(self) -> Iterator[dict[str, Any]]:
        """The lines of metrics.jsonl; a last line that was cut off is left out."""
        if not self.metrics.exists():
            return
        with open(self.metrics, encoding="utf-8") as file:
            for line in file:
                if line.endswith("\n"):
                    yield json.loads(line)

    def rewind(self, step: int) -> float:
        """Drop what was logged after `step`; return the seconds trained up to it."""
        kept = [line for line in self.lines() if line["step"] <= step and not line.get("final")]
        text = "".join(json.dumps(line) + "\n" for line in kept)
        write_atomically(self.metrics, text.encode())
        return float(kept[-1]["seconds"]) if kept else 0.0


def _free_name(folder: Path, name: str) -> Path:
    number = 1
    while (folder / f"{name}-{number}").exists():
        number += 1
    return folder / f"{name}-{number}"
