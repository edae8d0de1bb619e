"""One command of charrnn in this process, watched: its exit code, its time, its memory.

The command goes through `charrnn.cli.main.main`, so errors are translated as they are for a user.
"""

from __future__ import annotations

import io
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

MIB = 2**20


@dataclass(frozen=True)
class Command:
    """Arguments of `charrnn`, a label for the table, and the exit codes that are right."""

    label: str
    arguments: Sequence[str]
    allowed: Collection[int]


@dataclass(frozen=True)
class Limits:
    """CPU seconds of a command, and bytes by which it may grow."""

    seconds: float = 1.0
    growth: int = 200 * MIB


@dataclass(frozen=True)
class GradientResult:
    label: str
    code: int | None
    seconds: float
    growth: int
    problem: str | None
    said: str


class Hang(BaseException):
    """The command took more than its CPU time."""


def run(command: Command, limits: Limits) -> GradientResult:
    """Run it, and say what is wrong with how it ended, if anything."""
    before_peak, before = _peak(), _resident()
    began = time.process_time()
    code, problem, said = _guarded(command.arguments, limits.seconds)
    seconds = time.process_time() - began
    growth = max(_peak() - before, 0) if _peak() > before_peak else 0
    if problem is None and code not in command.allowed:
        problem = f"exit code {code}, which is not one of {sorted(command.allowed)}"
    if problem is None and "Traceback" in said:
        problem = "a traceback on stderr"
    if problem is None and growth > limits.growth:
        problem = f"grew by {growth // MIB} MiB"
    return GradientResult(command.label, code, seconds, growth, problem, said)


def bound_address_space(more: int = 2**30) -> None:
    """Let this process take at most `more` bytes than it has: a bomb ends it, not the machine."""
    limit = int(_statm()[0]) * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _guarded(arguments: Sequence[str], seconds: float) -> tuple[int | None, str | None, str]:
    from charrnn.cli.main import main

    before: Any = (sys.argv, sys.stdout, sys.stderr, sys.stdin)
    streams = [io.TextIOWrapper(io.BytesIO(), "utf-8", errors) for errors in
               ("strict", "backslashreplace")]  # fmt: skip
    sys.argv = ["charrnn", *arguments]
    sys.stdout, sys.stderr = streams
    sys.stdin = io.TextIOWrapper(io.BytesIO(), "utf-8")
    code, problem = None, None
    handler = signal.signal(signal.SIGPROF, _hang)
    try:
        signal.setitimer(signal.ITIMER_PROF, seconds)
        try:
            main()
            code = 0
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0
    except Hang:
        problem = f"more than {seconds:g} s of CPU time"
    except BaseException:
        problem = "an exception that is no CharrnnError:\n" + traceback.format_exc()
    finally:
        signal.signal(signal.SIGPROF, handler)
        sys.argv, sys.stdout, sys.stderr, sys.stdin = before
    streams[1].flush()
    return code, problem, streams[1].buffer.getvalue().decode("utf-8", "replace")  # type: ignore[attr-defined]


def _hang(*_: object) -> None:
    raise Hang


def _statm() -> list[str]:
    with open("/proc/self/statm", encoding="ascii") as file:
        return file.read().split()


def _resident() -> int:
    return int(_statm()[1]) * os.sysconf("SC_PAGE_SIZE")


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
