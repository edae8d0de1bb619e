"""What another program has to know beside the numbers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn import __version__
from charrnn.config import Config
from charrnn.config.cells import cell_options
from charrnn.data.layout import layout_of
from charrnn.data.vocabulary import Vocabulary


def facts(config: Config, vocabulary: Vocabulary) -> dict[str, str]:
    """Metadata for an exported file; every value is a string.

    `vocabulary` is a JSON list of one-character strings in the order of their ids; of unit byte,
    the characters U+0000 to U+00FF stand for the bytes. `separator` is written for a record's end.
    """
    model = config.model
    values = {
        "vocabulary": json.dumps(vocabulary.symbols),
        "unit": vocabulary.unit,
        "mode": config.data.mode,
        "cell": model.cell,
        "hidden_size": str(model.hidden_size),
        "num_layers": str(model.num_layers),
        "bias": json.dumps(model.bias),
        "producer": f"charrnn {__version__}",
    }
    if config.data.mode == "records":
        values["separator"] = layout_of(config.data).written
    options = cell_options(config)
    if "activation" in options:
        values["nonlinearity"] = options["activation"]
    return values


Array = NDArray[Any]


def reorder(array: Array, have: str, want: str) -> Array:
    """The gates of the last axis, in blocks of equal width, in another order."""
    blocks = dict(zip(have, np.split(array, len(have), axis=-1), strict=True))
    return np.concatenate([blocks[gate] for gate in want], axis=-1)
