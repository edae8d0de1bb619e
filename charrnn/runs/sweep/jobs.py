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

from charrnn.errors import DivergenceError
from charrnn.files import open_for_writing, open_regular
from charrnn.runs.sweep.folder import SweepFolder
from charrnn.runs.sweep.plan import Point
from charrnn.runtime.mpi_launch import alone, started
from charrnn.runtime.signals import StopSignal

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
    def start(cls, folder: SweepFolder, point: Point) -> _Job:
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
        # A session of its own: Ctrl-C reaches it through us, once.
        process = subprocess.Popen(
            [sys.executable, "-m", "charrnn", "train", *what, "--format", "json", "-q"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
            env={**alone(os.environ), **limits}, start_new_session=True,
        )  # fmt: skip
        return cls(point, process, log, folder.log(point), log.tell())

    def outcome(self) -> dict[str, Any] | None:
        """How it ended; None if a signal stopped it, and it can go on."""
        stdout = self.process.communicate()[0]
        self.log.close()
        code = self.process.returncode
        if code in (128 + signal.SIGINT, 128 + signal.SIGTERM, 128 + signal.SIGHUP) or code < 0:
            return None
        if code == 0:
            return {"status": "done", **json.loads(stdout)}
        status = "diverged" if code == DivergenceError.exit_code else "failed"
        return {"status": status, "exit_code": code, "error": self._error()}

    def _error(self) -> str:
        with open_regular(self.file) as file:
            file.seek(self.said_before)
            said = file.read().decode(errors="replace").strip()
        at = said.rfind("error: ")
        return said[at + len("error: ") :] if at >= 0 else said[-2000:]


def run_points(
    folder: SweepFolder, points: Sequence[Point], jobs: int, stop: StopSignal, tell: Told
) -> list[Point]:
    """Train each point, at most `jobs` at a time; those that were interrupted are returned.

    `tell` is called with every result as it comes. When `stop` is requested all are asked to
    stop, and waited for while they save.
    """
    waiting, running = deque(points), list[_Job]()
    interrupted: list[Point] = []
    asked = False
    try:
        while running or (waiting and not stop.requested):
            while waiting and len(running) < jobs and not stop.requested:
                running.append(_Job.start(folder, waiting.popleft()))
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
