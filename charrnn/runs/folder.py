"""A run's folder: config.yaml, metrics.jsonl, samples, checkpoints."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from charrnn.errors import CheckpointError, UsageError, argument, call
from charrnn.inference.mixture.file import NAME
from charrnn.runtime.files import NO_LINKS, open_for_writing, open_regular
from charrnn.storage.atomic import (
    remove_leftovers,
    sync_folder,
    unwritable,
    write_atomically,
    write_pieces_atomically,
)
from charrnn.storage.checkpoint_folder import CheckpointFolder

if sys.platform != "win32":
    import fcntl

# What a run writes in place, or in it. No link is followed: whoever made the folder could have had
# any file of the user written over.
_OWN = (
    ".lock", "config.yaml", "metrics.jsonl", "samples.txt", "checkpoints", "tensorboard",
    NAME,
)  # fmt: skip
MAX_LINE = 1 << 20  # bytes
MAX_PIECES = 256  # of a line's length: what is longer nobody wrote, nor what follows it
_TAIL = 1 << 14  # bytes, more than a line of the log has
_LOOKS = 5  # at a lock, before it is taken to be held
LONGEST_NAME = 240  # bytes, of at most 255 that a file system takes, before a number
_SAMPLE = re.compile(rb"^--- step (\d{1,15})( \(final\))?\n", re.MULTILINE)


class RunFolder:
    """Names and the few rules of a run's folder."""

    def __init__(self, path: Path, keep: int = 1) -> None:
        self.path = path
        self._lock: IO[str] | None = None
        self.config = path / "config.yaml"
        self.metrics = path / "metrics.jsonl"
        self.samples = path / "samples.txt"
        self.mixture = path / NAME
        self.checkpoints = CheckpointFolder(path / "checkpoints", keep)

    @classmethod
    def create(cls, out: Path | None, name: str, config_yaml: str, keep: int) -> RunFolder:
        """A new run: `out`, which must not hold anything yet, or runs/NAME-1, -2, …

        A run that was killed before its first checkpoint counts as nothing.
        """
        cls.require_free(out)
        run = cls(_made(out) if out is not None else _made_free(Path("runs"), name), keep)
        run.lock()
        write_atomically(run.config, config_yaml.encode())
        return run

    @staticmethod
    def require_free(out: Path | None) -> None:
        """Raise UsageError for a folder that holds a run, or anything else."""
        if out is not None and os.path.exists(out) and _holds_something(out):
            raise UsageError(
                "exists already, and a run is never overwritten",
                where=str(out),
                then=f"choose another {argument('out')}, or resume it: {call('resume', str(out))}",
            )

    def lock(self) -> None:
        """Hold the folder until the process ends: two processes in one run is an error.

        So is a link among the names that a run writes to.
        Whoever holds it may remove what a killed process left half written.
        """
        for name in _OWN:
            if (self.path / name).is_symlink():
                raise _is_link(self.path / name)
        if sys.platform != "win32":  # no advisory locks there
            self._take_lock()
        remove_leftovers(self.path)
        remove_leftovers(self.checkpoints.folder)

    def unlock(self) -> None:
        """Let another have the folder before this process ends."""
        if self._lock is not None:  # ranks but the first have none
            self._lock.close()

    def is_locked(self) -> bool:
        """Whether a process trains in it now."""
        if sys.platform == "win32":  # no advisory locks there
            return False
        try:
            with open_regular(self.path / ".lock", NO_LINKS) as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def _take_lock(self) -> None:
        try:
            descriptor = open_for_writing(self.path / ".lock", os.O_RDWR | os.O_CREAT)
            self._lock = os.fdopen(descriptor, "w")
            _lock_alone(self._lock)
        except BlockingIOError:
            raise CheckpointError(
                "another process is training in this run", where=str(self.path),
                then="wait for it, or stop it",
            ) from None  # fmt: skip
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise _is_link(self.path / ".lock") from None
            raise unwritable(error, self.path / ".lock") from None

    def lines(self) -> Iterator[dict[str, Any]]:
        """The lines of metrics.jsonl; what is not a whole line of it is left out."""
        for _, values in self._raw_lines():
            yield values

    def _raw_lines(self) -> Iterator[tuple[bytes, dict[str, Any]]]:
        return _whole_lines(own_lines(self.metrics))

    def last_lines(self) -> list[dict[str, Any]]:
        """The lines at the end of metrics.jsonl, however long it is; none where it has none.

        Raises CheckpointError where it is a link, or cannot be read.
        """
        try:
            with open_regular(self.metrics, NO_LINKS) as file:
                file.seek(max(os.fstat(file.fileno()).st_size - _TAIL, 0))
                data = file.read(_TAIL)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _unreadable(error, self.metrics) from None
        return [values for _, values in _whole_lines(data.splitlines(keepends=True))]

    def seconds_at(self, step: int) -> float:
        """The seconds trained up to a step, as far as they were logged."""
        until = (float(line["seconds"]) for line in self.lines() if line["step"] <= step)
        return max(until, default=0.0)

    def rewind(self, step: int) -> float:
        """Drop what was logged after `step`; return the seconds trained up to it."""
        seconds = 0.0

        def kept() -> Iterator[bytes]:
            nonlocal seconds
            for line, values in self._raw_lines():
                if values["step"] <= step:
                    seconds = float(values["seconds"])
                    if not values.get("final"):
                        yield line

        write_pieces_atomically(self.metrics, kept())
        if self.samples.exists():
            write_pieces_atomically(self.samples, _samples_to(own_lines(self.samples), step))
        return seconds


def _is_link(path: Path) -> CheckpointError:
    return CheckpointError(
        "is a link, and a run is written to in its own folder alone",
        where=str(path),
        then="put what it leads to in its place; the run's folder itself may be a link",
    )


def sample_entry(step: int, text: str, *, final: bool) -> bytes:
    """A sample under its heading; a line of it that looks like a heading is indented."""
    entry = f"{text}\n".encode(errors="replace")
    heading = f"--- step {step}{' (final)' if final else ''}\n".encode()
    return heading + _SAMPLE.sub(rb" \g<0>", entry)


def own_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file of the run, none where it is not there; what is longer is cut in pieces.

    Raises CheckpointError where it is a link, a pipe or a device, or cannot be read.
    """
    try:
        with open_regular(path, NO_LINKS) as file:
            without_end = 0
            while without_end < MAX_PIECES and (line := file.readline(MAX_LINE)):
                without_end = 0 if line.endswith(b"\n") else without_end + 1
                yield line
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unreadable(error, path) from None


def _unreadable(error: OSError, path: Path) -> CheckpointError:
    if error.errno == errno.ELOOP:
        return _is_link(path)
    return CheckpointError(f"cannot be read: {error.strerror}", where=str(path))


def _whole_lines(lines: Iterable[bytes]) -> Iterator[tuple[bytes, dict[str, Any]]]:
    for line in lines:
        if not line.endswith(b"\n"):
            continue
        with contextlib.suppress(ValueError, RecursionError):
            values = json.loads(line)
            if _is_line(values):
                yield line, values


def _lock_alone(file: IO[str]) -> None:
    """Raises BlockingIOError where another trains; `is_locked` holds it for a moment only."""
    for _ in range(_LOOKS):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(0.01)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _samples_to(lines: Iterable[bytes], step: int) -> Iterator[bytes]:
    """The samples up to a step, without that of a final evaluation or one that was cut off."""
    held = b""  # pieces of a line, whose end may be missing
    for line in lines:
        if not held and (heading := _SAMPLE.match(line)) and (int(heading[1]) > step or heading[2]):
            return
        held += line
        if line.endswith(b"\n"):
            yield held
            held = b""


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
    name = os.fsencode(name)[:LONGEST_NAME].decode(errors="ignore")
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
