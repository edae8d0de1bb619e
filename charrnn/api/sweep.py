"""`charrnn.sweep`: every point of a grid trained, and a table of the results."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from os import fspath
from pathlib import Path
from typing import Any, Literal

from charrnn.api.arguments import require
from charrnn.api.settings import AnyPath, flags
from charrnn.config.loading import Layer, setting_layer
from charrnn.errors import CheckFailedError, InterruptedRunError, notice
from charrnn.report.figures.curves import draw
from charrnn.report.figures.style import require_drawable
from charrnn.report.sweep import opening, result_line
from charrnn.report.terminal import say
from charrnn.runs.sweep.file import Sweep, load_sweep
from charrnn.runs.sweep.folder import SweepFolder, require_same
from charrnn.runs.sweep.jobs import how_many, run_points
from charrnn.runs.sweep.plan import Point, override, plan
from charrnn.runs.sweep.results import Row, as_values, rows, write_tables
from charrnn.runtime.ranks import Ranks
from charrnn.runtime.signals import StopSignal
from charrnn.runtime.world import world

Say = Callable[[str], None]


@dataclass(frozen=True)
class SweepResult:
    """A sweep's folder, and a row for each point, the best first; no rows but on the first rank."""

    path: Path
    rows: Sequence[Row]

    def values(self) -> dict[str, Any]:
        """The object of `charrnn sweep --format json`: the points, and the groups of seeds."""
        return {"out": str(self.path), **as_values(self.rows)}

    def require_all(self) -> None:
        """Raise CheckFailedError where a point failed."""
        if failed := [row for row in self.rows if row.status == "failed"]:
            raise CheckFailedError(
                f"{len(failed)} of {len(self.rows)} points failed, {failed[0].point.name} for one: "
                f"{failed[0].values.get('error')}",
                then="run the same sweep again to try them once more; their logs are in points/",
            )


def sweep(
    file: AnyPath,
    *,
    out: AnyPath | None = None,
    settings: Mapping[str, Any] | None = None,
    steps: int | None = None,
    jobs: int | Literal["auto"] = "auto",
    accept_changes: bool = False,
    plot: AnyPath | None = None,
    progress: bool | Literal["auto"] = "auto",
    stop: StopSignal | None = None,
) -> SweepResult:
    """Train every point of a sweep's file, several at a time, and write tables of the results.

    `out`: the sweep's folder, else runs/NAME. `settings`, `steps`: over every point. `jobs`:
    processes at a time, "auto" as many as cores. `accept_changes`: train the points again whose
    keys changed. `plot`: where a figure is drawn to. `progress`: a line for each result on stderr.
    The same call again goes on where it was stopped, by an InterruptedRunError. docs/sweep.md has
    the file's format.

    >>> with open("sizes.yaml", "w") as file:
    ...     _ = file.write("base: {data: {text: [my.txt]}, train: {batch_size: 4}}\\n"
    ...                    "grid: {model.hidden_size: [4, 8]}\\n")
    >>> result = charrnn.sweep("sizes.yaml", out="runs/sizes", steps=2)
    >>> [row.status for row in result.rows]
    ['done', 'done']
    """
    require(steps=steps, jobs=None if jobs == "auto" else jobs)
    described = Path(fspath(file))
    if plot is not None:
        require_drawable(Path(fspath(plot)), "plot")
    folder = SweepFolder(Path("runs") / described.stem if out is None else Path(fspath(out)))
    shows = sys.stderr.isatty() if progress == "auto" else progress

    def prepared() -> tuple[list[Point], list[Point]]:
        loaded = load_sweep(described)
        points = plan(loaded, _layers(loaded, settings, steps))
        folder.open()
        _take_over(folder, points, accept_changes)
        return points, folder.to_do(points)

    with world() as ranks, ExitStack() as stack:
        points, to_do = ranks.run_on_first(prepared)
        stop = stop or stack.enter_context(StopSignal(embedded=True))
        _train(folder, points, to_do, jobs, ranks, stop, say if shows else lambda _: None)
        if ranks.rank:
            return SweepResult(folder.path, [])
    results = rows(folder, points)
    write_tables(folder, results)
    if plot is not None:
        draw(results, Path(fspath(plot)))
    return SweepResult(folder.path, results)


def _layers(sweep: Sweep, settings: Mapping[str, Any] | None, steps: int | None) -> list[Layer]:
    given = flags(None, settings, steps=steps)
    return [override(sweep, key, setting_layer(key, value)) for key, value in given.items()]


def _take_over(folder: SweepFolder, points: list[Point], accept_changes: bool) -> None:
    """Go on with what the folder holds, if it is of this sweep."""
    changes = folder.changes(points)
    if not accept_changes:
        require_same(changes, folder.path)
    for name in changes:
        if (aside := folder.set_aside(name)) is not None:
            notice(f"{name} is trained again; its old run is {aside}")
    if others := folder.others(points):
        notice(
            f"{len(others)} points here are not in the sweep, and left out of the table: "
            + ", ".join(others[:4]) + (" …" if len(others) > 4 else "")
        )  # fmt: skip
    folder.prepare(points)


def _train(
    folder: SweepFolder, points: list[Point], to_do: list[Point], jobs: int | str, ranks: Ranks,
    stop: StopSignal, tell: Say,
) -> None:  # fmt: skip
    """Every rank trains its share of what is to do."""
    own, count = to_do[ranks.rank :: ranks.size], how_many(jobs, to_do)
    if not ranks.rank:
        tell(opening(points, len(to_do), count * ranks.size, folder.path))
    done = len(points) - len(to_do)

    def result(point: Point, outcome: dict[str, Any]) -> None:
        nonlocal done
        done += 1
        tell(result_line(point, outcome, (done, len(points)) if ranks.size == 1 else None))

    left = sum(ranks.all_gather(len(run_points(folder, own, count, stop, result))))
    if left:
        if not ranks.rank:
            write_tables(folder, rows(folder, points))
        raise InterruptedRunError(
            max(ranks.all_gather(stop.number or 0)) or 2,
            f"interrupted; {left} of {len(points)} points are still to do, and what "
            "was trained of them is saved",
            then="run the same sweep again to continue",
        )
