"""Files about runs: the page, pictures."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from os import PathLike, fspath
from pathlib import Path

from charrnn.api.settings import AnyPath
from charrnn.errors import CheckpointError, UsageError, argument, notice
from charrnn.report.figures.curves import picture
from charrnn.report.figures.style import require_drawable
from charrnn.report.html.page import report
from charrnn.report.html.runs import Run, open_run
from charrnn.runs.listing import find_run
from charrnn.runtime.workers import threads
from charrnn.storage.atomic import write_atomically
from charrnn.storage.checkpoint_folder import CheckpointFolder, runs_in


def write_report(
    runs: AnyPath | Sequence[AnyPath], *, out: AnyPath | None = None, png: AnyPath | None = None
) -> list[Path]:
    """Write one HTML page about a run, and return the files that were written.

    Further runs are laid over its curves; a folder of runs, such as a sweep's, stands for them, the
    best first. `out`: the page's file, else report.html in the first
    run's folder. `png`: the loss curves as a picture (.png, .pdf or .svg; needs the extra `plot`)
    instead, or with `out` as well.

    >>> charrnn.write_report("runs/tiny")
    [PosixPath('runs/tiny/report.html')]
    """
    given = [runs] if isinstance(runs, str | PathLike) else runs
    paths = [find_run(run) for run in given]
    opened = open_runs(paths)
    written = []
    if png is not None:
        path = Path(fspath(png))
        require_drawable(path, "png")
        written.append(save(path, picture(opened, path), "png"))
    if out is not None or png is None:
        path = paths[0] / "report.html" if out is None else Path(fspath(out))
        written.append(save(path, page_of(opened), "out"))
    return written


def open_runs(paths: Sequence[Path]) -> list[Run]:
    """The runs at these paths, and those in folders of runs, by their best validation loss."""
    opened = []
    for path in map(find_run, paths):
        is_run = CheckpointFolder(path / "checkpoints").last() is not None
        within = [] if is_run else [open_run(run) for run in runs_in(path)]
        opened += sorted(within, key=_best_loss) or [open_run(path)]
    return opened


def _best_loss(run: Run) -> float:
    return inf if run.best is None else run.best[1]


def page_of(runs: Sequence[Run]) -> bytes:
    """The page of runs that were opened, as UTF-8."""
    with threads(runs[0].config.runtime.threads):
        return report(runs, notice)


def save_text(path: Path, data: bytes, *, replace: bool = False) -> None:
    """Write a text to a new file, or over an old one. Raises UsageError and CheckpointError."""
    if path.exists() and not path.is_dir() and not replace:
        raise UsageError("exists already, and is not written over", where=str(path))
    save(path, data, "out")


def save(path: Path, data: bytes, name: str) -> Path:
    """Write atomically, over an older file if there is one; `name` is the argument of the path."""
    if path.is_dir():
        raise UsageError("is a folder", where=argument(name, path), then="name a file in it")
    try:
        write_atomically(path, data)
    except CheckpointError as error:
        raise CheckpointError(
            error.what, where=argument(name, path), then="name a file in a folder that is there"
        ) from None
    return path
