"""One run that is killed again and again until it has come to its end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from killing.cases import command

Process = subprocess.Popen[str]
POLITE = (0, 128 + signal.SIGINT, 128 + signal.SIGTERM, -signal.SIGINT, -signal.SIGTERM)
STUCK_SECONDS = 600
MAX_PARTS = 1000


class Lost(Exception):  # noqa: N818
    """A run that does not go on, or ends with another code than it should."""


class Killer:
    """`seconds`: what a run takes that is left alone; instants are drawn from them."""

    def __init__(self, random: Random, seconds: float, tally: Counter[str]) -> None:
        self._random, self._seconds, self._tally = random, seconds, tally
        self._ways: list[Callable[[Process, Path], None]] = [
            self._at_any_instant, self._at_any_instant, self._inside_a_save, self._inside_a_save,
            self._after_a_pause, self._interrupted_twice, self._ended_in_a_save,
        ]  # fmt: skip

    def torture(self, text: Path, out: Path, case: str, most: int) -> None:
        """Train to the end, killing at most so many parts. Raises Lost."""
        arguments, begun = command(text, out, case), self._tally["kills"]
        for _ in range(MAX_PARTS):
            process = train(arguments)
            if self._tally["kills"] - begun < most:
                self._random.choice(self._ways)(process, out)
            _, said = process.communicate(timeout=STUCK_SECONDS)
            if process.returncode == 0:
                return
            arguments = self._next(process.returncode, said, text, out, case)
        raise Lost(f"no end after {MAX_PARTS} parts")

    def _next(self, code: int, said: str, text: Path, out: Path, case: str) -> list[str]:
        """How the run is gone on with, given how this part of it ended."""
        if code == 4 and "run the command that began it again" in said:
            self._tally["restarted"] += 1
            return command(text, out, case)
        if code == -signal.SIGKILL:
            self._tally["kills"] += 1
        elif code in POLITE:
            self._tally["signals"] += 1
        else:
            raise Lost(f"exit code {code}: {said}")
        if "Traceback" in said and code != -signal.SIGINT:
            raise Lost(said)
        if any(leftovers(out)):
            self._tally["inside a save"] += 1
        started = (out / "config.yaml").exists()
        return ["--resume", str(out), "-q"] if started else command(text, out, case)

    def _at_any_instant(self, process: Process, out: Path) -> None:
        self._wait(process)
        process.kill()

    def _inside_a_save(self, process: Process, out: Path) -> None:
        self._wait(process)
        self._wait_for_a_save(process, out)
        process.kill()

    def _after_a_pause(self, process: Process, out: Path) -> None:
        self._wait(process)
        process.send_signal(signal.SIGSTOP)
        time.sleep(self._random.uniform(0, 0.05))
        process.send_signal(signal.SIGCONT)
        self._wait_for_a_save(process, out)
        process.kill()

    def _interrupted_twice(self, process: Process, out: Path) -> None:
        self._wait(process)
        process.send_signal(signal.SIGINT)
        time.sleep(self._random.uniform(0, 0.01))
        process.send_signal(signal.SIGINT)

    def _ended_in_a_save(self, process: Process, out: Path) -> None:
        self._wait_for_a_save(process, out)
        process.send_signal(signal.SIGTERM)

    def _wait(self, process: Process) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(self._random.uniform(0, self._seconds))

    def _wait_for_a_save(self, process: Process, out: Path) -> None:
        """Until a temporary file is seen, and some microseconds more."""
        while process.poll() is None and not any(leftovers(out)):
            pass
        time.sleep(self._random.uniform(0, 0.002))


def leftovers(out: Path) -> Iterator[str]:
    """Names of temporary files in the run's folder."""
    for folder in (out / "checkpoints", out):
        with contextlib.suppress(FileNotFoundError):
            yield from (n for n in os.listdir(folder) if n[0] == "." and n.endswith(".tmp"))


def train(arguments: list[str]) -> Process:
    """The real program."""
    return subprocess.Popen(
        [sys.executable, "-m", "charrnn", "train", *arguments],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
