"""Sealed files as docs/checkpoints.md has them, not by charrnn's code: so that they can lie."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

KINDS = {
    "<f4": "F32",
    "<f8": "F64",
    "<f2": "F16",
    "<i4": "I32",
    "|u1": "U8",
    "<u2": "U16",
    "|b1": "BOOL",
    "<i8": "I64",
}
PLACE = "-- the literal --"


@dataclass
class Content:
    """What a checkpoint file says; `literal` stands for PLACE in its JSON."""

    arrays: dict[str, NDArray[Any]]
    meta: dict[str, Any]
    literal: str | None = None
    key: str = "charrnn"  # of the metadata


def parse(data: bytes, key: str = "charrnn") -> Content:
    """A file that charrnn wrote."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    meta = json.loads(header.pop("__metadata__")[key])
    del meta["sha256"]
    kinds = {kind: name for name, kind in KINDS.items()}
    arrays = {}
    for name, entry in header.items():
        start, stop = entry["data_offsets"]
        piece = data[8 + length + start : 8 + length + stop]
        arrays[name] = np.frombuffer(piece, kinds[entry["dtype"]]).reshape(entry["shape"]).copy()
    return Content(arrays, meta, key=key)


def seal(content: Content) -> str:
    """The metadata as JSON, with the hash that belongs to it."""
    text = json.dumps(content.meta, sort_keys=True)
    if content.literal is not None:
        text = text.replace(f'"{PLACE}"', content.literal)
    try:
        canonical = json.dumps(json.loads(text), sort_keys=True)
    except (ValueError, RecursionError):
        canonical = text
    digest = hashlib.sha256(canonical.encode())
    for name, array in sorted(content.arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return f'{text[:-1]}, "sha256": "{digest.hexdigest()}"}}'


def header_of(content: Content) -> tuple[dict[str, Any], bytes]:
    header: dict[str, Any] = {"__metadata__": {content.key: seal(content)}}
    data = b""
    for name, array in sorted(content.arrays.items()):
        stop = len(data) + array.nbytes
        header[name] = {"dtype": KINDS[array.dtype.str], "shape": list(array.shape),
                        "data_offsets": [len(data), stop]}  # fmt: skip
        data += array.tobytes()
    return header, data


def packed(header: dict[str, Any] | bytes, data: bytes) -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(raw).to_bytes(8, "little") + raw + data


def sealed(content: Content) -> bytes:
    return packed(*header_of(content))
