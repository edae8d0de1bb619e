"""What a character costs, forward and backward, as each size grows: a table and a figure.

    python benchmarks/scaling.py
    python benchmarks/scaling.py --series H threads --figure scaling.png

float32, Numba kernels. From LSTM 1×128 B 32 T 50 K 65 on one thread, one size is changed at a time;
T is the length of one full BPTT with B 1; "text" is whole updates on texts of so many characters.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from measuring import ROOT, Report, Spec, Table, in_turn, run, seconds_each

ROUNDS, SECONDS = 3, 1.0
SLOPES = {-1: "∝ 1/n", 0: "constant", 1: "∝ n", 2: "∝ n²"}
MANY = 10_000  # values up to here are written out below the axis
FIGURE = ROOT / "docs" / "img" / "scaling.png"
BASE: Spec = {"H": 128, "layers": 1, "B": 32, "T": 50, "K": 65, "threads": 1, "sets": []}


@dataclass(frozen=True)
class Series:
    name: str
    label: str
    values: tuple[int, ...]
    # The cost to expect, as a power of the value: a line beside the points.
    power: int = 0
    changes: tuple[tuple[str, int], ...] = ()

    def spec(self, value: int, seconds: float) -> Spec:
        own = {} if self.name == "text" else {self.name: value}
        return {**BASE, **dict(self.changes), **own, "series": self.name, "value": value,
                "seconds": seconds}  # fmt: skip


SERIES = [
    Series("T", "T, characters of one full BPTT", (10**3, 10**4, 10**5, 10**6), 0, (("B", 1),)),
    Series("H", "H, hidden units", (32, 64, 128, 256, 512, 1024), 2),
    Series("B", "B, streams", (1, 2, 4, 8, 16, 32, 64, 128, 256), 0),
    Series("K", "K, symbols", (65, 256, 1000, 5000), 1),
    Series("layers", "layers", (1, 2, 4, 8), 1),
    Series("threads", "threads", (1, 2), -1, (("layers", 2), ("B", 50))),
    Series("text", "characters of the text", (10**5, 10**6, 10**7), 0),
]


def measure(spec: Spec) -> float:
    """Microseconds for one character."""
    import charrnn_side

    if spec["series"] == "T":
        return _full(spec)
    update: Callable[[], object]
    if spec["series"] == "text":
        update = charrnn_side.trainer(spec, spec["value"]).update
    else:
        update = charrnn_side.window(spec)
    return 1e6 * seconds_each(update, spec["seconds"]) / (spec["T"] * spec["B"])


def _full(spec: Spec) -> float:
    import charrnn_side

    charrnn_side.window({**spec, "T": 2})()
    work = charrnn_side.window(spec)
    began = time.perf_counter()
    work()
    return 1e6 * (time.perf_counter() - began) / spec["T"]


def costs(series: Series, rounds: int, seconds: float, longest: int | None) -> dict[int, float]:
    """µs for one character by value, the median of processes that take turns."""
    values = [value for value in series.values if longest is None or value <= longest]
    specs = [series.spec(value, seconds) for value in values]
    found = in_turn(specs, 1, rounds)
    return {value: median(times) for value, times in zip(values, found, strict=True)}


def draw(found: dict[str, dict[int, float]], path: Path) -> None:
    """One panel a series, logarithmic both ways, with the slope to expect."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    chosen = [series for series in SERIES if series.name in found]
    figure, axes = plt.subplots(2, 4, figsize=(13, 6), layout="constrained")
    for axis in axes.flat[len(chosen) :]:
        axis.set_axis_off()
    for axis, series in zip(axes.flat, chosen, strict=False):
        _panel(axis, series, found[series.name])
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _panel(axis: Any, series: Series, points: dict[int, float]) -> None:
    from matplotlib.ticker import LogFormatter, NullFormatter

    values, measured = list(points), list(points.values())
    anchor = values[0] if series.power < 0 else values[-1]
    expected = [points[anchor] * (value / anchor) ** series.power for value in values]
    axis.loglog(values, measured, "o-", color="#0072B2", label="measured")
    axis.loglog(values, expected, "--", color="#D55E00", label=SLOPES[series.power])
    axis.set(xlabel=series.label, ylabel="µs per character")
    axis.set_ylim(min(measured) / 3, max(measured) * 3)
    axis.yaxis.set_major_formatter(LogFormatter())
    axis.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1.5, 0.4)))
    if values[-1] < MANY:
        axis.set_xticks(values, map(str, values))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.grid(visible=True, which="major", alpha=0.3)
    axis.legend(frameon=False)


def report(options: argparse.Namespace) -> Report:
    rounds, seconds, longest = (1, 0.2, 10**5) if options.quick else (ROUNDS, SECONDS, None)
    chosen = [series for series in SERIES if not options.series or series.name in options.series]
    found = {series.name: costs(series, rounds, seconds, longest) for series in chosen}
    draw(found, options.figure)
    rows = [[series.label, _row(found[series.name])] for series in chosen]
    table = Table("µs per character, forward and backward", ["what grows", "value: µs"], rows)
    return Report([table], {"us_per_char": found})


def _row(points: dict[int, Any]) -> str:
    return " · ".join(f"{value:,}: {cost:.3g}" for value, cost in points.items())


def more(parser: argparse.ArgumentParser) -> None:
    names = [series.name for series in SERIES]
    parser.add_argument("--series", nargs="+", choices=names, metavar="NAME", help=str(names))
    parser.add_argument("--figure", type=Path, default=FIGURE, help="where the figure goes")


if __name__ == "__main__":
    packages = ("numba", "matplotlib")
    run(report, measure, about=str(__doc__).splitlines()[0], needs=packages, more=more)
