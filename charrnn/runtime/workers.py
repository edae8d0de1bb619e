"""The streams of a batch, split over ranks and threads.

A rank is one of several processes (`ranks`); alone, a process has all streams. Each thread
runs whole windows of its own streams, on a network with memory of its own over the same θ, into a
gradient of its own. They share nothing while they run, and the gradients are added in the threads'
order: the same number of threads gives the same bits. NumPy's products and the compiled kernels
release Python's lock, and BLAS is to be limited to one thread meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from functools import cached_property, partial
from itertools import islice, pairwise
from threading import Event
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from charrnn.errors import notice
from charrnn.nn import bptt
from charrnn.nn.bptt import Batch, GradientResult
from charrnn.nn.network import Network
from charrnn.nn.params import Params
from charrnn.runtime.ranks import Ranks

Array = NDArray[Any]
Given = TypeVar("Given")
Result = TypeVar("Result")
# The dropout masks of some of the streams, drawn in a network's memory.
StreamMasks = Callable[[Network, range], bptt.Masks]


class Threads:
    """Runs tasks side by side, the first of them in the thread that calls.

    Where the system lets no more threads begin, one after another: to the same results.
    """

    def __init__(self, count: int) -> None:
        self._count = count - 1

    @cached_property
    def _pool(self) -> ThreadPoolExecutor | None:
        """All threads, begun; None where one cannot be."""
        pool, begun = ThreadPoolExecutor(self._count), Event()
        try:
            for _ in range(self._count):
                pool.submit(begun.wait)
        except RuntimeError as error:  # can't start new thread
            begun.set()
            pool.shutdown(cancel_futures=True)
            notice(f"the system refuses {self._count + 1} threads ({error}): one does the work")
            return None
        begun.set()
        return pool

    def run(self, tasks: Sequence[Callable[[], Result]]) -> list[Result]:
        """The results, in the tasks' order. No task is at work when this returns or raises."""
        if len(tasks) < 2 or self._pool is None:
            return [task() for task in tasks]
        others = [self._pool.submit(task) for task in tasks[1:]]
        try:
            first = tasks[0]()
        finally:
            wait(others)
        return [first, *(other.result() for other in others)]


def even_ranges(n: int, parts: int) -> list[range]:
    """0 to n in consecutive parts whose lengths differ by one at most."""
    bounds = [n * part // parts for part in range(parts + 1)]
    return [range(a, b) for a, b in pairwise(bounds)]


class WorkerPool:
    """Runs work on this rank's streams with `threads` threads, `bptt.gradient` above all."""

    def __init__(self, network: Network, threads: int = 1) -> None:
        self.networks = [network] + [network.with_own_workspace() for _ in range(threads - 1)]
        self._threads = Threads(threads)
        self.ranks = Ranks()

    @property
    def network(self) -> Network:
        return self.networks[0]

    @cached_property
    def _grads(self) -> list[Params]:
        """Gradients of the workers but the first, whose gradient a caller brings."""
        return [self.network.params.like() for _ in self.networks[1:]]

    @property
    def threads(self) -> int:
        return len(self.networks)

    def own(self, B: int) -> slice:
        """This rank's of B streams."""
        return self.ranks.own(B)

    def run(
        self, B: int, work: Callable[[int, Network, range], Result], *, least: int = 1
    ) -> list[Result]:
        """work(part, network, streams) for each part of this rank's of B streams, all at once.

        `least`: streams that a part has, unless it is the only one.

        The results are in the parts' order; there are none where the rank has no stream. N ranks
        of t threads have the parts of one process with N·t, if B is N·t at least.
        """
        rank, ranks = self.ranks.rank, self.ranks.size
        parts = min(self.threads, max(B // ranks // least, 1))
        own = even_ranges(B, ranks * parts)[rank * parts : (rank + 1) * parts]
        tasks = [
            partial(work, part, self.networks[part], streams)
            for part, streams in enumerate(own)
            if streams
        ]
        return self._threads.run(tasks)

    def each(
        self, items: Iterable[Given], work: Callable[[Network, Given], Result]
    ) -> Iterator[Result]:
        """work(network, item) of all items, in their order, as many at once as there are threads.

        The ranks have no part in it.
        """
        left = iter(items)
        while some := list(islice(left, self.threads)):
            pairs = zip(self.networks, some, strict=False)
            yield from self._threads.run([partial(work, network, item) for network, item in pairs])

    def gradient(
        self,
        batch: Batch,
        state: Array,
        grad: Params,
        scale: float,
        *,
        B: int | None = None,
        window: int | str = "auto",
        masks: StreamMasks | None = None,
        cancel: Callable[[], bool] | None = None,
        initial: bool = True,
    ) -> GradientResult:
        """As `bptt.gradient`, for this rank's streams, which `batch` and `state` hold.

        `B` is how many all ranks have. `masks` makes the `masks` of `bptt.gradient` for a network
        and a range of all streams.
        """
        T, B = len(batch.x), batch.x.shape[1] if B is None else B
        length, before = bptt.window_length(window, T, B), self.own(B).start
        grads = [grad, *self._grads]  # made here: not by several threads at once

        def part(index: int, network: Network, streams: range) -> GradientResult:
            own = slice(streams.start - before, streams.stop - before)
            into = grads[index]
            if index:
                into.flat.fill(0)
            return bptt.gradient(
                network, batch.streams(own), state[:, :, own], into, scale,
                window=length, masks=None if masks is None else masks(network, streams),
                cancel=cancel, initial=initial,
            )  # fmt: skip

        if self.threads == self.ranks.size == 1:
            return part(0, self.network, range(B))
        results = self.run(B, part)
        if len(results) == 1:
            return results[0]
        if not results:
            return GradientResult(0.0, state, state)
        for other in grads[1 : len(results)]:
            grad.flat += other.flat
        return GradientResult(
            sum(result.loss for result in results),
            np.concatenate([result.state for result in results], axis=2),
            np.concatenate([result.dstate for result in results], axis=2) if initial else state,
        )


Item = TypeVar("Item")


# What BLAS had outside of each limit in force. A limit is one of the whole process, and so is this.
_outside: list[int] = []


def blas_threads() -> int:
    """How many threads BLAS has where nothing here limits it: all cores, or as many as whoever
    started or calls this program wants. Within `threads` and `limited` it is what it was before.
    """
    return _before_limits(ThreadpoolController)


def _before_limits(controller: Callable[[], ThreadpoolController]) -> int:
    known = next(iter(_outside), None)
    return _present(controller()) if known is None else known


def _present(controller: ThreadpoolController) -> int:
    return max((library.num_threads for library in controller.lib_controllers), default=1)


@contextmanager
def _limit(controller: ThreadpoolController, count: int | None) -> Iterator[None]:
    _outside.append(_before_limits(lambda: controller))
    try:
        with controller.limit(limits=count, user_api="blas"):
            yield
    finally:
        _outside.pop()


@contextmanager
def threads(setting: Any) -> Iterator[int]:
    """Limit the threads of BLAS for a while, "auto" is no limit; yields how many there are.

    Where BLAS is limited already, "auto" yields how many there were before.
    """
    controller = ThreadpoolController()
    with _limit(controller, None if setting == "auto" else setting):
        yield blas_threads() if setting == "auto" else _present(controller)


def limited(items: Iterator[Item], count: int) -> Generator[Item, None, None]:
    """The same items, BLAS limited to `count` threads only while one is made.

    Whoever iterates has, between two items, the threads that it had before.
    """
    controller, end = ThreadpoolController(), object()
    with closing(_closable(items)) as iterator:
        while True:
            with _limit(controller, count):
                item: Any = next(iterator, end)
            if item is end:
                return
            yield item


def _closable(items: Iterator[Item]) -> Generator[Item, None, None]:
    yield from items
