"""Ranks that are threads of this process, for all that needs no MPI."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from charrnn.api.running import recorded
from charrnn.runs.joining import joined
from charrnn.runs.launching import Launch
from charrnn.runtime.signals import StopSignal
from charrnn.training.events import Event


class ThreadGroup:
    """One of several threads that meet in every call."""

    def __init__(self, rank: int, items: list[Any], barrier: threading.Barrier) -> None:
        self.rank, self.size = rank, len(items)
        self._items, self._barrier = items, barrier

    def add(self, vector, word):
        told = self.every((vector.copy(), word))
        vector[...] = told[0][0]
        for part, _ in told[1:]:
            vector += part
        return [word for _, word in told]

    def every(self, item):
        self._items[self.rank] = item
        self._barrier.wait(60)
        items = list(self._items)
        self._barrier.wait(60)
        return items

    def first(self, work):
        return self.every(work() if self.rank == 0 else None)[0]

    def of_host(self):
        return self


def in_ranks(size: int, work: Callable[[ThreadGroup], Any]) -> list[Any]:
    """What `work` returns on each of so many ranks. An error on one ends all, and is raised."""
    barrier, items, errors = threading.Barrier(size), [None] * size, []

    def run(rank: int) -> Any:
        try:
            return work(ThreadGroup(rank, items, barrier))
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


def play(launch: Launch, stop: StopSignal | None = None) -> Iterator[Event]:
    """Train this rank, writing what the program writes."""
    try:
        yield from recorded(launch, stop or StopSignal())
    finally:
        if launch.trainer.group.rank == 0:
            launch.run.unlock()


def train_in_ranks(size: int, begin: Callable[[], Launch]) -> list[list[Event]]:
    """The events of each rank of a run that `begin` begins, or resumes."""
    return in_ranks(size, lambda group: list(play(joined(group, begin))))
