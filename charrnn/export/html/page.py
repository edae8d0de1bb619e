"""A model as one HTML file that runs it: the data that the page's script asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn import __version__, build
from charrnn.config import Config
from charrnn.config.cells import cell_options
from charrnn.data.layout import layout_of, seen
from charrnn.data.utf8 import as_text
from charrnn.data.vocabulary import LOOK_ALIKES, Vocabulary
from charrnn.export.html.packing import Packing, Precision
from charrnn.inference.beginning import Beginning
from charrnn.inference.mixture.mixing import ENTROPIES, LENGTHS, LOWEST_LOG_P
from charrnn.inference.mixture.model import Mixture
from charrnn.nn.cells.base import Cell
from charrnn.pages import document

Array = NDArray[Any]
Json = dict[str, Any]
# Scripts, in this order: later ones use earlier ones.
SCRIPTS = (
    "numbers", "cells", "ngram", "model", "sampling", "text", "reading", "writer", "paper",
    "bars", "controls", "main",
)  # fmt: skip
MAX_TEXT = 4_000_000  # characters of an n-gram: 4 to 6 seconds of counting as the page opens


@dataclass(frozen=True)
class PageOptions:
    """`title`: the run's name. `facts`: name and value, shown. `mixture`: None for the network.
    `beginning`: what a text begins after; None for zeros.
    """

    title: str = "model"
    facts: tuple[tuple[str, str], ...] = ()
    precision: Precision = "small"
    mixture: Mixture | None = None
    beginning: Beginning | None = None


def fits(mixture: Mixture) -> bool:
    """Whether a page has room for a mixture's n-gram."""
    return len(mixture.trie.text) <= MAX_TEXT


def to_html_bytes(
    config: Config, vocabulary: Vocabulary, parameters: Mapping[str, Array], options: PageOptions
) -> bytes:
    """The file's content; the same model gives the same bytes.

    Raises CheckpointError for numbers that are too large for float32.
    """
    packing = Packing()
    for name, array in parameters.items():
        packing.add_weights(name, array, options.precision)
    cell = build.cell(config, config.model.hidden_size)
    data: Json = {
        "version": __version__,
        "facts": options.facts,
        "precision": options.precision,
        "H": config.model.hidden_size,
        "L": config.model.num_layers,
        **_of_text(config, vocabulary),
        "cell": _of_cell(config, cell),
        "beginning": _of_beginning(options.beginning, vocabulary, packing),
        "mixture": None if options.mixture is None else _of_mixture(options.mixture, packing),
    }
    data["numbers"] = packing.json
    return document(
        "charrnn.export.html", options.title, data, SCRIPTS, kind="charrnn", skip_to="text"
    )


def _of_text(config: Config, vocabulary: Vocabulary) -> Json:
    """`points` are code points, or bytes; `start` is read before a text that has none before it
    where there is no `beginning`.

    `boundary` ends a sequence and begins the next, and is `written` in a text; null where the state
    flows through the text. `unknown` stands for what the vocabulary lacks, if it has such an id.
    """
    layout, unknown = layout_of(config.data), vocabulary.unknown
    return {
        "K": vocabulary.K,
        "unit": vocabulary.unit,
        "points": [ord(seen(symbol)) for symbol in vocabulary.symbols],
        "start": layout.first_id(vocabulary),
        "boundary": layout.boundary_id(vocabulary),
        "written": as_text(layout.written, vocabulary.unit),
        "unknown": None if unknown is None else vocabulary.id(unknown),
        "lookAlikes": LOOK_ALIKES,
    }


def _of_cell(config: Config, cell: Cell) -> Json:
    return {
        "name": cell.name,
        "options": cell_options(config),
        "states": list(zip(cell.state_names, cell.state_labels, strict=True)),
        "gates": [[gate.name, gate.label, gate.limits] for gate in cell.gates],
    }


def _of_beginning(
    beginning: Beginning | None, vocabulary: Vocabulary, packing: Packing
) -> Json | None:
    """Ids that were read before a text, the last of them from the state that is packed.

    So many `lineEnds` that a text begins with, these `ids`, are not read again.
    """
    if beginning is None or beginning.is_zero:
        return None
    packing.add("beginning", beginning.state.astype(np.float32))
    ids = [vocabulary.id(symbol) for symbol in "\r\n" if symbol in vocabulary]
    return {
        "before": beginning.before.tolist(), "id": beginning.id,
        "lineEnds": beginning.line_ends, "ids": ids,
    }  # fmt: skip


def _of_mixture(mixture: Mixture, packing: Packing) -> Json:
    """The n-gram is its text: the page counts it again. Bounds and weights are those of mixing."""
    weights = mixture.reached or mixture.initial_weights()
    packing.add("text", mixture.trie.text)
    packing.add("weights", weights.sets)
    return {
        "order": mixture.order,
        "orders": mixture.orders,
        "inputs": weights.sets.shape[-1],
        "discounts": mixture.trie.discounts.tolist(),
        "lengths": LENGTHS.tolist(),
        "entropies": ENTROPIES.tolist(),
        "least": LOWEST_LOG_P,
    }
