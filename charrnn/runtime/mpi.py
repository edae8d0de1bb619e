"""Ranks over MPI.

The sum is a reduce-scatter and an all-gather, made of the two exchanges that only move bytes: each
rank is sent its N-th of every vector, adds them in the order of the ranks, and sends the sum to
all. A rank sends 2·(N - 1)/N of a vector's bytes, the least there is (Patarasuk & Yuan 2009).
MPI_Allreduce may choose its order by the size and the number of ranks; this one is that of
`workers.WorkerPool`, on any MPI.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from charrnn.errors import CharrnnError
from charrnn.runtime.ranks import Ranks, RankStatus

Array = NDArray[Any]
Item = TypeVar("Item")
POLL = 0.01  # seconds
_KINDS = {"f": MPI.FLOAT, "d": MPI.DOUBLE}


class MPIRanks(Ranks):
    """The ranks of a communicator."""

    def __init__(self, comm: MPI.Comm) -> None:
        self._comm = comm
        self.rank, self.size = comm.Get_rank(), comm.Get_size()
        self._parts = np.empty(0)

    def all_reduce(self, vector: Array, status: RankStatus) -> list[RankStatus]:
        found = np.empty((self.size, len(status)))
        exchange = self._comm.Iallgather(np.array(status, np.float64), found)
        cuts = [len(vector) * rank // self.size for rank in range(self.size + 1)]
        counts, starts = [b - a for a, b in pairwise(cuts)], cuts[:-1]
        kind = _KINDS[vector.dtype.char]
        own = counts[self.rank]
        parts = self._scratch(own * self.size, vector.dtype).reshape(self.size, own)
        self._comm.Alltoallv(
            [vector, counts, starts, kind],
            [parts, [own] * self.size, [own * rank for rank in range(self.size)], kind],
        )
        for part in parts[1:]:
            parts[0] += part
        self._comm.Allgatherv([parts[0], own, kind], [vector, counts, starts, kind])
        exchange.Wait()
        return [RankStatus(*row) for row in found.tolist()]

    def _scratch(self, length: int, dtype: np.dtype[Any]) -> Array:
        if self._parts.dtype != dtype or len(self._parts) < length:
            self._parts = np.empty(length, dtype)
        return self._parts[:length]

    def all_gather(self, item: Item) -> list[Item]:
        return self._comm.allgather(item)

    def run_on_first(self, work: Callable[[], Item]) -> Item:
        if self.rank:
            done, result = self._comm.bcast(None)
            if not done:
                raise SystemExit(result)
            return result
        try:
            result = work()
        except CharrnnError as error:
            self._comm.bcast((False, error.exit_code))
            raise
        self._comm.bcast((True, result))
        return result

    def of_host(self) -> Ranks:
        return MPIRanks(self._comm.Split_type(MPI.COMM_TYPE_SHARED))


class World(MPIRanks):
    """All ranks that `mpiexec` started."""

    def __init__(self) -> None:
        super().__init__(MPI.COMM_WORLD)
        self._farewell = self._comm.Dup()

    def all_leave(self, seconds: float) -> bool:
        """Called by a rank that ends early: whether all others do so too, within `seconds`."""
        leaving, until = self._farewell.Ibarrier(), time.monotonic() + seconds
        while not leaving.Test():
            if time.monotonic() > until:
                return False
            time.sleep(POLL)
        return True

    def end(self, code: int) -> None:
        """End every rank at once; `mpiexec` returns `code`."""
        self._comm.Abort(code)
