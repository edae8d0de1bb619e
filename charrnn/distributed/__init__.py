"""Processes that train one model together: each is a rank, and has some of the streams.

Nothing here imports mpi4py, but for `mpi.py`, which is imported where `mpiexec` has started the
program.
"""

from charrnn.distributed.group import ALONE, Alone, Group, Word
from charrnn.distributed.launch import Started, alone, started

__all__ = ["ALONE", "Alone", "Group", "Started", "Word", "alone", "started"]
