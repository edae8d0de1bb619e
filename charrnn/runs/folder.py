"""A run's folder: config.yaml, metrics.jsonl, samples, checkpoints."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from charrnn.errors import CheckpointError, UsageError, argument, call
from charrnn.storage.atomic import remove_leftovers, sync_folder, unwritable, write_atomically
from charrnn.storage.checkpoint_folder import CheckpointFolder

if sys.platform != "win32":
    import fcntl

_SAMPLE = re.compile(rb"^--- step (\d{1,15})( \(final\))?\n", re.MULTILINE)


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
        """A new run: `out`, which must not hold anything yet, or runs/NAME-1, -2, …

        A run that was killed before its first checkpoint counts as nothing.
        """
        if out is not None and os.path.exists(out) and _holds_something(out):
            raise UsageError(
                "exists already, and a run is never overwritten",
                where=str(out),
                then=f"choose another {argument('out')}, or resume it: {call('resume', str(out))}",
            )
        run = cls(_made(out) if out is not None else _made_free(Path("runs"), name), keep)
        run.lock()
        write_atomically(run.config, config_yaml.encode())
        return run

    def lock(self) -> None:
        """Hold the folder until the process ends: two processes in one run is an error.

        Whoever holds it may remove what a killed process left half written.
        """
        if sys.platform != "win32":  # no advisory locks there
            self._take_lock()
        remove_leftovers(self.path)
        remove_leftovers(self.checkpoints.folder)

    def unlock(self) -> None:
        """Let another have the folder before this process ends."""
        if sys.platform != "win32":
            self._lock.close()

    def _take_lock(self) -> None:
        try:
            self._lock = open(self.path / ".lock", "w")  # noqa: SIM115
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CheckpointError(
                "another process is training in this run", where=str(self.path),
                then="wait for it, or stop it",
            ) from None  # fmt: skip
        except OSError as error:
            raise unwritable(error, self.path / ".lock") from None

    def lines(self) -> Iterator[dict[str, Any]]:
        """The lines of metrics.jsonl; what is not a whole line of it is left out."""
        for _, values in self._raw_lines():
            yield values

    def _raw_lines(self) -> Iterator[tuple[bytes, dict[str, Any]]]:
        if not self.metrics.exists():
            return
        with open(self.metrics, "rb") as file:
            for line in file:
                with contextlib.suppress(ValueError, RecursionError):
                    values = json.loads(line)
                    if line.endswith(b"\n") and _is_line(values):
                        yield line, values

    def rewind(self, step: int) -> float:
        """Drop what was logged after `step`; return the seconds trained up to it."""
        kept, seconds = [], 0.0
        for line, values in self._raw_lines():
            if values["step"] <= step and not values.get("final"):
                kept.append(line)
                seconds = float(values["seconds"])
        write_atomically(self.metrics, b"".join(kept))
        if self.samples.exists():
            write_atomically(self.samples, _samples_to(self.samples.read_bytes(), step))
        return seconds


def sample_entry(step: int, text: str, *, final: bool) -> bytes:
    """A sample under its heading; a line of it that looks like a heading is indented."""
    entry = f"{text}\n".encode(errors="replace")
    heading = f"--- step {step}{' (final)' if final else ''}\n".encode()
    return heading + _SAMPLE.sub(rb" \g<0>", entry)


def _samples_to(entries: bytes, step: int) -> bytes:
    """The samples up to a step, without that of a final evaluation or one that was cut off."""
    for heading in _SAMPLE.finditer(entries):
        if int(heading[1]) > step or heading[2]:
            return entries[: heading.start()]
    return entries[: entries.rfind(b"\n") + 1]


def _is_line(values: Any) -> bool:
    return (
        isinstance(values, dict)
        and type(values.get("step")) is int
        and type(values.get("seconds")) in (int, float)
    )


def _holds_something(path: Path) -> bool:
    if not path.is_dir():
        return True
    if not (path / ".lock").exists():
        return any(path.iterdir())
    logged = path / "metrics.jsonl"
    return bool(
        any((path / "checkpoints").glob("*.safetensors"))
        or (logged.exists() and logged.stat().st_size)
    )


def _made(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise CheckpointError(
            f"cannot be made: {error.strerror}",
            where=str(path),
            then=f"make room, or choose another {argument('out')}",
        ) from None
    return path


def _made_free(folder: Path, name: str) -> Path:
    _made(folder)
    number = 1
    while True:
        path = folder / f"{name}-{number}"
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        except OSError as error:
            raise unwritable(error, path) from None
        else:
            return path
