"""Which entries of each array are checked, where all of them would take too long.

The time of one entry is estimated from sizes alone, never from a clock: the same entries are
checked again. Every array has the same part of the time; what a small one does not need, the
others have.
"""

from __future__ import annotations

from charrnn.analysis.gradcheck.comparison import Method, Problem
from charrnn.nn.network import Network

SECONDS = 7.0  # of a processor of 2023, about
# Nanoseconds of a step of the reference: for each number of a perturbed array, which is read in as
# many copies as there are entries; for each product of a stream with another; and for each unit.
PERTURBED, SHARED, UNIT, CALLS = 2.5, 0.12, 150.0, 300_000.0
TIMES: dict[Method, int] = {"complex-step": 1, "central-difference": 4}
SIDE_BY_SIDE = 24  # entries that share the calls of a step


def costs(network: Network, problem: Problem, method: Method) -> dict[str, float]:
    """Seconds, about, that one entry of each array takes; initial states are named as results."""
    B = problem.batches[0].x.shape[1]
    steps = sum(len(batch.x) for batch in problem.batches)
    sizes = {name: view.size for name, view in network.params.items()}
    whole, L = sum(sizes.values()), len(network.cells)
    names = [f"layers.{i}.{s}_0" for i, c in enumerate(network.cells) for s in c.state_names]
    sizes |= dict.fromkeys(names, B * network.H)
    calls = CALLS * L / SIDE_BY_SIDE
    # What is perturbed in the output layer does not go through the recurrence, which is shared.
    output = (SHARED * network.H + UNIT) * network.K * B + SHARED * whole * B / SIDE_BY_SIDE
    around = SHARED * whole * B + UNIT * L * network.H * B
    return {
        name: 1e-9 * TIMES[method] * steps
        * (PERTURBED * size + (output if name.startswith("output.") else around) + calls)
        for name, size in sizes.items()
    }  # fmt: skip


def affordable(
    network: Network, problem: Problem, method: Method, seconds: float | None = None
) -> dict[str, int]:
    """How many entries of each array are checked in so many seconds, about; at least one."""
    sizes = {name: view.size for name, view in network.params.items()}
    cost = costs(network, problem, method)
    B = problem.batches[0].x.shape[1]
    left, counts = SECONDS if seconds is None else seconds, dict[str, int]()
    # From the least to the most that all entries of an array take.
    whole = {name: cost[name] * sizes.get(name, B * network.H) for name in cost}
    for place, name in enumerate(sorted(whole, key=lambda name: whole[name])):
        own = min(whole[name], left / (len(whole) - place))
        size = sizes.get(name, B * network.H)
        counts[name] = min(max(round(own / cost[name]), 1), size)
        left -= own
    return counts
