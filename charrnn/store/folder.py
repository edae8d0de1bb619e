"""The checkpoints of a run: which is best, which is last, which may go."""

from __future__ import annotations

import os
import re
from pathlib import Path

from charrnn.errors import CheckpointError
from charrnn.store.atomic import write_atomically
from charrnn.store.checkpoint import Checkpoint, read, to_bytes

_STEP = re.compile(r"step-(\d+)\.safetensors")
BEST = "best.safetensors"
# The best before an evaluation that only the end of the run caused.
BEFORE_FINAL = "best-before-final.safetensors"


class CheckpointFolder:
    """`checkpoints/step-000001234.safetensors`, and a copy of the best as `best.safetensors`."""

    def __init__(self, folder: Path, keep: int = 1) -> None:
        self.folder, self.keep = folder, keep

    def steps(self) -> list[Path]:
        """Numbered checkpoints, oldest first."""
        found = [
            (int(m[1]), p) for p in self.folder.glob("step-*") if (m := _STEP.fullmatch(p.name))
        ]
        return [path for _, path in sorted(found)]

    def save(self, checkpoint: Checkpoint, *, is_best: bool) -> Path:
        """Write `last` (and `best`), then remove what rotation lets go."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"step-{checkpoint.meta['step']:09d}.safetensors"
        data = to_bytes(checkpoint)
        write_atomically(path, data)
        if is_best:
            write_atomically(self.folder / BEST, data)
        self._rotate()
        return path

    def save_final_best(self, checkpoint: Checkpoint) -> Path:
        """Write `best` after the last evaluation of a run, in a way that `reopen` can take back."""
        best = self.folder / BEST
        if best.exists():
            write_atomically(self.folder / BEFORE_FINAL, best.read_bytes())
        write_atomically(best, to_bytes(checkpoint))
        return best

    def read_last(self) -> tuple[Path, Checkpoint, list[str]]:
        """The newest checkpoint that can be read, and what is wrong with newer ones."""
        problems: list[str] = []
        for path in reversed(self.steps()):
            try:
                return path, read(path), problems
            except CheckpointError as error:
                problems.append(f"{path}: {error.what}")
        if problems:
            raise CheckpointError(
                "no checkpoint of the run can be read:\n  " + "\n  ".join(problems),
                where=str(self.folder),
                then=f"if {BEST} is good, begin a new run from it with --init-from",
            )
        raise CheckpointError(
            "is not a run: it has no checkpoints/*.safetensors", where=str(self.folder.parent)
        )

    def reopen(self, path: Path, best_step: int | None) -> None:
        """Before a run goes on from `path`: no leftovers, and `best` is that of `best_step`.

        The run may have been killed inside a save, or have ended with an evaluation that a run
        that goes on does not make.
        """
        for leftover in self.folder.glob(".*.tmp"):
            leftover.unlink(missing_ok=True)
        best, before = self.folder / BEST, self.folder / BEFORE_FINAL
        if best_step is None:
            before.unlink(missing_ok=True)
            best.unlink(missing_ok=True)
        elif _step_of(path) == best_step and _stored_step(best) != best_step:
            write_atomically(best, path.read_bytes())
            before.unlink(missing_ok=True)
        elif before.exists():
            os.replace(before, best)

    def _rotate(self) -> None:
        for path in self.steps()[: -(self.keep + 1)]:
            path.unlink(missing_ok=True)

    def last(self) -> Path | None:
        steps = self.steps()
        return steps[-1] if steps else None

    def best(self) -> Path | None:
        path = self.folder / BEST
        return path if path.exists() else self.last()


def _step_of(path: Path) -> int | None:
    match = _STEP.fullmatch(path.name)
    return int(match[1]) if match else None


def _stored_step(path: Path) -> int | None:
    """The step of a checkpoint, None where it is missing or damaged."""
    try:
        step: int = read(path).meta["step"]
    except CheckpointError:
        return None
    return step


def locate(run_or_checkpoint: Path, which: str = "best") -> Path:
    """The checkpoint file that a RUN or CKPT on the command line means."""
    if run_or_checkpoint.is_file():
        if run_or_checkpoint.suffix != ".safetensors":
            raise CheckpointError(
                "is not a run's folder or a .safetensors checkpoint", where=str(run_or_checkpoint)
            )
        return run_or_checkpoint
    if not run_or_checkpoint.exists():
        raise CheckpointError(
            "no such run or checkpoint",
            where=str(run_or_checkpoint),
            then="`charrnn train` prints where its run is; runs are under runs/ by default",
        )
    checkpoints = CheckpointFolder(run_or_checkpoint / "checkpoints")
    path = checkpoints.best() if which == "best" else checkpoints.last()
    if path is None:
        raise CheckpointError(
            "is not a run: it has no checkpoints/*.safetensors", where=str(run_or_checkpoint)
        )
    return path
