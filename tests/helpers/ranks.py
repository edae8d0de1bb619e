"""Ranks that are threads of this process, for all that needs no MPI."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from charrnn.runs.joining import join_ranks
from charrnn.runs.start import Launch
from charrnn.runtime.ranks import Ranks
from charrnn.training.events import Event
from tests.conftest import PATIENCE
from tests.helpers.runs import play


class ThreadRanks(Ranks):
    """One of several threads that meet in every call."""

    def __init__(self, rank: int, items: list[Any], barrier: threading.Barrier) -> None:
        self.rank, self.size = rank, len(items)
        self._items, self._barrier = items, barrier

    def all_reduce(self, vector, status):
        told = self.all_gather((vector.copy(), status))
        vector[...] = told[0][0]
        for part, _ in told[1:]:
            vector += part
        return [status for _, status in told]

    def all_gather(self, item):
        self._items[self.rank] = item
        self._barrier.wait(PATIENCE)
        items = list(self._items)
        self._barrier.wait(PATIENCE)
        return items

    def run_on_first(self, work):
        return self.all_gather(work() if self.rank == 0 else None)[0]


def in_ranks(size: int, work: Callable[[ThreadRanks], Any]) -> list[Any]:
    """What `work` returns on each of so many ranks. An error on one ends all, and is raised."""
    barrier, items, errors = threading.Barrier(size), [None] * size, []

    def run(rank: int) -> Any:
        try:
            return work(ThreadRanks(rank, items, barrier))
        except threading.BrokenBarrierError:
            return None
        except BaseException as error:
            errors.append(error)
            barrier.abort()
            return None

    with ThreadPoolExecutor(size) as pool:
        results = list(pool.map(run, range(size)))
    if errors:
        raise errors[0]
    return results


def train_in_ranks(size: int, launch: Callable[[], Launch]) -> list[list[Event]]:
    """The events of each rank of a run that `launch` starts or resumes."""
    return in_ranks(size, lambda ranks: list(play(join_ranks(ranks, launch))))
