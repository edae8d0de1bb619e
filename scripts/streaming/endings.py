"""Trainings whose terminal is closed, or that a signal reaches which they ignore or do not."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from killing.cases import command
from killing.comparing import differences

CASE = "lstm stream"
SECONDS = 600
Process = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Way:
    """How a training is treated, and the exit code that is right.

    `also`: another that is, where signals come so close that Python, which handles waiting ones by
    their numbers, may see the second first.
    """

    name: str
    code: int
    act: Callable[[Process, int], None]
    before: str = ""  # a shell command before it
    controls: bool = True  # whether the terminal is the one that sends signals
    also: int | None = None


def _hang_up(_: Process, primary: int) -> None:
    os.close(primary)


def _send(*numbers: int) -> Callable[[Process, int], None]:
    def act(process: Process, primary: int) -> None:
        for number in numbers:
            process.send_signal(number)
            time.sleep(0.005)
        os.close(primary)

    return act


WAYS = [
    Way("the terminal is closed", 129, _hang_up),
    Way("nohup, and the terminal is closed", 0, _hang_up, "trap '' HUP;"),
    Way("the terminal of stderr alone is closed", 0, _hang_up, controls=False),
    Way("SIGHUP three times", 129, _send(*[signal.SIGHUP] * 3), controls=False),
    Way("SIGTERM, SIGHUP", 143, _send(signal.SIGTERM, signal.SIGHUP), controls=False, also=129),
    Way("SIGINT is ignored", 0, _send(signal.SIGINT, signal.SIGINT), "trap '' INT;",
        controls=False),
]  # fmt: skip


def whole(folder: Path) -> Path:
    """The training that is left alone."""
    out = folder / "whole"
    done = subprocess.run(
        [*_program(), *command(folder / "t.txt", out, CASE)], stdout=subprocess.DEVNULL
    )
    if done.returncode:
        raise SystemExit(f"{CASE}: a run that is left alone fails")
    return out


def problems(way: Way, folder: Path, out: Path, left_alone: Path, random: Random) -> Iterator[str]:
    """What is wrong with the training's end, and with the one that goes on from there."""
    primary, secondary = pty.openpty()
    process = _start(way, [*command(folder / "t.txt", out, CASE)], secondary)
    os.close(secondary)
    said = _watch(process, primary, out, random.uniform(0, 0.3))
    way.act(process, primary)
    try:
        code = process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        yield f"no end in {SECONDS} s"
        return
    if code not in (way.code, way.also, 0):  # 0: it had come to its end before it was treated so
        yield f"exit code {code}, not {way.code}: {said[-300:]!r}"
    if b"Traceback" in said:
        yield f"a traceback: {said[-1500:]!r}"
    if code and code in (way.code, way.also):
        done = subprocess.run([*_program(), "--resume", str(out), "-q"], capture_output=True)
        if done.returncode:
            yield f"going on ends with {done.returncode}: {done.stderr[-500:]!r}"
    yield from differences(left_alone, out)


def _start(way: Way, words: list[str], secondary: int) -> Process:
    """The training, with a bar on the terminal's other end."""
    # The leader of a session without a terminal has for its own the one that it opens.
    terminal = '<"$0" >"$0" 2>"$0"' if way.controls else ""
    return subprocess.Popen(
        ["bash", "-c", f'{way.before} exec "$@" {terminal}', os.ttyname(secondary), *_program(),
         *(word for word in words if word != "-q")],
        start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=secondary, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip


def _watch(process: Process, primary: int, out: Path, more: float) -> bytes:
    """Read the terminal until something is saved, and for `more` seconds."""
    said, until = b"", None
    while process.poll() is None and (until is None or time.monotonic() < until):
        if until is None and any(out.glob("checkpoints/step-*[1-9].safetensors")):
            until = time.monotonic() + more
        if select.select([primary], [], [], 0.01)[0]:
            said += os.read(primary, 1 << 16)
    return said


def _program() -> list[str]:
    return [sys.executable, "-m", "charrnn", "train"]
