"""After a divergence: back to the last good checkpoint, or an end that says how to continue."""

from __future__ import annotations

from pathlib import Path

from charrnn.errors import DivergenceError, call
from charrnn.storage.checkpoint import Checkpoint
from charrnn.storage.checkpoint_folder import CheckpointFolder
from charrnn.training.divergence import DivergedError
from charrnn.training.events import RolledBack
from charrnn.training.trainer import Trainer

SLOWER = 0.5


def roll_back(trainer: Trainer, checkpoints: CheckpointFolder, error: DivergedError) -> RolledBack:
    """Restore the last good checkpoint and halve the rate.

    A checkpoint from whose parameters the very next step diverged is not good: it is set aside
    for the one before. Raises DivergenceError where no try is left, or nothing to go back to.
    """
    diverged_at = trainer.step
    found = _last_good(checkpoints, None if error.by_update else diverged_at)
    if found is None:
        raise DivergenceError(
            error.what,
            then=f"{error.then}\n  nothing good was saved: start a new run that is changed so",
        )
    path, checkpoint = found
    state = trainer.state
    if state.rollbacks >= trainer.limits.rollbacks:
        raise DivergenceError(error.what, then=_how_to_continue(trainer, path, checkpoint, error))
    scale, rollbacks = state.rate_scale * SLOWER, state.rollbacks + 1
    trainer.restore(checkpoint, str(path))
    state.rate_scale, state.rollbacks = scale, rollbacks
    checkpoints.reopen(path, state.best_step)
    return RolledBack(
        trainer.step, trainer.epoch, diverged_at, error.what, scale, rollbacks,
        trainer.limits.rollbacks, state.best, state.best_step,
    )  # fmt: skip


def _last_good(
    checkpoints: CheckpointFolder, bad_step: int | None
) -> tuple[Path, Checkpoint] | None:
    if not checkpoints.steps():
        return None
    path, checkpoint, _ = checkpoints.read_last()
    if checkpoint.meta.step != bad_step:
        return path, checkpoint
    if len(checkpoints.steps()) == 1:
        return None
    checkpoints.set_aside(path, f"diverged-{path.name}")
    path, checkpoint, _ = checkpoints.read_last()
    return path, checkpoint


def _how_to_continue(
    trainer: Trainer, path: Path, checkpoint: Checkpoint, error: DivergedError
) -> str:
    state, run = trainer.state, path.parent.parent
    rate = trainer.identity["config"]["optim"]["learning_rate"] * state.rate_scale * SLOWER
    lines = [str(error.then)]
    if state.rollbacks:
        lines.append(f"train.max_rollbacks is reached: {state.rollbacks} rollbacks were made")
    else:
        lines.append(" or: let the run roll back by itself: train.on_divergence=rollback")
    lines += [
        f"the last good checkpoint is of step {checkpoint.meta.step:,}: {path}",
        "continue from it at half the rate: "
        + call(
            "resume",
            str(run),
            settings={"optim.learning_rate": float(f"{rate:g}")},
            accept_changes=True,
        ),
    ]
    return "\n  ".join(lines)
