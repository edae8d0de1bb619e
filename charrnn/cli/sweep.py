"""charrnn sweep"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from charrnn.api.run import ending_stop
from charrnn.api.sweep import sweep as run_sweep
from charrnn.cli.options import argument_option, set_option, table_option
from charrnn.cli.streams import echo, to_json
from charrnn.report.sweep import table


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
@argument_option("steps", help="Updates of each run.")
@click.option("--jobs", type=Jobs(), default="auto", show_default=True, metavar="N|auto",
              help="Runs at a time; auto: as many as cores.")  # fmt: skip
@click.option("--accept-changes", is_flag=True, help="Train the points again whose keys changed.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE.png",
              help="Draw validation loss against parameters; needs the extra plot.")  # fmt: skip
@table_option
def command(sweep: Path, form: Any, **given: Any) -> None:
    """Train every point of a grid, several at a time, and print a table of the results.

    The same command again goes on where it was stopped. Ctrl-C saves every run.

    \b
    Examples:
      charrnn sweep configs/sweeps/cells.yaml --plot cells.png
      charrnn sweep my-sweep.yaml --steps 100 --jobs 2
    """
    with ending_stop() as stop:
        result = run_sweep(sweep, progress=True, stop=stop, **given)
    if not result.rows:  # another rank prints
        return
    values = result.values()
    try:
        echo(to_json(values) if form == "json" else table(result.rows, result.path, form))
    finally:  # of which stdout's failure is none
        result.require_all()
