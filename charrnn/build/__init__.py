"""The composition root: from a Config to the objects it describes.

The only package that names every class; everything below it is told what it needs.
"""

from charrnn.build.checkpoints import config_of, restore_network, vocabulary_of
from charrnn.build.hardware import continuation, hasten, threads, warm_up, would_be_faster
from charrnn.build.models import (
    inherit_parameters,
    initialise,
    load_parameters,
    network,
    parameter_count,
    parameter_shapes,
    reference,
)
from charrnn.build.runs import session, text_bytes

__all__ = [
    "config_of", "continuation", "hasten", "inherit_parameters", "initialise", "load_parameters",
    "network", "parameter_count", "parameter_shapes", "reference", "restore_network", "session",
    "text_bytes", "threads", "vocabulary_of", "warm_up", "would_be_faster",
]  # fmt: skip
