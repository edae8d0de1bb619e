"""charrnn runs"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from charrnn.api.listing import age, list_runs, text_names, values_of
from charrnn.cli.options import argument_option, say_notice, table_option
from charrnn.cli.streams import echo, to_json
from charrnn.report.html.runs import duration
from charrnn.report.tables import Table
from charrnn.runs.listing import RunInfo

_HEADS = ("run", "cell", "size", "parameters", "text", "nats", "steps", "time", "age", "state")
_LONGEST = 24  # characters of a text's name


@click.command("runs")
@click.argument("folder", type=click.Path(path_type=Path), default=Path("runs"))
@argument_option("sort", default="age")
@click.option("--reverse", is_flag=True, help="The last first.")
@table_option
def command(folder: Path, sort: Any, reverse: bool, form: Any) -> None:
    """List the runs in a FOLDER, runs/ unless given, and in the sweeps in it.

    The loss is the best on the validation part, in nats per character. The age is since the run
    was last written to. No model is loaded.

    \b
    Examples:
      charrnn runs
      charrnn runs runs/cells --sort loss
      charrnn runs --format json
    """
    found = list_runs(folder, sort=sort)
    if reverse:
        found.reverse()
    if form == "json":
        echo(to_json([values_of(run) for run in found]))
    elif found:
        echo(_table(found).render(form))
    else:
        say_notice(f"there is no run in {folder}")


def _table(runs: Sequence[RunInfo]) -> Table:
    notes = [f"{run.path}: {run.problem}" for run in runs if run.problem]
    return Table(_HEADS, [_row(run) for run in runs], "lllrlrrrrl", notes)


def _row(run: RunInfo) -> list[str]:
    model = None if run.config is None else run.config.model
    return [
        str(run.path),
        "" if model is None else model.cell,
        "" if model is None else f"{model.num_layers} × {model.hidden_size}",
        _number(run.parameters, ","),
        _text(run),
        _number(run.best_val_loss, ".4f"),
        _number(run.step, ","),
        "" if run.seconds is None else duration(run.seconds),
        in_words(age(run)) if run.updated else "",
        run.state,
    ]


def _number(value: float | None, how: str) -> str:
    return "-" if value is None else format(value, how)


def _text(run: RunInfo) -> str:
    names = text_names(run)
    if not names:
        return ""
    shown = names[0] if len(names[0]) <= _LONGEST else names[0][: _LONGEST - 1] + "…"
    return shown + (f" +{len(names) - 1:,}" if len(names) > 1 else "")


def in_words(seconds: float) -> str:
    """An age in its largest unit: 12 s, 3 min, 5 h, 9 d."""
    for unit, size, most in (("s", 1, 60), ("min", 60, 60), ("h", 3600, 48)):
        if seconds < size * most:
            return f"{int(seconds / size)} {unit}"
    return f"{int(seconds / 86400):,} d"
