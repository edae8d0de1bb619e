"""Whether a checkpoint fits the model and the run that are to be made from it.

`store.read` has seen to the types of its metadata. Here what they say is compared with the arrays,
the configuration and the text, before anything is allocated for them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.config import Config
from charrnn.data.corpus import BOUNDARY
from charrnn.data.loader import Cursor
from charrnn.errors import CheckpointError
from charrnn.storage.checkpoint import Checkpoint
from charrnn.training.state import TRAINING
from charrnn.training.trainer import Trainer

Array = NDArray[Any]
Shape = tuple[int, ...]


def check_model(
    config: Config, checkpoint: Checkpoint, shapes: Iterable[tuple[str, Shape]], where: str
) -> None:
    """The configuration, the vocabulary and the shapes of the parameters belong together.

    `shapes` are those that the configuration asks for, however many; no more of them are looked
    at than there are arrays. Raises CheckpointError.
    """
    vocabulary, arrays = checkpoint.meta["vocabulary"], checkpoint.arrays
    if vocabulary["unit"] != config.data.unit:
        raise CheckpointError(
            f"is damaged: its vocabulary is of {vocabulary['unit']}s, and its data.unit is "
            f"{config.data.unit}", where=where,
        )  # fmt: skip
    if config.data.mode == "lines" and BOUNDARY not in vocabulary["symbols"]:
        raise CheckpointError("is damaged: its lines have no end in its vocabulary", where=where)
    for name, shape in shapes:
        if name not in arrays:
            raise CheckpointError(f"is damaged: it has no parameter {name}", where=where)
        require_shape(name, arrays[name], shape, where)


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


def check_progress(
    trainer: Trainer, checkpoint: Checkpoint, where: str, anew: Collection[str] = ()
) -> None:
    """Whether a session made from the checkpoint's configuration and text can go on from it.

    `anew`: what `snapshot.restore` will not take from it. Raises CheckpointError.
    """
    arrays, meta = checkpoint.arrays, checkpoint.meta
    for name, view in trainer.network.params.items():
        _require(name, arrays, view.shape, where)
        if TRAINING + name in arrays:
            _require(TRAINING + name, arrays, view.shape, where)
    if "optimiser" not in anew:
        for name, slot in trainer.optimiser.slots.items():
            _require(f"optim.{name}", arrays, slot.shape, where)
    _require("state", arrays, _state_shape(trainer, checkpoint, where, anew), where)
    missing = trainer.schedule.state().keys() - meta["schedule"].keys() - {"best"}
    if missing and "schedule" not in anew:
        raise CheckpointError(
            f"is damaged: its schedule has no {', '.join(sorted(missing))}", where=where
        )


def _require(name: str, arrays: Mapping[str, Array], shape: Shape, where: str) -> None:
    if name not in arrays:
        raise CheckpointError(f"is damaged: it has no {name}", where=where)
    require_shape(name, arrays[name], shape, where)
    require_finite(name, arrays[name], where)


def _state_shape(
    trainer: Trainer, checkpoint: Checkpoint, where: str, anew: Collection[str]
) -> Shape:
    """The shape of the state at the cursor; before a window that resets it, of any streams."""
    loader, cursor = trainer.loader, Cursor(*checkpoint.meta["cursor"])
    if "epoch" in anew:
        cursor = Cursor(cursor.epoch, 0)
    if cursor.index >= loader.batches_per_epoch:
        raise CheckpointError(
            f"is damaged: its cursor is at window {cursor.index:,} of {loader.batches_per_epoch:,}",
            where=where,
        )
    batch, fresh = loader.batch(cursor)
    stored = checkpoint.arrays.get("state", trainer.state)
    B = stored.shape[2] if fresh and stored.ndim == 4 else batch.x.shape[1]
    L, n, _, H = trainer.state.shape
    return L, n, B, H
