"""A sweep's folder: a run's folder for each point, and what is known of each in `points/`.

DIR/NAME/              the run, as `charrnn train` makes it
DIR/points/NAME.yaml   its whole configuration
DIR/points/NAME.json   how it ended; not there before
DIR/points/NAME.log    what training said on stderr
DIR/points/NAME.lock   held by the process that trains it
DIR/table.tsv, table.json
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from charrnn.config import flat, load, to_yaml
from charrnn.errors import CharrnnError, CheckpointError, UsageError, argument, shortened
from charrnn.runs.folder import RunFolder
from charrnn.runs.sweep.plan import Point
from charrnn.runtime.files import open_for_writing, read_regular
from charrnn.storage.atomic import unwritable, write_atomically

MAX_OUTCOME = 1 << 24  # bytes
if sys.platform != "win32":
    import fcntl

FINAL = ("done", "diverged")  # ends that are results; a failed point is tried again
MOST_SHOWN = 6


class SweepFolder:
    """Names and states of the points in a folder."""

    def __init__(self, path: Path) -> None:
        self.path, self.points = path, path / "points"

    def open(self) -> None:
        """Make the folder, and hold it until the process ends.

        Raises UsageError where it holds something else, CheckpointError where it is in use.
        """
        foreign = self.path.exists() and not self.points.is_dir()
        if foreign and (not self.path.is_dir() or any(self.path.iterdir())):
            raise UsageError(
                "exists already, and is not the folder of a sweep", where=str(self.path),
                then=f"choose another {argument('out')}",
            )  # fmt: skip
        _require_no_link(self.points)
        try:
            self.points.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(error, self.points) from None
        self._run = RunFolder(self.path)
        try:
            self._run.lock()
        except CheckpointError as error:
            if "another process" not in error.what:
                raise
            raise CheckpointError(
                "another process is at work in this sweep", where=str(self.path),
                then="wait for it, or stop it",
            ) from None  # fmt: skip

    def run(self, point: Point) -> Path:
        return self.path / point.name

    def config(self, point: Point) -> Path:
        return self.points / f"{point.name}.yaml"

    def log(self, point: Point) -> Path:
        return self.points / f"{point.name}.log"

    def hold(self, point: Point) -> int | None:
        """A descriptor that has the point's lock; None where another process trains it.

        The lock is the descriptor's, so that a training that inherits it holds it to its end, and
        no other can begin between two looks.
        """
        descriptor = open_for_writing(self.points / f"{point.name}.lock", os.O_RDWR | os.O_CREAT)
        if is_free(descriptor) and not self._is_in_use(point):
            return descriptor
        os.close(descriptor)
        return None

    def _is_in_use(self, point: Point) -> bool:
        """Whether somebody trains in the point's run by hand."""
        try:
            descriptor = open_for_writing(self.run(point) / ".lock", os.O_RDWR)
        except OSError:
            return False
        try:
            return not is_free(descriptor)
        finally:
            os.close(descriptor)

    def outcome(self, point: Point) -> dict[str, Any] | None:
        """How the point ended, None if it has not."""
        try:
            values = json.loads(read_regular(self._outcome(point), MAX_OUTCOME))
        except (OSError, ValueError):
            return None
        return values if isinstance(values, dict) and "status" in values else None

    def _outcome(self, point: Point) -> Path:
        return self.points / f"{point.name}.json"

    def record(self, point: Point, outcome: dict[str, Any]) -> None:
        write_atomically(self._outcome(point), json.dumps(outcome).encode())

    def begun(self, point: Point) -> bool:
        """Whether there is a checkpoint to go on from."""
        return any((self.run(point) / "checkpoints").glob("*.safetensors"))

    def to_do(self, points: Sequence[Point]) -> list[Point]:
        """Those that have no result yet, in order."""
        return [p for p in points if (self.outcome(p) or {}).get("status") not in FINAL]

    def others(self, points: Sequence[Point]) -> list[str]:
        """Names of points that are here, and not in the sweep any more."""
        return sorted({path.stem for path in self.points.glob("*.yaml")} - {p.name for p in points})

    def changes(self, points: Sequence[Point]) -> dict[str, list[str]]:
        """By point's name, the keys that are not what they were when it was begun."""
        found = {}
        for point in points:
            stored, wanted = self._stored(point), flat(point.config)
            if stored is None or stored == wanted:
                continue
            found[point.name] = [
                f"{key}: {stored.get(key)} → {wanted.get(key)}"
                for key in {**stored, **wanted}
                if stored.get(key) != wanted.get(key)
            ]
        return found

    def _stored(self, point: Point) -> dict[str, Any] | None:
        if not self.config(point).exists():
            return None
        try:
            return flat(load(self.config(point)))
        except CharrnnError:
            return {}

    def prepare(self, points: Sequence[Point]) -> None:
        """Write the configuration of every point.

        Raises CheckpointError where a point's run is a link: training would write where it leads.
        """
        for point in points:
            _require_no_link(self.run(point))
            if self._stored(point) is None:
                write_atomically(self.config(point), to_yaml(point.config).encode())

    def set_aside(self, name: str) -> Path | None:
        """Forget a point's result, and keep its run under another name; None if it has none."""
        for suffix in ("yaml", "json", "log", "lock"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.points / f"{name}.{suffix}")
        run, number = self.path / name, 1
        if not run.exists():
            return None
        while (aside := self.path / f"{name}.before-{number}").exists():
            number += 1
        run.rename(aside)
        return aside


def is_free(descriptor: int) -> bool:
    """Take the lock of an open file, if nobody else has it."""
    if sys.platform == "win32":  # no advisory locks there
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _require_no_link(path: Path) -> None:
    if path.is_symlink():
        raise CheckpointError(
            "is a link, and a sweep is written to in its own folder alone", where=str(path),
            then="put what it leads to in its place; the sweep's folder itself may be a link",
        )  # fmt: skip


def require_same(changes: dict[str, list[str]], folder: Path) -> None:
    """Raise UsageError saying what changed, if anything did."""
    if not changes:
        return
    by_change: dict[str, list[str]] = {}
    for name, keys in changes.items():
        for key in keys:
            by_change.setdefault(key, []).append(name)
    lines = [f"{key} ({_some(names)})" for key, names in by_change.items()]
    raise UsageError(
        f"{len(changes)} points were begun with another configuration:\n  "
        + "\n  ".join(shortened(lines, MOST_SHOWN)),
        where=str(folder),
        then=f"put it back; or choose another {argument('out')}; or train these points again, "
        f"their old runs set aside, and keep the others: {argument('accept_changes')}",
    )


def _some(names: list[str]) -> str:
    return ", ".join(names) if len(names) < 4 else f"{names[0]} and {len(names) - 1} others"
