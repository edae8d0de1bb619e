"""The checkpoint: arrays and JSON in one safetensors file.

The file's only metadata key, `charrnn`, is a JSON object with the format version, everything
that is not an array, and a SHA-256 over both. docs/checkpoints.md lists its fields.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from charrnn.errors import CheckpointError
from charrnn.store.atomic import write_atomically

FORMAT = 1
KEY = "charrnn"
Array = NDArray[Any]


@dataclass(frozen=True)
class Checkpoint:
    """`arrays`: parameters by name, optimiser slots `optim.*`, the carried `state`.

    `meta`: config, vocabulary, step, cursor and the rest, as plain JSON values.
    """

    arrays: Mapping[str, Array]
    meta: Mapping[str, Any] = field(default_factory=dict)

    def parameters(self) -> dict[str, Array]:
        """Only the arrays that make the model."""
        return {n: a for n, a in self.arrays.items() if n.startswith(("layers.", "output."))}


def _digest(arrays: Mapping[str, Array], meta_json: str) -> str:
    digest = hashlib.sha256(meta_json.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _canonical(meta: Mapping[str, Any]) -> str:
    return json.dumps(meta, sort_keys=True, ensure_ascii=True, allow_nan=False)


def to_bytes(checkpoint: Checkpoint) -> bytes:
    """The file's content; the same checkpoint gives the same bytes."""
    # safetensors 0.8.0 silently writes other values for an array that is not C-contiguous.
    arrays = {name: np.ascontiguousarray(array) for name, array in checkpoint.arrays.items()}
    meta = {"format": FORMAT, **checkpoint.meta}
    sealed = {**meta, "sha256": _digest(arrays, _canonical(meta))}
    return save(arrays, {KEY: _canonical(sealed)})


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Write atomically. Raises CheckpointError if the disk will not have it."""
    write_atomically(path, to_bytes(checkpoint))


def read(path: Path) -> Checkpoint:
    """Read and verify. Raises CheckpointError naming what is wrong with the file."""
    damaged = "restore it from a copy, or use another checkpoint of the run"
    try:
        with safe_open(path, framework="numpy") as file:
            raw = (file.metadata() or {}).get(KEY)
            if raw is None:
                raise CheckpointError("is not a charrnn checkpoint", where=str(path))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        meta = json.loads(raw)
    except FileNotFoundError:
        raise CheckpointError("no such checkpoint", where=str(path)) from None
    except (SafetensorError, ValueError) as error:
        raise CheckpointError(f"is damaged: {error}", where=str(path), then=damaged) from None
    except OSError as error:
        raise CheckpointError(f"cannot be read: {error}", where=str(path)) from None
    if not isinstance(meta, dict):
        raise CheckpointError("is damaged: its metadata is no object", where=str(path))
    sha256 = meta.pop("sha256", None)
    if meta.get("format") != FORMAT:
        raise CheckpointError(
            f"has format {meta.get('format')}, and this charrnn reads format {FORMAT}",
            where=str(path),
            then="install a newer charrnn",
        )
    if _digest(arrays, _canonical(meta)) != sha256:
        raise CheckpointError("is damaged: its hash differs", where=str(path), then=damaged)
    return Checkpoint(arrays, meta)
