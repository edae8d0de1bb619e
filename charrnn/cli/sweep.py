"""charrnn sweep"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from charrnn.cli.options import format_option, set_option
from charrnn.cli.output import to_json
from charrnn.cli.sweep_text import opening, progress, said, table
from charrnn.config.loading import Layer, set_layer
from charrnn.errors import CheckFailedError, InterruptedRunError
from charrnn.report.figures import sweep as figures_sweep
from charrnn.runs.sweep.file import Sweep, load_sweep
from charrnn.runs.sweep.folder import SweepFolder, require_same
from charrnn.runs.sweep.jobs import how_many, run_points
from charrnn.runs.sweep.plan import Point, override, plan, steps_layer
from charrnn.runs.sweep.results import as_values, rows, write_tables
from charrnn.runtime.ranks import Ranks
from charrnn.runtime.signals import StopSignal
from charrnn.runtime.world import world


class Jobs(click.IntRange):
    """A number of processes, or `auto`."""

    def __init__(self) -> None:
        super().__init__(min=1)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if value == "auto" else super().convert(value, param, ctx)


@click.command("sweep")
@click.argument("sweep", type=click.Path(path_type=Path), metavar="SWEEP.yaml")
@click.option("--out", type=click.Path(path_type=Path), help="The sweep's folder [runs/NAME].")
@set_option
@click.option("--steps", type=click.IntRange(min=0), help="Updates of each run.")
@click.option(
    "--jobs",
    type=Jobs(),
    default="auto",
    show_default=True,
    metavar="N|auto",
    help="Runs at a time; auto: as many as cores.",
)
@click.option("--accept-changes", is_flag=True, help="Run anew the points whose keys changed.")
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    metavar="FILE.png",
    help="Draw validation loss against parameters; needs the extra plot.",
)
@format_option
def command(sweep: Path, out: Path | None, sets: tuple[str, ...], steps: int | None,
            jobs: int | str, accept_changes: bool, plot: Path | None,
            form: str) -> None:  # fmt: skip
    """Train every point of a grid, several at a time, and print a table of the results.

    The same command again goes on where it was stopped. Ctrl-C saves every run.

    \b
    Examples:
      charrnn sweep configs/sweeps/cells.yaml --plot cells.png
      charrnn sweep my-sweep.yaml --steps 100 --jobs 2
    """
    if plot is not None:
        figures_sweep.require_matplotlib(plot)
    folder = SweepFolder(out or Path("runs") / sweep.stem)

    def prepared() -> tuple[list[Point], list[Point]]:
        described = load_sweep(sweep)
        points = plan(described, _layers(described, sets, steps))
        folder.open()
        _take_over(folder, points, accept_changes)
        return points, folder.to_do(points)

    with world() as ranks:
        points, to_do = ranks.run_on_first(prepared)
        _train(folder, points, to_do, jobs, ranks)
        if ranks.rank:
            return
    results = rows(folder, points)
    write_tables(folder, results)
    if plot is not None:
        figures_sweep.draw(results, plot)
    values = {"out": str(folder.path), **as_values(results)}
    click.echo(to_json(values) if form == "json" else table(results, folder.path))
    if failed := [row for row in results if row.status == "failed"]:
        raise CheckFailedError(
            f"{len(failed)} of {len(results)} points failed, {failed[0].point.name} for one: "
            f"{failed[0].values.get('error')}",
            then="the same command tries them again; their logs are in points/",
        )


def _layers(sweep: Sweep, sets: tuple[str, ...], steps: int | None) -> list[Layer]:
    layers = []
    for item in sets:
        dotted, layer = set_layer(item)
        layers.append(override(sweep, dotted, layer, f"--set {item}"))
    if steps is not None:
        layers.append(override(sweep, "train.steps", steps_layer(steps), "--steps"))
    return layers


def _take_over(folder: SweepFolder, points: list[Point], accept_changes: bool) -> None:
    """Go on with what the folder holds, if it is of this sweep."""
    changes = folder.changes(points)
    if not accept_changes:
        require_same(changes, folder.path)
    for name in changes:
        if (aside := folder.set_aside(name)) is not None:
            click.echo(f"notice: {name} begins anew; its old run is {aside}", err=True)
    if others := folder.others(points):
        click.echo(
            f"notice: {len(others)} points here are not in the sweep, and left out of the table: "
            + ", ".join(others[:4]) + (" …" if len(others) > 4 else ""), err=True,
        )  # fmt: skip
    folder.prepare(points)


def _train(
    folder: SweepFolder, points: list[Point], to_do: list[Point], jobs: int | str, ranks: Ranks
) -> None:
    """Every rank trains its share of what is to do."""
    own, count = to_do[ranks.rank :: ranks.size], how_many(jobs, to_do)
    if not ranks.rank:
        click.echo(opening(points, len(to_do), count * ranks.size, folder.path), err=True)
    tell = progress(len(points), len(points) - len(to_do)) if ranks.size == 1 else said
    with StopSignal(quiet=ranks.rank > 0) as stop:
        left = sum(ranks.all_gather(len(run_points(folder, own, count, stop, tell))))
        if left:
            if not ranks.rank:
                write_tables(folder, rows(folder, points))
            raise InterruptedRunError(
                max(ranks.all_gather(stop.number or 0)) or 2,
                f"interrupted; {left} of {len(points)} points are still to do, and what "
                "was trained of them is saved",
                then="go on with the same command",
            )
