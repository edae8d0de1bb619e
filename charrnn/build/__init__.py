"""The composition root: from a Config to the objects it describes.

The only package that names every class; everything below it is told what it needs.
"""

from charrnn.build.cells import cell, parameter_count, parameter_shapes
from charrnn.build.checkpoints import config_of, restore_network, vocabulary_of
from charrnn.build.hardware import (
    available_threads,
    is_compiled,
    sampler,
    samples_reader,
    threads,
    use_compiled_if_worthwhile,
    warm_up,
    would_be_faster,
)
from charrnn.build.models import (
    inherit_parameters,
    initialise,
    load_parameters,
    network,
)
from charrnn.build.training import limits, text_bytes, trainer

__all__ = [
    "available_threads",
    "cell",
    "config_of",
    "inherit_parameters",
    "initialise",
    "is_compiled",
    "limits",
    "load_parameters",
    "network",
    "parameter_count",
    "parameter_shapes",
    "restore_network",
    "sampler",
    "samples_reader",
    "text_bytes",
    "threads",
    "trainer",
    "use_compiled_if_worthwhile",
    "vocabulary_of",
    "warm_up",
    "would_be_faster",
]  # fmt: skip
