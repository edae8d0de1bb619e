"""Optimisers, schedules and clipping. They work on flat vectors and know no network."""

from charrnn.optim.averaging import WeightAverage
from charrnn.optim.clipping import clip_by_norm, clip_by_value, norm
from charrnn.optim.optimisers import Optimiser, make_optimiser
from charrnn.optim.schedules import Progress, Schedule, make_schedule

__all__ = [
    "Optimiser",
    "Progress",
    "Schedule",
    "WeightAverage",
    "clip_by_norm",
    "clip_by_value",
    "make_optimiser",
    "make_schedule",
    "norm",
]
