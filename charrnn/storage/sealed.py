"""Arrays and JSON in one safetensors file, with a SHA-256 over both.

The file's only metadata key is a JSON object of everything that is not an array, and the hash. The
same content gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save

from charrnn.storage.tensors import read_tensors

Array = NDArray[Any]


def seal(key: str, arrays: Mapping[str, Array], meta: Mapping[str, Any]) -> bytes:
    """The file's content; `meta` are plain JSON values."""
    # safetensors 0.8.0 silently writes other values for an array that is not C-contiguous.
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    sealed = {**meta, "sha256": _digest(contiguous, _canonical(meta))}
    return save(contiguous, {key: _canonical(sealed)})


def unseal(
    path: Path, key: str, dtypes: Mapping[str, str]
) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays, whose names and safetensors dtypes must be `dtypes`, and the JSON values.

    A dtype may name several, as "U8 U16". Raises ValueError saying what is wrong with whatever
    bytes the file has, and OSError. Memory is bounded by the file's size.
    """
    try:
        tensors, metadata = read_tensors(path)
        raw = metadata.get(key)
        if raw is None:
            raise ValueError(f"it has no {key} metadata")
        if set(tensors) != set(dtypes):
            raise ValueError("its arrays have other names")
        for name, allowed in dtypes.items():
            if tensors[name].dtype not in allowed.split():
                raise ValueError(f"{name} is not {allowed}")
        arrays = {name: tensors[name].array() for name in dtypes}
    except SafetensorError as error:
        raise ValueError(str(error)) from None
    meta = _object(raw)
    if meta.pop("sha256", None) != _digest(arrays, _canonical(meta)):
        raise ValueError("its hash differs")
    return arrays, meta


def _object(raw: str) -> dict[str, Any]:
    try:
        meta = json.loads(raw)
    except RecursionError:
        raise ValueError("its metadata is nested too deeply") from None
    if not isinstance(meta, dict):
        raise ValueError("its metadata is not an object")
    return meta


def _digest(arrays: Mapping[str, Array], meta_json: str) -> str:
    digest = hashlib.sha256(meta_json.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _canonical(meta: Mapping[str, Any]) -> str:
    return json.dumps(meta, sort_keys=True, ensure_ascii=True, allow_nan=False)
