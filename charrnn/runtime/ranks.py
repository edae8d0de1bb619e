"""What ranks say to each other: a sum of vectors, a word of each, what the first one did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar

from numpy.typing import NDArray

Array = NDArray[Any]
Item = TypeVar("Item")


class RankStatus(NamedTuple):
    """What each rank tells all others with its part of a gradient."""

    loss: float = 0.0  # Σ E over its characters
    finite: float = 1.0  # whether its state is
    stop: float = 0.0  # whether it was asked to stop
    cancelled: float = 0.0  # whether its gradient is unfinished
    seconds: float = 0.0  # its clock


class Group(Protocol):
    """The ranks of a run. Each method is called by all of them, in the same order."""

    rank: int
    size: int

    def add(self, vector: Array, word: RankStatus) -> list[RankStatus]:
        """Make `vector` (n,) the sum of all ranks', added in their order, so that it has the same
        bits on each; returns the words of all, in their order.
        """
        ...

    def every(self, item: Item) -> list[Item]:
        """The items of all ranks, in their order."""
        ...

    def first(self, work: Callable[[], Item]) -> Item:
        """What `work` returns on rank 0, which alone does it.

        Where it raises a CharrnnError the others leave by SystemExit, with its exit code.
        """
        ...

    def of_host(self) -> Group:
        """Those on this rank's host."""
        ...


class Alone:
    """One process, which is the first and the last of its group."""

    rank, size = 0, 1

    def add(self, vector: Array, word: RankStatus) -> list[RankStatus]:
        return [word]

    def every(self, item: Item) -> list[Item]:
        return [item]

    def first(self, work: Callable[[], Item]) -> Item:
        return work()

    def of_host(self) -> Group:
        return self


ALONE = Alone()
