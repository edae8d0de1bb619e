"""A run's folder: config.yaml, metrics.jsonl, samples, checkpoints."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from charrnn.errors import CheckpointError, UsageError
from charrnn.store import CheckpointFolder
from charrnn.store.atomic import write_atomically

if sys.platform != "win32":
    import fcntl

_SAMPLE = re.compile(rb"--- step (\d+)\n")


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
        run.lock()
        write_atomically(run.config, config_yaml.encode())
        return run

    def lock(self) -> None:
        """Hold the folder until the process ends: two processes in one run is an error."""
        if sys.platform == "win32":  # no advisory locks there
            return
        try:
            self._lock = open(self.path / ".lock", "w")  # noqa: SIM115
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CheckpointError(
                "another process is training in this run", where=str(self.path),
                then="wait for it, or stop it",
            ) from None  # fmt: skip
        except OSError as error:
            raise CheckpointError(
                f"cannot be written: {error.strerror}", where=str(self.path)
            ) from None

    def lines(self) -> Iterator[dict[str, Any]]:
        """The lines of metrics.jsonl; what is not a whole line of it is left out."""
        if not self.metrics.exists():
            return
        with open(self.metrics, encoding="utf-8") as file:
            for line in file:
                with contextlib.suppress(ValueError):
                    values = json.loads(line)
                    if line.endswith("\n") and isinstance(values, dict) and "step" in values:
                        yield values

    def rewind(self, step: int) -> float:
        """Drop what was logged after `step`; return the seconds trained up to it."""
        kept = [line for line in self.lines() if line["step"] <= step and not line.get("final")]
        text = "".join(json.dumps(line) + "\n" for line in kept)
        write_atomically(self.metrics, text.encode())
        self._rewind_samples(step)
        return float(kept[-1].get("seconds", 0.0)) if kept else 0.0

    def _rewind_samples(self, step: int) -> None:
        if not self.samples.exists():
            return
        kept = []
        for line in self.samples.read_bytes().splitlines(keepends=True):
            match = _SAMPLE.fullmatch(line)
            if match and int(match[1]) > step:
                break
            kept.append(line)
        write_atomically(self.samples, b"".join(kept))


def _free_name(folder: Path, name: str) -> Path:
    number = 1
    while (folder / f"{name}-{number}").exists():
        number += 1
    return folder / f"{name}-{number}"
