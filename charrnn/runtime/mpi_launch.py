"""Whether an `mpiexec` started this process, by what it left in the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

# Of each launcher: this rank, all ranks, those on this host. MPICH and those made from it; Open
# MPI; Slurm's srun, which says so only where it starts an MPI.
_LAUNCHERS = (
    ("PMI_RANK", "PMI_SIZE", "MPI_LOCALNRANKS"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE"),
    ("PMIX_RANK", "SLURM_NTASKS", "SLURM_NTASKS_PER_NODE"),
)


_OF_LAUNCHERS = ("PMI_", "PMIX_", "OMPI_", "HYDI_", "MPI_LOCAL")


@dataclass(frozen=True)
class Started:
    """One of `size` processes, `on_host` of them on this host."""

    rank: int = 0
    size: int = 1
    on_host: int = 1


def started(environment: Mapping[str, str] | None = None) -> Started:
    """How this process was started; alone where nothing says otherwise."""
    found = os.environ if environment is None else environment
    for names in _LAUNCHERS:
        values = [found.get(name, "") for name in names]
        if values[0].isdecimal() and values[1].isdecimal():
            rank, size = int(values[0]), int(values[1])
            on_host = int(values[2]) if values[2].isdecimal() else 1
            if rank < size:
                return Started(rank, size, max(on_host, 1))
    return Started()


def alone(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that a rank starts, and that is to be none itself."""
    return {k: v for k, v in environment.items() if not k.startswith(_OF_LAUNCHERS)}
