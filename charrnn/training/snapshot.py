"""What a checkpoint keeps of a session, and how a session goes on from it, bit for bit."""

from __future__ import annotations

from collections.abc import Collection
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.data import Cursor
from charrnn.store import Checkpoint
from charrnn.training.session import Session, named

Array = NDArray[Any]
TRAINING = "training."  # before the names of parameters that are only trained on, not kept


def snapshot(session: Session) -> Checkpoint:
    """All of it, so that a session restored from it continues bit for bit.

    Of several ranks each calls it, and has the states of all streams.
    """
    slots = {f"optim.{name}": slot for name, slot in session.optimiser.slots.items()}
    params = session.network.params
    kept: dict[str, Array] = dict(params)
    if session.average is not None:
        kept = dict(params.over(session.average.mean)) | named(TRAINING, params)
    state = np.concatenate(session.group.every(session.state), axis=2)
    arrays = {**kept, **slots, "state": state}
    meta = {
        **session.identity,
        "step": session.step,
        "cursor": [session.cursor.epoch, session.cursor.index],
        "optimiser_steps": session.optimiser.steps,
        "schedule": session.schedule.state(),
        "best": None if session.best_step is None else [session.best_loss, session.best_step],
        "evaluations_waited": session.evaluations_waited,
        "rate_scale": session.rate_scale,
        "rollbacks": session.rollbacks,
        "means": [
            [mean.total, mean.weight]
            for mean in (session.since_log, session.norm_since_log, session.since_evaluation)
        ],
    }
    return Checkpoint(arrays, meta)


def restore(session: Session, checkpoint: Checkpoint, anew: Collection[str] = ()) -> None:
    """The other end of `snapshot`.

    `anew`: what a changed configuration begins anew, of "optimiser" (its slots), "schedule"
    (its state), "epoch" (at its first window), "best" (the validation loss), "rate" (the
    scale that rollbacks left).
    """
    arrays, meta = checkpoint.arrays, checkpoint.meta
    for name, view in session.network.params.items():
        view[...] = arrays.get(TRAINING + name, arrays[name])
    if session.average is not None:
        for name, view in session.network.params.over(session.average.mean).items():
            view[...] = arrays[name]
    if "optimiser" not in anew:
        for name, slot in session.optimiser.slots.items():
            slot[...] = arrays[f"optim.{name}"]
        session.optimiser.steps = meta["optimiser_steps"]
    if "schedule" not in anew:
        forget = {"best", "waited"} if "best" in anew else set()
        kept = {key: value for key, value in meta["schedule"].items() if key not in forget}
        session.schedule.restore(kept)
    session.step, session.cursor = meta["step"], Cursor(*meta["cursor"])
    own = session.split.own(arrays["state"].shape[2])
    session.state = np.array(arrays["state"][:, :, own], session.network.params.flat.dtype)
    if "epoch" in anew:
        session.cursor = Cursor(session.cursor.epoch, 0)
        session.state = session.network.zero_state(session.feed.B)
    best = None if "best" in anew else meta["best"]
    session.best_loss, session.best_step = (inf, None) if best is None else best
    session.evaluations_waited = 0 if "best" in anew else meta["evaluations_waited"]
    scaled = (1.0, 0) if "rate" in anew else (meta["rate_scale"], meta["rollbacks"])
    session.rate_scale, session.rollbacks = scaled
    session.norms.clear()
    means = (session.since_log, session.norm_since_log, session.since_evaluation)
    for mean, (total, weight) in zip(means, meta["means"], strict=True):
        mean.total, mean.weight = total, weight
