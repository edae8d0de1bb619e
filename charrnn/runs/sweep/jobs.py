"""Training the points, several processes at a time, each an ordinary `charrnn train`.

A point that diverges or fails has that as its result and stops no other.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from charrnn.errors import DivergenceError, notice
from charrnn.runs.sweep.folder import SweepFolder
from charrnn.runs.sweep.plan import Point
from charrnn.runtime.files import open_for_writing, open_regular
from charrnn.runtime.mpi_launch import alone, started
from charrnn.runtime.signals import StopSignal

# How a training ends that was asked to stop: after saving, or before it had anything to save.
STOPPED = [
    code
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
    if (number := getattr(signal, name, None))
    for code in (128 + number, -number)
]
PAUSE = 0.05  # seconds between looks at the processes
Told = Callable[[Point, dict[str, Any]], None]


def how_many(jobs: int | str, points: Sequence[Point]) -> int:
    """Processes at a time: as asked, or as many as the cores that each point's threads leave.

    Ranks on one host share its cores.
    """
    if jobs != "auto":
        return int(jobs)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    most = max((int(point.config.runtime.threads) for point in points), default=1)
    return max((cores or 1) // started().on_host // most, 1)


@dataclass
class _Job:
    point: Point
    process: subprocess.Popen[bytes]
    log: IO[bytes]
    file: Path
    said_before: int

    @classmethod
    def start(cls, folder: SweepFolder, point: Point) -> _Job | None:
        """Begin to train a point; None where another process is at it."""
        lock = folder.hold(point)
        if lock is None:
            return None
        what = (
            ["--resume", str(folder.run(point))]
            if folder.begun(point)
            else [str(folder.config(point)), "--out", str(folder.run(point))]
        )
        log = os.fdopen(
            open_for_writing(folder.log(point), os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab"
        )
        threads = str(point.config.runtime.threads)
        limits = {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
        program = [sys.executable, "-m", "charrnn.runs.sweep.child"]
        try:
            # A session of its own: Ctrl-C reaches it through us, once. Our end of its stdin closes
            # with us, however we end. It inherits the lock.
            process = subprocess.Popen(
                [*program, "train", *what, "--format", "json", "-q"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                env={**alone(os.environ), **limits}, start_new_session=True,
                pass_fds=() if sys.platform == "win32" else (lock,),
            )  # fmt: skip
        finally:
            os.close(lock)
        return cls(point, process, log, folder.log(point), log.tell())

    def outcome(self) -> dict[str, Any] | None:
        """How it ended; None if a signal stopped it, and it can go on."""
        stdout = self.process.communicate()[0]
        self.log.close()
        code = self.process.returncode
        if code in STOPPED:
            return None
        if code == 0:
            return {"status": "done", **json.loads(stdout)}
        if code < 0:
            return {"status": "failed", "exit_code": 128 - code, "error": _killed(-code)}
        status = "diverged" if code == DivergenceError.exit_code else "failed"
        return {"status": status, "exit_code": code, "error": self._error()}

    def _error(self) -> str:
        with open_regular(self.file) as file:
            file.seek(self.said_before)
            said = file.read().decode(errors="replace").strip()
        at = said.rfind("error: ")
        return said[at + len("error: ") :] if at >= 0 else said[-2000:]


def _killed(number: int) -> str:
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    memory = ", as the system does where memory is short" if name == "SIGKILL" else ""
    return f"the training was killed by {name}{memory}; the same sweep goes on with it"


def run_points(
    folder: SweepFolder, points: Sequence[Point], jobs: int, stop: StopSignal, tell: Told
) -> list[Point]:
    """Train each point, at most `jobs` at a time; those that were interrupted are returned.

    `tell` is called with every result as it comes. When `stop` is requested all are asked to
    stop, and waited for while they save.
    """
    waiting, running = deque(points), list[_Job]()
    interrupted: list[Point] = []
    asked, told = False, set[str]()
    try:
        while running or (waiting and not stop.requested):
            for point in list(waiting):
                if len(running) >= jobs or stop.requested:
                    break
                if (begun := _Job.start(folder, point)) is not None:
                    running.append(begun)
                    waiting.remove(point)
                elif point.name not in told:
                    told.add(point.name)
                    notice(f"{point.name} is trained by another process: waiting for it")
            if stop.requested and not asked:
                asked = True
                _signal(running, stop.number)
            for job in [job for job in running if job.process.poll() is not None]:
                running.remove(job)
                outcome = job.outcome()
                if outcome is None:
                    interrupted.append(job.point)
                else:
                    folder.record(job.point, outcome)
                    tell(job.point, outcome)
            time.sleep(PAUSE)
    finally:
        _signal(running, signal.SIGTERM)
    return [*interrupted, *waiting]


def _signal(running: Sequence[_Job], number: int) -> None:
    for job in running:
        if job.process.poll() is None:
            job.process.send_signal(number)
