"""The ranks of a command, from its beginning to its end."""

from __future__ import annotations

import atexit
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from shlex import quote
from typing import TYPE_CHECKING

from charrnn.errors import CharrnnError, MissingExtraError
from charrnn.runtime.installation import install_command
from charrnn.runtime.mpi_launch import Started, started
from charrnn.runtime.ranks import Ranks

if TYPE_CHECKING:
    from charrnn.runtime.mpi import World

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


def _leave(ranks: World, error: BaseException) -> None:
    """Called where an error ends this rank: see that it ends all, and is told once."""
    code = _exit_code(error)
    if ranks.all_leave(PATIENCE):
        if ranks.rank:
            raise SystemExit(code)
        return
    # After the error was shown: MPI would otherwise wait for the others at the end of the program.
    atexit.register(_end, ranks, code)
    if not isinstance(error, SystemExit):
        place = f"rank {ranks.rank} of {ranks.size}, on {socket.gethostname()}"
        print(f"{place}, ends the run:", file=sys.stderr)


def _end(ranks: World, code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    ranks.end(code)


def _exit_code(error: BaseException) -> int:
    if isinstance(error, CharrnnError):
        return error.exit_code
    if isinstance(error, SystemExit) and isinstance(error.code, int):
        return error.code
    if isinstance(error, KeyboardInterrupt):
        return 130
    return 2 if isinstance(error, MemoryError) else 4 if isinstance(error, OSError) else 1
