"""The checkpoints of a run that several ranks train: the first has the folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from charrnn.errors import CheckFailedError, argument, settings
from charrnn.runtime.ranks import Ranks
from charrnn.storage.checkpoint import Checkpoint
from charrnn.storage.checkpoint_folder import CheckpointFolder


class SharedCheckpoints(CheckpointFolder):
    """As the folder `own` of rank 0. Each method is called by every rank, and returns the same."""

    def __init__(self, own: CheckpointFolder, ranks: Ranks) -> None:
        super().__init__(own.folder, own.keep)
        self._own, self._ranks = own, ranks

    def steps(self) -> list[Path]:
        return self._ranks.run_on_first(self._own.steps)

    def last(self) -> Path | None:
        return self._ranks.run_on_first(self._own.last)

    def save(self, checkpoint: Checkpoint, *, is_best: bool) -> Path:
        """Raises CheckFailedError, and writes nothing, where the ranks' are not the same."""
        self._require_same(checkpoint)
        return self._ranks.run_on_first(lambda: self._own.save(checkpoint, is_best=is_best))

    def save_final_best(self, checkpoint: Checkpoint) -> Path:
        self._require_same(checkpoint)
        return self._ranks.run_on_first(lambda: self._own.save_final_best(checkpoint))

    def read_last(self) -> tuple[Path, Checkpoint, list[str]]:
        return self._ranks.run_on_first(self._own.read_last)

    def reopen(self, path: Path, best_step: int | None, *, is_temporary: bool = False) -> None:
        self._ranks.run_on_first(
            lambda: self._own.reopen(path, best_step, is_temporary=is_temporary)
        )

    def set_aside(self, path: Path, name: str) -> None:
        self._ranks.run_on_first(lambda: self._own.set_aside(path, name))

    def _require_same(self, checkpoint: Checkpoint) -> None:
        other = self._ranks.first_different(_digest(checkpoint))
        if other is not None:
            raise CheckFailedError(
                f"the parameters of rank {other} are no longer those of rank 0, at step "
                f"{checkpoint.meta.step:,}: each computes the same updates, and their "
                "processors or libraries round them differently",
                then="continue from the last checkpoint on hosts of one kind, with one "
                "installation; "
                f"{settings({'runtime.kernels': 'numpy'})} {argument('accept_changes')} "
                "depends on them less",
            )


def _digest(checkpoint: Checkpoint) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name, array in sorted(checkpoint.arrays.items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(array).data.cast("B"))
    return digest.hexdigest()
