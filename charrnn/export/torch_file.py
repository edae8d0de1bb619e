"""A .safetensors file in PyTorch's layout: arrays by PyTorch's names, facts as metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save

from charrnn.config import Config
from charrnn.data.vocabulary import Vocabulary
from charrnn.errors import CheckpointError
from charrnn.export.facts import facts
from charrnn.export.state_dict import FIRST, shown
from charrnn.export.torch_layout import to_torch
from charrnn.storage.checkpoint import KEY
from charrnn.storage.sealed import read_tensors

Array = NDArray[Any]
DTYPES = ("F16", "F32", "F64")


def to_torch_bytes(
    config: Config, vocabulary: Vocabulary, parameters: Mapping[str, Array]
) -> bytes:
    """The file's content, in the run's dtype; the same model gives the same bytes.

    Raises UsageError for a variant that PyTorch lacks.
    """
    tensors = to_torch(parameters, config)
    return _sorted_metadata(save(tensors, {**facts(config, vocabulary), "format": "pt"}))


def is_torch_layout(path: Path) -> bool:
    """Whether the file holds PyTorch's recurrent layers, and not a checkpoint of charrnn."""
    try:
        tensors, metadata = read_tensors(path)
    except (SafetensorError, ValueError, RecursionError, OSError):
        return False
    return KEY not in metadata and any(name.endswith(FIRST) for name in tensors)


def load(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """The arrays and the metadata. float16 becomes float32. Raises CheckpointError."""
    arrays: dict[str, Array] = {}
    tensors, metadata = read_tensors(path)
    for name, tensor in tensors.items():
        if tensor.dtype not in DTYPES:
            raise CheckpointError(
                f"{shown(name)} is {tensor.dtype}, not {', '.join(DTYPES[:-1])} or {DTYPES[-1]}",
                where=str(path),
                then="save it again as float32: model.float().state_dict()",
            )
        array = tensor.array()
        arrays[name] = array.astype(np.float32) if tensor.dtype == "F16" else array
    return arrays, metadata


def _sorted_metadata(data: bytes) -> bytes:
    """The same file with its metadata in order: safetensors writes it in a random one."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[end:]
