"""The checkpoints of a run: which is best, which is last, which may go."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from charrnn.errors import CheckpointError, argument, notice, printable, shortened
from charrnn.runtime.files import read_regular
from charrnn.storage.atomic import sync_folder, unwritable, write_atomically
from charrnn.storage.checkpoint import (
    Checkpoint,
    DamagedCheckpointError,
    MissingCheckpointError,
    read,
    to_bytes,
)

_STEP = re.compile(r"step-(\d+)\.safetensors")
BEST = "best.safetensors"
SHOWN = 5  # runs of a folder that are named
# The best before an evaluation that only the end of the run caused.
BEFORE_FINAL = "best-before-final.safetensors"
Found = TypeVar("Found")
ATTEMPTS = 100  # to read what a trainer removes between the look for it and the reading


class CheckpointFolder:
    """`checkpoints/step-000001234.safetensors`, and a copy of the best as `best.safetensors`."""

    def __init__(self, folder: Path, keep: int = 1) -> None:
        self.folder, self.keep = folder, keep
        self._temporary: set[Path] = set()

    def steps(self) -> list[Path]:
        """Numbered checkpoints, oldest first."""
        found = [(step, p) for p in self.folder.glob("step-*") if (step := _step_of(p)) is not None]
        return [path for _, path in sorted(found)]

    def save(self, checkpoint: Checkpoint, *, is_best: bool) -> Path:
        """Write `last` (and `best`), then remove what rotation lets go."""
        if not self.folder.exists():
            self._make()
        path = self._numbered(checkpoint.meta.step)
        data = to_bytes(checkpoint)
        write_atomically(path, data)
        if is_best:
            write_atomically(self.folder / BEST, data)
        self._rotate(path)
        return path

    def save_final_best(self, checkpoint: Checkpoint) -> Path:
        """Write `best` after the last evaluation of a run, in a way that `reopen` can take back."""
        best = self.folder / BEST
        if best.exists():
            _copy(best, self.folder / BEFORE_FINAL)
        final = Checkpoint(checkpoint.arrays, checkpoint.meta.replaced(final=True))
        write_atomically(best, to_bytes(final))
        return best

    def read_last(self) -> tuple[Path, Checkpoint, list[str]]:
        """The newest checkpoint that can be resumed from, and what is wrong with newer ones."""
        damaged: list[DamagedCheckpointError] = []
        found = self.newest(read, damaged)
        problems = [f"{error.where}: {error.what}" for error in damaged]
        if problems or found is None:
            found = self._from_best(found)
        if found is not None:
            return *found, problems
        if problems:
            raise CheckpointError(
                "no checkpoint of the run can be read:\n  " + "\n  ".join(problems),
                where=str(self.folder),
                then=f"if {BEST} is good, start a new run from it with {argument('init_from')}",
            )
        raise no_checkpoint(self.folder.parent)

    def newest(
        self, read: Callable[[Path], Found], damaged: list[DamagedCheckpointError]
    ) -> tuple[Path, Found] | None:
        """The newest numbered checkpoint that can be read; `damaged` gets the errors of newer ones.

        Raises MissingCheckpointError where a trainer removes what is being looked at.
        """
        for path in reversed(self.steps()):
            try:
                return path, read(path)
            except DamagedCheckpointError as error:
                damaged.append(error)
        return None

    def reopen(self, path: Path, best_step: int | None, *, is_temporary: bool = False) -> None:
        """Before a run continues from `path`: `best` is that of `best_step`.

        The run may have been killed inside a save, or have ended with an evaluation that a run
        that continues does not make. `is_temporary`: `path` is only there because the run stopped
        there; it, and the damaged ones after it, go when the next is written.
        """
        newer = [p for p in self.steps() if p.name > path.name]
        self._temporary = {*newer, *([path] if is_temporary else [])}
        best, before = self.folder / BEST, self.folder / BEFORE_FINAL
        if best_step is None:
            best.unlink(missing_ok=True)
        elif _written_at(best) != best_step:
            for candidate in (before, self._numbered(best_step)):
                if _written_at(candidate) == best_step:
                    _copy(candidate, best)
                    break
        before.unlink(missing_ok=True)

    def set_aside(self, path: Path, name: str) -> None:
        """Rename a checkpoint so that it is never again taken for one of the run."""
        try:
            os.replace(path, path.with_name(name))
        except OSError as error:
            raise unwritable(error, path) from None

    def last(self) -> Path | None:
        """The newest numbered checkpoint; the best where there is none."""
        steps = self.steps()
        if steps:
            return steps[-1]
        return self.folder / BEST if (self.folder / BEST).exists() else None

    def best(self) -> Path | None:
        path = self.folder / BEST
        return path if path.exists() else self.last()

    def _make(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            sync_folder(self.folder.parent)
        except OSError as error:
            raise unwritable(error, self.folder) from None

    def _numbered(self, step: int) -> Path:
        return self.folder / f"step-{step:09d}.safetensors"

    def _from_best(self, found: tuple[Path, Checkpoint] | None) -> tuple[Path, Checkpoint] | None:
        """`found`, or a best that is newer; one of a final evaluation only where all else is lost.

        (It holds an evaluation that a run that continues would not have made.)
        """
        for source, final in ((BEST, False), (BEFORE_FINAL, False), (BEST, True)):
            try:
                best = read(self.folder / source)
            except CheckpointError:
                continue
            step = best.meta.step
            if best.meta.final != final:
                continue
            if found is not None and (final or found[1].meta.step >= step):
                continue
            path = self._numbered(step)
            _copy(self.folder / source, path)
            found = path, best
        return found

    def _rotate(self, written: Path) -> None:
        """Remove all but `written` and `keep` before it; what cannot be removed waits."""
        self._temporary.discard(written)
        regular = [p for p in self.steps() if p not in self._temporary and p != written]
        going = [*self._temporary, *regular[: max(len(regular) - self.keep, 0)]]
        for path in going:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
                self._temporary.discard(path)


def _copy(source: Path, target: Path) -> None:
    try:
        data = read_regular(source)
    except OSError as error:
        raise CheckpointError(f"cannot be read: {error.strerror}", where=str(source)) from None
    write_atomically(target, data)


def _step_of(path: Path) -> int | None:
    match = _STEP.fullmatch(path.name)
    return int(match[1]) if match else None


def _written_at(path: Path) -> int | None:
    """The step of a checkpoint; None where it is missing, damaged, or of a final evaluation."""
    try:
        meta = read(path).meta
    except CheckpointError:
        return None
    return None if meta.final else meta.step


def runs_in(folder: Path) -> list[Path]:
    """The folders in a folder, such as a sweep's, that have checkpoints: runs."""
    return sorted({path.parents[1] for path in folder.glob("*/checkpoints/*.safetensors")})


def no_checkpoint(run: Path) -> CheckpointError:
    """The error for a folder with nothing to read or to resume from."""
    if runs := runs_in(run):
        shown = ", ".join(shortened([printable(str(path)) for path in runs], SHOWN))
        return CheckpointError(
            "is a folder of runs, not a run", where=str(run), then=f"name one: {shown}"
        )
    if (run / ".lock").exists():
        return CheckpointError(
            "the run was stopped before its first checkpoint, and nothing of it is lost",
            where=str(run),
            then="run the command that began it again",
        )
    if any(run.glob("*.safetensors")):
        return CheckpointError(
            "holds checkpoints, and is not a run",
            where=str(run),
            then=f"name its run, {run.parent}, or one of its checkpoints",
        )
    return CheckpointError("is not a run: it has no checkpoints/*.safetensors", where=str(run))


def read_from(run_or_checkpoint: Path, which: str = "best") -> tuple[Path, Checkpoint]:
    """The checkpoint that `locate` finds. Of a run's last ones a damaged one is passed over.

    A trainer may be at work: what was removed since it was found is looked for again.
    """
    for _ in range(ATTEMPTS):
        path = locate(run_or_checkpoint, which)
        try:
            if which == "last" and path != run_or_checkpoint:
                return _newest_or_best(CheckpointFolder(path.parent))
            return path, read(path)
        except MissingCheckpointError as error:
            missing = error
    raise missing


def _newest_or_best(folder: CheckpointFolder) -> tuple[Path, Checkpoint]:
    """The error of the newest is raised where all are damaged."""
    damaged: list[DamagedCheckpointError] = []
    found = folder.newest(read, damaged)
    if found is None:
        best = folder.folder / BEST
        try:
            found = best, read(best)
        except (DamagedCheckpointError, MissingCheckpointError):
            if damaged:
                raise damaged[0] from None
            raise
    if damaged:
        said = f"{damaged[0].where}: {damaged[0].what}"
        notice(f"{said}; {found[0].name} is read in its place")
    return found


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
            then="`charrnn runs` lists those under runs/, where they are by default",
        )
    checkpoints = CheckpointFolder(run_or_checkpoint / "checkpoints")
    path = checkpoints.best() if which == "best" else checkpoints.last()
    if path is None:
        raise no_checkpoint(run_or_checkpoint)
    return path
