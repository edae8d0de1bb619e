"""The runs in a folder: what each is and how far it got, without its arrays being read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from charrnn import build
from charrnn import config as configuration
from charrnn.config import Config
from charrnn.errors import CharrnnError, CheckpointError, ConfigError, notice, printable, shortened
from charrnn.runs.folder import RunFolder
from charrnn.storage.checkpoint import (
    DamagedCheckpointError,
    Head,
    MissingCheckpointError,
    read_meta,
)
from charrnn.storage.checkpoint_folder import BEST, SHOWN, CheckpointFolder
from charrnn.training.state import SavedState

DEFAULT = Path("runs")  # where `train` and `sweep` make theirs
DEPTH = 2  # a run in the folder of a sweep
LARGEST = 1e15  # of numbers that are taken from a log
LOOKS = 3  # for checkpoints that a trainer removes meanwhile


@dataclass(frozen=True)
class RunInfo:
    """A run's folder: `state` is "running", "finished", "interrupted" or "damaged".

    `parameters` and `K` are None before the first checkpoint; `best_val_loss`, in nats per
    character, and `best_step` before an evaluation. `seconds` were trained; `updated` is when the
    run was last written to, in seconds since 1970. `problem`: of a damaged run, what is wrong.
    """

    path: Path
    state: str
    updated: float
    config: Config | None = field(default=None, repr=False)
    parameters: int | None = None
    K: int | None = None
    best_val_loss: float | None = None
    best_step: int | None = None
    step: int | None = None
    epoch: float | None = None
    seconds: float | None = None
    mixture: bool = False
    problem: str | None = None


def runs_below(folder: Path, depth: int = DEPTH) -> list[Path]:
    """The runs in a folder and in the folders in it, such as a sweep's; the folder if it is one.

    A run that has no checkpoint yet is one too.
    """
    if _is_run(folder):
        return [folder]
    # A link may lead to a run that is here already, or to the folder itself.
    found = {os.path.realpath(run): run for run in sorted(_runs_below(folder, depth), key=_steps)}
    return sorted(found.values())


def find_run(name: str | os.PathLike[str]) -> Path:
    """The run that is meant by a path, or where there is nothing, by a unique part of its name.

    `names` is the one run in runs/ that has it in its name, sweeps' points included; `out/names`
    the one in out/. The whole name is enough where it is a part of others. What is no part of any
    name is returned as it is. Raises CheckpointError that lists them where there are several.
    """
    given = Path(os.fspath(name))
    if os.path.lexists(given) or not given.name:
        return given
    named = given.parent != Path() and given.parent.is_dir()
    folder, part = (given.parent, given.name) if named else (DEFAULT, str(given))
    if not named and os.path.lexists(DEFAULT / part):
        return DEFAULT / part
    below = runs_below(folder, 1 if named else DEPTH)
    names = {str(run.relative_to(folder)): run for run in below if run != folder}
    found = [name for name in names if part in (name, Path(name).name)]
    found = found or [name for name in names if part in name]
    if not found:
        return given
    if len(found) > 1:
        shown = ", ".join(shortened([printable(str(names[name])) for name in found], SHOWN))
        raise CheckpointError(
            f"is a part of {len(found):,} runs' names", where=str(given),
            then=f"name one: {shown}",
        )  # fmt: skip
    notice(f"{given} is taken for {names[found[0]]}")
    return names[found[0]]


def describe_run(path: Path) -> RunInfo:
    """What a run's folder holds; whatever is in it, no error is raised."""
    folder = RunFolder(path)
    try:
        return _described(folder)
    except CharrnnError as error:
        return RunInfo(path, "damaged", _updated(folder), problem=error.what)
    except OSError as error:
        return RunInfo(path, "damaged", 0.0, problem=str(error.strerror))


def _described(run: RunFolder) -> RunInfo:
    running = run.is_locked()
    lines = run.last_lines()
    last, best = _heads(run)
    facts: dict[str, Any] = {"updated": _updated(run), "mixture": run.mixture.exists()}
    if last is None:
        config = configuration.load(run.config) if run.config.is_file() else None
        return RunInfo(run.path, "running" if running else "interrupted", config=config, **facts)
    config = _config_of(last)
    saved = SavedState.of_meta(last.meta, str(run.path))
    best_saved = saved if best is None else SavedState.of_meta(best.meta, str(run.path))
    loss, best_step = best_saved.best or (None, None)
    logged = lines[-1] if lines else {}
    epoch = _epoch(saved, logged)
    seconds = _number(logged.get("seconds", 0.0))
    if running:
        state = "running"
    elif logged.get("final") or _is_over(config, saved, epoch, seconds or 0.0):
        state = "finished"
    else:
        state = "interrupted"
    step = max(saved.step, int(_number(logged.get("step")) or 0)) if running else saved.step
    return RunInfo(
        run.path, state, config=config, parameters=last.parameters,
        K=len(last.meta.vocabulary.symbols), best_val_loss=loss, best_step=best_step,
        step=step, epoch=epoch, seconds=seconds, **facts,
    )  # fmt: skip


def _heads(run: RunFolder) -> tuple[Head | None, Head | None]:
    """The newest checkpoint that can be read, and the best; CheckpointError where none can."""
    folder = run.checkpoints
    for _ in range(LOOKS):
        damaged: list[DamagedCheckpointError] = []
        try:
            newest = folder.newest(read_meta, damaged)
        except MissingCheckpointError:
            continue
        best = _best_head(folder, damaged)
        if newest is None and best is None and damaged:
            raise damaged[0]
        return (newest[1] if newest else best), best
    return None, None


def _best_head(folder: CheckpointFolder, damaged: list[DamagedCheckpointError]) -> Head | None:
    try:
        return read_meta(folder.folder / BEST)
    except MissingCheckpointError:
        return None
    except DamagedCheckpointError as error:
        damaged.append(error)
        return None


def _config_of(head: Head) -> Config:
    try:
        return configuration.from_dict(head.meta.config, "it")
    except ConfigError:
        raise CheckpointError("its configuration is not one of this version") from None


def _epoch(saved: SavedState, logged: dict[str, Any]) -> float:
    """Passes over the training part: the log has parts of one, a checkpoint's cursor has not."""
    epoch, index = saved.cursor
    at, value = _number(logged.get("step")), _number(logged.get("epoch"))
    if index and at and value is not None:
        return max(float(epoch), value * saved.step / at)
    return float(epoch)


def _number(value: Any) -> float | None:
    """A number of the log, whatever the log holds."""
    plain = type(value) in (int, float) and -LARGEST < value < LARGEST
    return float(value) if plain else None


def _is_over(config: Config, saved: SavedState, epoch: float, seconds: float) -> bool:
    """Whether a limit had been reached where the run stands."""
    limits = build.limits(config)
    near = epoch * (1 + 1e-9)  # it may be computed from a line of the log
    waited = saved.evaluations_waited
    return bool(limits.reached(saved.step, near, seconds, waited)) or limits.is_nearly_over(seconds)


def _updated(run: RunFolder) -> float:
    """When the run was last written to."""
    paths = (run.metrics, run.checkpoints.folder, run.config)
    return max((os.stat(path).st_mtime for path in paths if path.exists()), default=0.0)


def _steps(path: Path) -> tuple[int, Path]:
    """For an order in which the last of several ways to a run is the shortest."""
    return -len(path.parts), path


def _is_run(path: Path) -> bool:
    if (path / "checkpoints").is_dir():
        return True
    return (path / ".lock").exists() and (path / "config.yaml").is_file()


def _runs_below(folder: Path, depth: int) -> Iterator[Path]:
    try:
        entries = [entry for entry in os.scandir(folder) if entry.is_dir()]
    except OSError:
        return
    for entry in entries:
        path = folder / entry.name
        if _is_run(path):
            yield path
        elif depth > 1:
            yield from _runs_below(path, depth - 1)
