"""The checkpoint: arrays and JSON in one safetensors file.

The file's only metadata key, `charrnn`, is a JSON object with the format version, everything
that is not an array, and a SHA-256 over both. docs/checkpoints.md lists its fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from charrnn.errors import CheckpointError, call
from charrnn.storage.atomic import write_atomically
from charrnn.storage.metadata import FORMAT, Metadata, migrate, parse
from charrnn.storage.sealed import DAMAGE, digest, read_head, read_tensors, seal

KEY = "charrnn"
DTYPES = ("F32", "F64")
DAMAGED = "restore it from a copy, or use another checkpoint of the run"
Array = NDArray[Any]
Shape = tuple[int, ...]


class DamagedCheckpointError(CheckpointError):
    """The file is not what was written."""


class MissingCheckpointError(CheckpointError):
    """There is no such file, or no longer: a run that is trained removes its older ones."""


@dataclass(frozen=True)
class Checkpoint:
    """`arrays`: parameters by name, optimiser slots `optim.*`, the carried `state`.

    `meta`: config, vocabulary, step, and the rest of the JSON.
    """

    arrays: Mapping[str, Array]
    meta: Metadata

    def parameters(self) -> dict[str, Array]:
        """Only the arrays that make the model."""
        return {n: a for n, a in self.arrays.items() if _is_of_model(n)}


def to_bytes(checkpoint: Checkpoint) -> bytes:
    """The file's content; the same checkpoint gives the same bytes."""
    return seal(KEY, checkpoint.arrays, {"format": FORMAT, **checkpoint.meta.values})


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Write atomically. Raises CheckpointError if the disk will not have it."""
    write_atomically(path, to_bytes(checkpoint))


def read(path: Path) -> Checkpoint:
    """Read, verify and bring up to the newest format; whatever bytes the file has.

    Raises CheckpointError naming what is wrong with the file. Memory is bounded by its size.
    """
    where = str(path)
    with _errors_of(path):
        arrays, raw = _load(path)
        values = _values(raw, where)
        sha256 = values.pop("sha256", None)
        _require_known(values.get("format"), where)
        if digest(arrays, values) != sha256:
            raise ValueError("its hash differs")
        current, values = migrate(arrays, values)
        return Checkpoint(current, Metadata.of(values))


@dataclass(frozen=True)
class Head:
    """What a checkpoint says of itself: the shapes of its arrays, by name, and the metadata."""

    shapes: Mapping[str, Shape]
    meta: Metadata

    @property
    def parameters(self) -> int:
        """How many numbers the model's arrays have."""
        return sum(prod(shape) for name, shape in self.shapes.items() if _is_of_model(name))


def read_meta(path: Path) -> Head:
    """As `read`, without the arrays, in which there may be damage all the same."""
    where = str(path)
    with _errors_of(path):
        shapes, metadata = read_head(path)
        values = _values(metadata.get(KEY), where)
        values.pop("sha256", None)
        _require_known(values.get("format"), where)
        _, values = migrate({}, values)
        return Head(shapes, Metadata.of(values))


def _is_of_model(name: str) -> bool:
    return name.startswith(("layers.", "output."))


def _values(raw: str | None, where: str) -> dict[str, Any]:
    """The metadata, with the hash in it."""
    if raw is None:
        raise DamagedCheckpointError(
            "is not a charrnn checkpoint",
            where=where,
            then="a model in PyTorch's layout becomes a run by: "
            + call("train", init_from="FILE", files="TEXT", steps=0),
        )
    return parse(raw)


@contextmanager
def _errors_of(path: Path) -> Iterator[None]:
    """What goes wrong while a file is read, as CheckpointError."""
    where = str(path)
    try:
        yield
    except FileNotFoundError:
        if path.is_symlink():
            raise damaged(ValueError("it is a link to a file that is not there"), where) from None
        raise MissingCheckpointError("no such checkpoint", where=where) from None
    except (SafetensorError, ValueError, RecursionError) as error:
        raise damaged(error, where) from None
    except OSError as error:
        if error.errno in DAMAGE:
            raise damaged(ValueError(error.strerror), where) from None
        raise CheckpointError(f"cannot be read: {error.strerror}", where=where) from None


def damaged(error: Exception, where: str) -> DamagedCheckpointError:
    """The error for a file that is not what was written."""
    return DamagedCheckpointError(f"is damaged: {_brief(error)}", where=where, then=DAMAGED)


def require_array(name: str, arrays: Mapping[str, Array], shape: Shape, where: str) -> None:
    """Raise CheckpointError unless there is an array of this name, shape, and finite numbers."""
    if name not in arrays:
        raise CheckpointError(f"is damaged: it has no {name}", where=where)
    require_shape(name, arrays[name], shape, where)
    require_finite(name, arrays[name], where)


def require_shape(name: str, array: Array, shape: Shape, where: str) -> None:
    """Raise CheckpointError for an array that is not what the configuration makes it."""
    if array.shape != shape:
        raise CheckpointError(
            f"is damaged: its {name} is {array.shape}, and {shape} by its configuration",
            where=where,
        )


def require_finite(name: str, array: Array, where: str) -> None:
    """Raise CheckpointError for an array with an infinity or a NaN."""
    if not np.isfinite(array).all():
        raise CheckpointError(
            f"its {name} holds numbers that are not finite: the run had diverged",
            where=where,
            then="use an earlier checkpoint of the run; `charrnn inspect` shows what this holds",
        )


def _load(path: Path) -> tuple[dict[str, Array], str | None]:
    """The arrays, and the text under `charrnn`."""
    tensors, metadata = read_tensors(path)
    raw = metadata.get(KEY)
    if raw is None:
        return {}, None
    for name, tensor in tensors.items():
        if tensor.dtype not in DTYPES:
            raise ValueError(f"{name} is {tensor.dtype}, not {' or '.join(DTYPES)}")
    return {name: tensor.array() for name, tensor in tensors.items()}, raw


def _require_known(number: Any, where: str) -> None:
    if type(number) is not int or number < 1:
        raise ValueError(f"its format is {_brief(number)}")
    if number > FORMAT:
        raise CheckpointError(
            f"was written by a newer charrnn (format {_brief(number)}; this one reads up to "
            f"{FORMAT})",
            where=where,
            then="upgrade charrnn",
        )


def _brief(value: Any) -> str:
    """A value from the file, short and printable."""
    try:
        text = str(value)
    except ValueError:  # an integer of thousands of digits
        return "a huge number"
    text = text if text.isprintable() else repr(text)
    return text if len(text) <= 200 else text[:197] + "..."
