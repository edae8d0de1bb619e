"""A table of runs from one file: cells, sizes, seeds at matched numbers of parameters."""

from charrnn.sweep.file import SweepFile, load_sweep
from charrnn.sweep.folder import SweepFolder
from charrnn.sweep.jobs import run_points
from charrnn.sweep.plan import Point, plan
from charrnn.sweep.results import Group, Row, groups, rows

__all__ = [
    "Group", "Point", "Row", "SweepFile", "SweepFolder", "groups", "load_sweep", "plan", "rows",
    "run_points",
]  # fmt: skip
