"""The ranks that train one run, and what they agree on. A process alone is a group of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Item = TypeVar("Item")


class RankStatus(NamedTuple):
    """What a rank tells the others with its part of a gradient, and what all of them agree on."""

    loss: float = 0.0  # Σ E over its characters
    finite: float = 1.0  # whether its state is
    stop: float = 0.0  # whether it was asked to stop
    cancelled: float = 0.0  # whether its gradient is unfinished
    seconds: float = 0.0  # its clock


class Ranks:
    """The ranks of a run. Each method is called by all of them, in the same order.

    This class is one process alone, for which every method does nothing; `mpi.MPIRanks` has many.
    """

    rank, size = 0, 1
    agreed = RankStatus()  # by the last update

    # -- what they exchange ---------------------------------------------------------------

    def all_reduce(self, vector: Array, status: RankStatus) -> list[RankStatus]:
        """Make `vector` (n,) the sum of all ranks', added in their order, so that it has the same
        bits on each; returns the status of all, in their order.
        """
        return [status]

    def all_gather(self, item: Item) -> list[Item]:
        """The items of all ranks, in their order."""
        return [item]

    def run_on_first(self, work: Callable[[], Item]) -> Item:
        """What `work` returns on rank 0, which alone does it.

        Where it raises a CharrnnError the others leave by SystemExit, with its exit code.
        """
        return work()

    def of_host(self) -> Ranks:
        """Those on this rank's host."""
        return self

    # -- what they agree on ---------------------------------------------------------------

    def own(self, B: int) -> slice:
        """This rank's of B streams."""
        return slice(B * self.rank // self.size, B * (self.rank + 1) // self.size)

    def agree(self, vector: Array, status: RankStatus) -> RankStatus:
        """Sum `vector` as `all_reduce` does; one status for all.

        The loss is the sum. One rank suffices to stop or to cancel, or for what is not finite. The
        clock is that of the first.
        """
        found = self.all_reduce(vector, status)
        self.agreed = RankStatus(
            loss=sum(one.loss for one in found),
            finite=all(one.finite for one in found),
            stop=any(one.stop for one in found),
            cancelled=any(one.cancelled for one in found),
            seconds=found[0].seconds,
        )
        return self.agreed

    def stop_requested(self, own: Callable[[], bool]) -> bool:
        """Whether to stop after this update: what all know since then, whoever was asked."""
        return own() if self.size == 1 else bool(self.agreed.stop)

    def seconds(self, own: float) -> float:
        """The clock that limits go by: that of the first, as it was in the last update."""
        return own if self.size == 1 else self.agreed.seconds

    def join_streams(self, state: Array) -> Array:
        """The states (L, n, B, H) of all streams from those of each rank's own."""
        return np.concatenate(self.all_gather(state), axis=2)

    def first_different(self, item: object) -> int | None:
        """The first rank whose item is not that of rank 0; None where all are equal."""
        found = self.all_gather(item)
        return next((rank for rank, other in enumerate(found) if other != found[0]), None)
