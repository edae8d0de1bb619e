"""The curves of metrics.jsonl, small enough for a page however long the run was."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
NAMES = ("train_loss", "val_loss", "learning_rate", "grad_norm", "chars_per_second")
LAST_STEP = 2**53  # beyond it a browser's numbers skip some
KNOTS = 200
LARGEST = 1e30  # of values that are drawn

# step, smallest, largest, mean
Point = tuple[int, float, float, float]


class Curves:
    """Columns of the lines of a run: `steps` (N,), and a value or NaN a line for each of `NAMES`.

    What is not a number, or no finite one, is left out, whatever the file holds.
    """

    def __init__(self, lines: Iterable[dict[str, Any]]) -> None:
        # A run of a week has a million lines: numbers are kept as they come, and not the lines.
        steps, columns = array("q"), {name: array("d") for name in (*NAMES, "seconds", "epoch")}
        for line in lines:
            if 0 <= line["step"] <= LAST_STEP:
                steps.append(line["step"])
                for name, column in columns.items():
                    column.append(_number(line.get(name)))
        found = np.array(steps, np.int64)
        order = np.argsort(found, kind="stable")
        self.steps = found[order]
        self._columns = {
            name: np.array(column, np.float64)[order] for name, column in columns.items()
        }

    def __len__(self) -> int:
        return len(self.steps)

    def column(self, name: str) -> tuple[Array, Array]:
        """Steps and values of the lines that have a value."""
        values = self._columns[name]
        has = ~np.isnan(values)
        return self.steps[has], values[has]

    def share_above(self, name: str, threshold: float) -> float | None:
        """The share of values above a threshold; None where there is none."""
        _, values = self.column(name)
        return float((values > threshold).mean()) if len(values) else None

    def clock(self) -> list[list[float]]:
        """Some (step, seconds, epoch), enough to tell time and epoch of every step."""
        known = ~np.isnan(self._columns["seconds"]) & ~np.isnan(self._columns["epoch"])
        at = np.flatnonzero(known)
        at = at[np.unique(np.linspace(0, len(at) - 1, KNOTS).astype(int))] if len(at) else at
        columns = self.steps, self._columns["seconds"], self._columns["epoch"]
        return [[short(float(column[index])) for column in columns] for index in at.tolist()]


def buckets(steps: Array, values: Array, count: int) -> list[Point]:
    """At most about `count` points: what falls in one stretch of steps becomes one of them.

    Its step is the middle of what fell in, so that nothing drawn lies outside the run.
    """
    if not len(steps):
        return []
    first, last = int(steps[0]), int(steps[-1])
    width = max((last - first) / count, 1e-9) if len(steps) > count else 0.0
    bucket = ((steps - first) / width).astype(np.int64) if width else np.arange(len(steps))
    starts = np.flatnonzero(np.diff(bucket, prepend=-1))
    sizes = np.diff(np.append(starts, len(steps)))
    middle = steps[starts + (sizes - 1) // 2]
    low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    mean = np.add.reduceat(values, starts) / sizes
    columns = (middle.tolist(), low.tolist(), high.tolist(), mean.tolist())
    return [(s, short(a), short(b), short(m)) for s, a, b, m in zip(*columns, strict=True)]


def packed(points: list[Point]) -> list[list[float]]:
    """Points as the page reads them: [step, value], or [step, mean, smallest, largest]."""
    return [[s, m] if a == b else [s, m, a, b] for s, a, b, m in points]


def short(value: float) -> float:
    """A number with as many digits as a picture can show."""
    return float(f"{value:.6g}")


def best_of(curves: Curves) -> tuple[int, float] | None:
    """Step and value of the smallest validation loss; the first where there are several."""
    steps, values = curves.column("val_loss")
    if not len(values):
        return None
    at = int(np.argmin(values))
    return int(steps[at]), float(values[at])


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not -LARGEST < value < LARGEST:
        return float("nan")
    return float(value)
