"""How many threads BLAS has, for a while."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

Item = TypeVar("Item")


@contextmanager
def threads(setting: Any) -> Iterator[int]:
    """Limit the threads of BLAS for a while, "auto" is no limit; yields how many there are."""
    with threadpool_limits(None if setting == "auto" else setting, user_api="blas"):
        yield max((pool["num_threads"] for pool in threadpool_info()), default=1)


def limited(items: Iterator[Item], count: int) -> Generator[Item, None, None]:
    """The same items, BLAS limited to `count` threads only while one is made.

    Whoever iterates has, between two items, the threads that it had before.
    """
    controller, end = ThreadpoolController(), object()
    with closing(_closable(items)) as iterator:
        while True:
            with controller.limit(limits=count, user_api="blas"):
                item: Any = next(iterator, end)
            if item is end:
                return
            yield item


def _closable(items: Iterator[Item]) -> Generator[Item, None, None]:
    yield from items
