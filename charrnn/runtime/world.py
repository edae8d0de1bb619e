"""The ranks of a command, from its beginning to its end."""

from __future__ import annotations

import atexit
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from shlex import quote
from typing import TYPE_CHECKING

from charrnn.errors import CharrnnError, MissingExtraError
from charrnn.runtime.installation import install_command
from charrnn.runtime.mpi_launch import Started, alone, started
from charrnn.runtime.ranks import Ranks

if TYPE_CHECKING:
    from charrnn.runtime.mpi import World

ARRIVAL = 120.0  # seconds between the first rank and the last, at most
PATIENCE = 3.0  # seconds in which an error that all ranks meet has reached all of them


@contextmanager
def world() -> Iterator[Ranks]:
    """All ranks, or this process alone where no `mpiexec` started it.

    An error that all ranks meet ends each of them, and the first tells it. One that some meet
    ends all: they would wait for those for ever. Raises MissingExtraError without mpi4py.
    """
    how = started()
    if how.size == 1:
        yield Ranks()
        return
    ranks = _world(how)
    try:
        yield ranks
    except BaseException as error:
        _leave(ranks, error)
        raise


def _world(how: Started) -> World:
    try:
        with _arrival(how):
            from charrnn.runtime.mpi import World
    except (ImportError, RuntimeError) as error:
        if how.rank:
            raise SystemExit(MissingExtraError.exit_code) from None
        raise MissingExtraError(
            f"this is one of {how.size} processes of an mpiexec, and training over MPI needs "
            f"mpi4py and the MPI of that mpiexec ({error})",
            then=f"{install_command('mpi')}\n"
            "  and start it with the mpiexec that comes with it; or without mpiexec: "
            "runtime.threads uses the cores of one machine",
        ) from None
    ranks = World()
    if ranks.size != how.size:
        raise MissingExtraError(
            f"mpiexec started {how.size} processes, and mpi4py's MPI knows of {ranks.size}: the "
            "two are not of the same MPI",
            then="use the mpiexec beside this Python: "
            + quote(f"{os.path.dirname(sys.executable)}/mpiexec"),
        )
    return ranks


@contextmanager
def _arrival(how: Started) -> Iterator[None]:
    """End this process where MPI does not begin: a rank that is gone is waited for without end.

    MPI keeps Python's lock meanwhile, so that only another process can tell and end this one. It
    ends without a word when the pipe that is its stdin closes, as it does with this process.
    """
    if sys.platform == "win32":
        yield
        return
    told = (
        f"error: rank {how.rank} of {how.size}, on {socket.gethostname()}: not all ranks came "
        f"within {ARRIVAL:g} s\n  one of them ended before MPI began, or could not be started\n"
    )
    code = (
        "import os, select, signal\n"
        f"if not select.select([0], [], [], {ARRIVAL})[0]:\n"
        f"    os.write(2, {told.encode()!r})\n"
        f"    os.kill({os.getpid()}, signal.SIGKILL)\n"
    )
    watch = subprocess.Popen(
        [sys.executable, "-ISE", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        env=alone(os.environ), start_new_session=True,
    )  # fmt: skip
    try:
        yield
    finally:
        watch.communicate()


def _leave(ranks: World, error: BaseException) -> None:
    """Called where an error ends this rank: see that it ends all, and is told once."""
    code = _exit_code(error)
    if ranks.all_leave(PATIENCE):
        if ranks.rank:
            raise SystemExit(code)
        return
    # After the error was shown: MPI would otherwise wait for the others at the end of the program.
    atexit.register(_end, ranks, code)
    if not isinstance(error, SystemExit) and sys.stderr is not None:
        place = f"rank {ranks.rank} of {ranks.size}, on {socket.gethostname()}"
        with contextlib.suppress(OSError, ValueError):
            print(f"{place}, ends the run:", file=sys.stderr)


def _end(ranks: World, code: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # full, or gone: the others still wait
            if stream is not None:
                stream.flush()
    ranks.end(code)


def _exit_code(error: BaseException) -> int:
    if isinstance(error, CharrnnError):
        return error.exit_code
    if isinstance(error, SystemExit) and isinstance(error.code, int):
        return error.code
    if isinstance(error, KeyboardInterrupt):
        return 130
    return 2 if isinstance(error, MemoryError) else 4 if isinstance(error, OSError) else 1
