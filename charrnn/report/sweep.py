"""A sweep in words: the plan, a line for each result, the table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from charrnn.report.tables import Form, Table
from charrnn.runs.sweep.plan import Point
from charrnn.runs.sweep.results import Group, Row, groups


def opening(points: Sequence[Point], to_do: int, jobs: int, folder: Path) -> str:
    """How many runs there will be, and the sizes that were chosen."""
    lines = [f"sweep     {len(points)} points, {to_do} to train, {jobs} at a time, in {folder}"]
    chosen: dict[str, None] = {}
    for point in points:
        if point.at_most is not None:
            model = point.config.model
            what = point.settings.get("variant") or model.cell
            chosen[
                f"matched   {what}, {_layers(model.num_layers)}: hidden_size {model.hidden_size}, "
                f"{point.parameters:,} of at most {point.at_most:,} parameters"
            ] = None
    return "\n".join([*lines, *chosen])


def _layers(n: int) -> str:
    return "1 layer" if n == 1 else f"{n} layers"


def result_line(point: Point, outcome: dict[str, Any], place: tuple[int, int] | None) -> str:
    """A result as it comes; `place`: its number and how many there are, None where several ranks
    train and none counts all.
    """
    counted = "" if place is None else f"{place[0]:>{len(str(place[1]))}}/{place[1]}  "
    return f"{counted}{point.name}  {_said(outcome)}"


def _said(outcome: dict[str, Any]) -> str:
    if outcome["status"] != "done":
        return f"{outcome['status']}: " + str(outcome.get("error", "")).partition("\n")[0]
    loss = outcome["best_val_loss"]
    nats = "no validation" if loss is None else f"{loss:.4f} nats"
    return f"{nats}, {outcome['seconds']:.0f} s"


def table(rows: Sequence[Row], folder: Path, form: Form = "text") -> str:
    """A line for each group of seeds, the best first."""
    found = groups(rows)
    keys = list(found[0].settings)
    short = {key: key.rsplit(".", 1)[-1] for key in keys}
    heads = [*short.values()] if len(set(short.values())) == len(keys) else keys
    if "parameters" in heads:
        heads[heads.index("parameters")] = "at most"
    lines = [[*(str(group.settings[key]) for key in keys), *_figures(group)] for group in found]
    heads += ["hidden", "parameters", "nats", "± std", "range", "seeds", ""]
    notes = ["nats: the best validation loss per character, mean over seeds"]
    if form == "text":
        notes.append(f"tables: {folder / 'table.tsv'}, {folder / 'table.json'}")
    elif not any(line[-1] for line in lines):  # where nothing diverged
        heads, lines = heads[:-1], [line[:-1] for line in lines]
    align = "l" * len(keys) + "rrrrrrl"
    return Table(heads, lines, align[: len(heads)], notes).render(form)


def _figures(group: Group) -> list[str]:
    point, losses = group.rows[0].point, group.losses
    spread = f"{min(losses):.4f} to {max(losses):.4f}" if len(losses) > 1 else ""
    marks = [f"{group.count(s)} {s}" for s in ("diverged", "failed", "waiting") if group.count(s)]
    return [
        str(point.config.model.hidden_size), f"{point.parameters:,}",
        "-" if group.mean is None else f"{group.mean:.4f}",
        "" if group.std is None else f"{group.std:.4f}", spread, str(len(losses)), ", ".join(marks),
    ]  # fmt: skip
