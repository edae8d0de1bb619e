"""What the points came to: a row for each, and for each group of seeds its mean and spread."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from charrnn.runs.sweep.folder import SweepFolder
from charrnn.runs.sweep.plan import SEED, Point
from charrnn.storage.atomic import write_atomically

MEASURES = ("best_val_loss", "best_step", "val_loss", "train_loss", "step", "epoch", "seconds",
            "chars_per_second")  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One point. `status`: done, diverged, failed, or waiting where it has not ended."""

    point: Point
    status: str
    values: dict[str, Any]

    @property
    def loss(self) -> float | None:
        """The best validation loss, in nats per character; of finished points only."""
        return self.values.get("best_val_loss") if self.status == "done" else None

    def flat(self) -> dict[str, Any]:
        config = self.point.config
        return {
            "name": self.point.name, **self.point.settings, "cell": config.model.cell,
            "num_layers": config.model.num_layers, "hidden_size": config.model.hidden_size,
            "seed": config.train.seed, "parameters": self.point.parameters,
            "at_most": self.point.at_most, "status": self.status,
            **{key: self.values.get(key) for key in MEASURES},
        }  # fmt: skip


@dataclass(frozen=True)
class Group:
    """Points that differ in nothing but the seed."""

    settings: dict[str, Any]
    rows: list[Row]

    @property
    def losses(self) -> list[float]:
        return [row.loss for row in self.rows if row.loss is not None]

    @property
    def mean(self) -> float | None:
        return fmean(self.losses) if self.losses else None

    @property
    def std(self) -> float | None:
        """The sample's standard deviation, over n - 1; None of fewer than two."""
        return stdev(self.losses) if len(self.losses) > 1 else None

    def count(self, status: str) -> int:
        return sum(row.status == status for row in self.rows)

    def flat(self) -> dict[str, Any]:
        point, losses = self.rows[0].point, self.losses
        return {
            "settings": self.settings, "cell": point.config.model.cell,
            "hidden_size": point.config.model.hidden_size, "parameters": point.parameters,
            "at_most": point.at_most, "points": len(self.rows), "done": len(losses),
            "mean": self.mean, "std": self.std,
            "range": [min(losses), max(losses)] if losses else None,
            "diverged": self.count("diverged"), "failed": self.count("failed"),
        }  # fmt: skip


def rows(folder: SweepFolder, points: Sequence[Point]) -> list[Row]:
    """A row for each point, the best first."""
    found = []
    for point in points:
        values = folder.outcome(point) or {"status": "waiting"}
        found.append(Row(point, values["status"], values))
    return sorted(found, key=lambda row: _rank(row.loss))


def groups(rows: Sequence[Row]) -> list[Group]:
    """The rows by all settings but the seed, the best mean first."""
    found: dict[str, Group] = {}
    for row in rows:
        settings = {k: v for k, v in row.point.settings.items() if k != SEED}
        found.setdefault(json.dumps(settings), Group(settings, [])).rows.append(row)
    return sorted(found.values(), key=lambda group: _rank(group.mean))


def _rank(loss: float | None) -> tuple[bool, float]:
    return loss is None, loss or 0.0


def as_values(rows: Sequence[Row]) -> dict[str, Any]:
    """What table.json holds."""
    return {
        "points": [row.flat() for row in rows],
        "groups": [group.flat() for group in groups(rows)],
    }


def write_tables(folder: SweepFolder, rows: Sequence[Row]) -> None:
    """table.json, and table.tsv with a line for each point."""
    values = json.dumps(as_values(rows), indent=1, allow_nan=False) + "\n"
    write_atomically(folder.path / "table.json", values.encode())
    lines = [row.flat() for row in rows]
    head = list(lines[0])
    table = [head, *([_cell(line[key]) for key in head] for line in lines)]
    text = "".join("\t".join(line) + "\n" for line in table)
    write_atomically(folder.path / "table.tsv", text.encode())


def _cell(value: Any) -> str:
    return "" if value is None else " ".join(str(value).split())
