"""What a checkpoint keeps of a session, and how a session goes on from it, bit for bit."""

from __future__ import annotations

from collections.abc import Collection
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.data.loader import Cursor
from charrnn.storage.checkpoint import Checkpoint
from charrnn.training.trainer import Trainer, named

Array = NDArray[Any]
TRAINING = "training."  # before the names of parameters that are only trained on, not kept


def snapshot(trainer: Trainer) -> Checkpoint:
    """All of it, so that a session restored from it continues bit for bit.

    Of several ranks each calls it, and has the states of all streams.
    """
    slots = {f"optim.{name}": slot for name, slot in trainer.optimiser.slots.items()}
    params = trainer.network.params
    kept: dict[str, Array] = dict(params)
    if trainer.average is not None:
        kept = dict(params.over(trainer.average.mean)) | named(TRAINING, params)
    state = trainer.ranks.join_streams(trainer.state)
    arrays = {**kept, **slots, "state": state}
    meta = {
        **trainer.identity,
        "step": trainer.step,
        "cursor": [trainer.cursor.epoch, trainer.cursor.index],
        "optimiser_steps": trainer.optimiser.steps,
        "schedule": trainer.schedule.state(),
        "best": None if trainer.best_step is None else [trainer.best_loss, trainer.best_step],
        "evaluations_waited": trainer.evaluations_waited,
        "rate_scale": trainer.rate_scale,
        "rollbacks": trainer.rollbacks,
        "means": [
            [mean.total, mean.weight]
            for mean in (trainer.since_log, trainer.norm_since_log, trainer.since_evaluation)
        ],
    }
    return Checkpoint(arrays, meta)


def restore(trainer: Trainer, checkpoint: Checkpoint, anew: Collection[str] = ()) -> None:
    """The other end of `snapshot`.

    `anew`: what a changed configuration begins anew, of "optimiser" (its slots), "schedule"
    (its state), "epoch" (at its first window), "best" (the validation loss), "rate" (the
    scale that rollbacks left).
    """
    arrays, meta = checkpoint.arrays, checkpoint.meta
    for name, view in trainer.network.params.items():
        view[...] = arrays.get(TRAINING + name, arrays[name])
    if trainer.average is not None:
        for name, view in trainer.network.params.over(trainer.average.mean).items():
            view[...] = arrays[name]
    if "optimiser" not in anew:
        for name, slot in trainer.optimiser.slots.items():
            slot[...] = arrays[f"optim.{name}"]
        trainer.optimiser.steps = meta["optimiser_steps"]
    if "schedule" not in anew:
        forget = {"best", "waited"} if "best" in anew else set()
        kept = {key: value for key, value in meta["schedule"].items() if key not in forget}
        trainer.schedule.restore(kept)
    trainer.step, trainer.cursor = meta["step"], Cursor(*meta["cursor"])
    own = trainer.split.own(arrays["state"].shape[2])
    trainer.state = np.array(arrays["state"][:, :, own], trainer.network.params.flat.dtype)
    if "epoch" in anew:
        trainer.cursor = Cursor(trainer.cursor.epoch, 0)
        trainer.state = trainer.network.zero_state(trainer.loader.B)
    best = None if "best" in anew else meta["best"]
    trainer.best_loss, trainer.best_step = (inf, None) if best is None else best
    trainer.evaluations_waited = 0 if "best" in anew else meta["evaluations_waited"]
    scaled = (1.0, 0) if "rate" in anew else (meta["rate_scale"], meta["rollbacks"])
    trainer.rate_scale, trainer.rollbacks = scaled
    trainer.norms.clear()
    means = (trainer.since_log, trainer.norm_since_log, trainer.since_evaluation)
    for mean, (total, weight) in zip(means, meta["means"], strict=True):
        mean.total, mean.weight = total, weight
