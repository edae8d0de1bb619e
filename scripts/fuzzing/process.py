"""One command of charrnn in a process of its own, forked from one that has imported everything.

A fork costs a twentieth of a new interpreter. What is the child's alone is real: its descriptors,
signals, folder, environment, end. Only what happens before `charrnn.__main__.main` is not tried.
"""

from __future__ import annotations

import atexit
import importlib
import os
import pkgutil
import resource
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

PATIENCE = 180.0  # seconds, for a machine that is busy with other things
CPU_SECONDS = 60
PROOF_SECONDS = 0.2
MEMORY = 2 << 30  # bytes that a command may ask for
LARGEST_FILE = 1 << 28  # bytes that a command may write into one


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, or minus the signal; None where it had to be killed."""

    code: int | None
    out: str
    err: str
    seconds: float


def import_everything() -> None:
    """Import what commands import, so that a fork has it. Numba stays out: compiling is slow."""
    import charrnn

    sys.modules["numba"] = None  # type: ignore[assignment]
    for module in pkgutil.walk_packages(charrnn.__path__, "charrnn."):
        if not module.name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
            except ImportError:
                continue  # an extra that is not installed
    shorten_proofs()


def shorten_proofs() -> None:
    """Let `gradcheck` of a run compare fewer entries: that it works is tried, not the gradients."""
    from charrnn.analysis.gradcheck import share

    share.SECONDS = PROOF_SECONDS


def run(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str],
    patience: float = PATIENCE,
) -> Ended:  # fmt: skip
    """`charrnn ARGUMENTS` in `folder`, without input; `environment`: what differs in it."""
    out, err = (os.memfd_create(name) for name in ("out", "err"))
    sys.stdout.flush()
    sys.stderr.flush()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _be_charrnn(arguments, folder, environment, (out, err))
    code = _wait(child, patience)
    seconds = time.monotonic() - began
    said = []
    for number in (out, err):
        with os.fdopen(number, "rb") as file:
            file.seek(0)
            said.append(file.read().decode("utf-8", "replace"))
    return Ended(code, said[0], said[1], seconds)


def _wait(child: int, patience: float) -> int | None:
    """The child's exit code, or minus its signal. One that takes too long is ended, with its own
    children, which are in its group.
    """
    handle = os.pidfd_open(child)
    try:
        ended = select.select([handle], [], [], patience)[0]
    finally:
        os.close(handle)
    if not ended:
        os.killpg(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if ended else None


def _be_charrnn(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], files: tuple[int, int]
) -> NoReturn:  # fmt: skip
    code = 99
    try:
        os.setsid()
        atexit._clear()  # what the parent has to do at its end
        _bound()
        os.chdir(folder)
        os.environ.update(environment)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, file in enumerate((nothing, *files)):
            os.dup2(file, number)
        for file in {nothing, *files} - {0, 1, 2}:
            os.close(file)
        for number, name in enumerate(("stdin", "stdout", "stderr")):
            as_at_the_start(number, name)
        sys.argv = ["charrnn", *arguments]
        code = main_to_the_end()
    finally:
        os._exit(code)


def _bound() -> None:
    with open("/proc/self/statm", encoding="ascii") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, now + MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def as_at_the_start(number: int, name: str) -> None:
    """The stream as Python makes it: None if the descriptor is closed."""
    try:
        os.fstat(number)
    except OSError:
        stream = None
    else:
        errors = "backslashreplace" if number == 2 else "strict"
        stream = open(  # noqa: SIM115
            number, "w" if number else "r", 1, encoding="utf-8", errors=errors, closefd=False
        )
    setattr(sys, name, stream)
    setattr(sys, f"__{name}__", stream)


def main_to_the_end() -> int:
    """As the interpreter runs a program, and ends."""
    from charrnn.__main__ import main

    code = 0
    try:
        main()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        if sys.stderr is not None:
            traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        code = 120
    return code
