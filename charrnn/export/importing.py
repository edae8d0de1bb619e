"""The model that a new run begins from: one of charrnn's own, or one in PyTorch's layout."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from charrnn.data.vocabulary import Vocabulary
from charrnn.errors import CheckpointError, DataError, settings
from charrnn.export.state_dict import Found, from_state_dict
from charrnn.export.torch_file import is_torch_layout, load
from charrnn.nn.cells.registry import cell_entry
from charrnn.storage.checkpoint import Checkpoint
from charrnn.storage.checkpoint_folder import locate, read_from
from charrnn.storage.metadata import MAX_CHARACTERS, Metadata

PICKLES = (".pt", ".pth", ".bin", ".ckpt", ".pkl")
SAVE = (
    "safetensors.torch.save_file(model.state_dict(), FILE, "
    "metadata={'vocabulary': json.dumps(list of characters, by id)})"
)


def starting_point(path: Path, activation: str) -> tuple[Checkpoint, list[str]]:
    """The model at `path`, and what to say of it: a run, a checkpoint, a file in PyTorch's layout.

    `activation`: that of an RNN in a file that does not name it. Only parameters, `config` and
    `vocabulary` are promised. Raises CheckpointError.
    """
    if path.is_file() and path.suffix in PICKLES:
        raise CheckpointError(
            "may be a pickle, which can run code when it is opened, and is not read",
            where=str(path),
            then=f"write it in PyTorch by {SAVE}",
        )
    found = locate(path)
    if is_torch_layout(found):
        return _from_torch(found, activation)
    return read_from(path)[1], []


def _from_torch(path: Path, activation: str) -> tuple[Checkpoint, list[str]]:
    where = str(path)
    tensors, told = load(path)
    found = from_state_dict(tensors, where)
    vocabulary = _vocabulary(told, found, where)
    _require_as_told(found.model, told, where)
    model, notices = dict(found.model), []
    if "activation" in cell_entry(model["cell"]).option_names:
        model["activation"] = told.get("nonlinearity", activation)
        if model["activation"] not in ("tanh", "relu", "sigmoid"):
            raise CheckpointError(f"its nonlinearity is {model['activation'][:40]!r}", where=where)
        if "nonlinearity" not in told and activation == "tanh":
            notices.append(
                "the file does not name the RNN's nonlinearity, and tanh is taken; if it is relu: "
                + settings({"model.activation": "relu"} | _keys(found))
            )
    meta = {
        "config": {"model": model, "data": {"unit": vocabulary.unit}},
        "vocabulary": {"unit": vocabulary.unit, "symbols": list(vocabulary.symbols)},
        "corpus_sha256": "",
        "step": 0,
    }
    return Checkpoint(found.parameters, Metadata.of(meta)), notices


def _keys(found: Found) -> dict[str, Any]:
    kept = ("cell", "hidden_size", "num_layers", "bias")
    return {f"model.{key}": found.model[key] for key in kept}


def _vocabulary(told: Mapping[str, str], found: Found, where: str) -> Vocabulary:
    """The characters by id, from the metadata; as many as the output layer has rows."""
    raw, unit = told.get("vocabulary"), told.get("unit", "char")
    if raw is None:
        raise CheckpointError(
            "has no metadata key vocabulary", where=where, then=f"write it in PyTorch by {SAVE}"
        )
    symbols = _list(raw)
    try:
        if unit not in ("char", "byte") or not all(isinstance(item, str) for item in symbols):
            raise DataError("it should be a JSON list of one-character strings")
        vocabulary = Vocabulary(symbols, unit)  # type: ignore[arg-type]
        if unit == "byte" and max(map(ord, symbols)) > 255:
            raise DataError("a byte is above 255")
    except DataError as error:
        raise CheckpointError(f"its metadata key vocabulary: {error.what}", where=where) from None
    if vocabulary.K != found.K:
        raise CheckpointError(
            f"its vocabulary has {vocabulary.K:,} symbols, and its output layer {found.K:,} rows",
            where=where,
        )
    return vocabulary


def _list(raw: str) -> list[Any]:
    """The JSON list, or one that is no vocabulary."""
    try:
        value = json.loads(raw) if len(raw) <= MAX_CHARACTERS else None
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, list) else [None]


def _require_as_told(model: Mapping[str, Any], told: Mapping[str, str], where: str) -> None:
    """Where the metadata names a size too, the arrays must have it."""
    for key in ("cell", "hidden_size", "num_layers"):
        if told.get(key, str(model[key])) != str(model[key]):
            raise CheckpointError(
                f"its metadata has {key} {told[key][:40]!r}, and its arrays {model[key]}",
                where=where,
            )
