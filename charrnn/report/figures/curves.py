"""Figures for a paper, by matplotlib (the extra `plot`): loss curves, and those of a sweep.

A sweep's: validation loss against parameters, a colour for each cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charrnn.inference.metrics import LN2, bits
from charrnn.report.figures.style import DPI, colour, plain, require_drawable
from charrnn.report.html.curves import buckets
from charrnn.report.html.runs import Run, names_of
from charrnn.runs.sweep.results import Group, Row, groups

POINTS = 1500
STYLE = {
    "font.size": 9, "axes.spines.top": False, "axes.grid": True, "grid.alpha": 0.25,
    "grid.linewidth": 0.6, "legend.frameon": False, "svg.fonttype": "none", "pdf.fonttype": 42,
}  # fmt: skip


def picture(runs: Sequence[Run], path: Path) -> bytes:
    """Training and validation loss by step, nats on the left and bits on the right.

    Of many steps the mean of those that fall on one point is drawn, and their range shaded. The
    suffix of `path` says which kind of file. Raises MissingExtraError without matplotlib, and
    UsageError for a suffix of another kind.
    """
    require_drawable(path, "png")
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    suffix = path.suffix.lower()
    file = BytesIO()
    # No date, so that the same run gives the same file.
    metadata = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}.get(suffix)
    with rc_context({**STYLE, "svg.hashsalt": "charrnn"}):
        figure = Figure(figsize=(6.0, 3.6), layout="constrained")
        _draw(figure.add_subplot(), runs)
        figure.savefig(file, format=suffix[1:], dpi=200, metadata=metadata)
    return file.getvalue()


def _draw(axes: Any, runs: Sequence[Run]) -> None:
    drawn: list[float] = []
    for index, (run, name) in enumerate(zip(runs, names_of(list(runs)), strict=True)):
        label = f"{plain(name)}: " if len(runs) > 1 else ""
        drawn += _curve(axes, run, "train_loss", colour(index), label + "training", linewidth=0.9,
                        alpha=0.6)  # fmt: skip
        drawn += _curve(axes, run, "val_loss", colour(index), label + "validation", linewidth=1.8,
                        marker="o", markersize=3)  # fmt: skip
    axes.set_xlabel("updates")
    axes.set_ylabel("loss (nats per character)")
    right = axes.secondary_yaxis("right", functions=(bits, lambda b: b * LN2))
    right.set_ylabel("loss (bits per character)")
    if drawn:
        axes.legend()
    else:
        axes.text(0.5, 0.5, "nothing was logged", transform=axes.transAxes, ha="center")


def _curve(axes: Any, run: Run, name: str, drawn_in: str, label: str, **style: Any) -> list[float]:
    """Draw one curve; returns its values."""
    points = buckets(*run.curves.column(name), POINTS)
    if not points:
        return []
    steps, low, high, mean = zip(*points, strict=True)
    if low != high:
        axes.fill_between(steps, low, high, color=drawn_in, alpha=0.15, linewidth=0)
    axes.plot(steps, mean, color=drawn_in, label=label, **style)
    return list(mean)


if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKERS = "osD^vP*X"


def draw(rows: Sequence[Row], path: Path) -> None:
    """Write the figure. Raises OSError where `path` cannot be written."""
    figure_of(rows).savefig(path)


def figure_of(rows: Sequence[Row]) -> Figure:
    """Seeds as points, and a line through the means of each cell or variant and its layers.

    Against parameters; or, where all points have about the same number, each group in its place.
    """
    from matplotlib.figure import Figure

    found = [group for group in groups(rows) if group.losses]
    sizes = [group.rows[0].point.parameters for group in found]
    matched = not sizes or max(sizes) < 1.3 * min(sizes)
    figure = Figure(figsize=(6.4, 4.2), dpi=DPI, layout="constrained")
    axis = figure.add_subplot()
    (_places if matched else _curves)(axis, found)
    axis.set_ylabel("best validation loss, nats per character")
    axis.grid(alpha=0.25, linewidth=0.6)
    axis.spines[["top", "right"]].set_visible(False)
    _note_missing(axis, rows)
    return figure


def _family(group: Group) -> str:
    return plain(group.settings.get("variant") or group.rows[0].point.config.model.cell)


def _colours(found: Sequence[Group]) -> dict[str, str]:
    families = dict.fromkeys(sorted(_family(group) for group in found))
    return {name: colour(i) for i, name in enumerate(families)}


def _curves(axis: Any, found: Sequence[Group]) -> None:
    colours, lines = _colours(found), dict[tuple[str, ...], list[Group]]()
    for group in found:
        lines.setdefault((_family(group), *_others(group, found)), []).append(group)
    for index, (key, members) in enumerate(sorted(lines.items())):
        drawn_in, marker = colours[key[0]], MARKERS[index % len(MARKERS)]
        members.sort(key=lambda group: group.rows[0].point.parameters)
        sizes = [group.rows[0].point.parameters for group in members]
        axis.plot(sizes, [group.mean for group in members], color=drawn_in, marker=marker,
                  markersize=6, linewidth=1.6, label=", ".join(key))  # fmt: skip
        for size, group in zip(sizes, members, strict=True):
            _seeds(axis, size, group, drawn_in)
    axis.set_xscale("log")
    for formatter in (axis.xaxis.set_major_formatter, axis.xaxis.set_minor_formatter):
        formatter(lambda size, _: f"{size:,.0f}")
    axis.set_xlabel("parameters")
    axis.legend(frameon=False, fontsize=9)


def _others(group: Group, found: Sequence[Group]) -> list[str]:
    """The settings that vary, and are neither the cell nor a size."""
    sizes = ("variant", "model.cell", "model.hidden_size", "parameters")
    return [
        plain(f"{key.rsplit('.', 1)[-1]} {value}")
        for key, value in group.settings.items()
        if key not in sizes and any(other.settings.get(key) != value for other in found)
    ]


def _places(axis: Any, found: Sequence[Group]) -> None:
    colours = _colours(found)
    for place, group in enumerate(found):
        drawn_in = colours[_family(group)]
        axis.plot([place - 0.25, place + 0.25], [group.mean] * 2, color=drawn_in, linewidth=2.4)
        _seeds(axis, place, group, drawn_in)
    labels = ["\n".join([_family(group), *_others(group, found)]) for group in found]
    axis.set_xticks(range(len(found)), labels, fontsize=9)
    sizes = [group.rows[0].point.parameters for group in found]
    if sizes:
        axis.set_title(f"{min(sizes):,} to {max(sizes):,} parameters", fontsize=10)


def _seeds(axis: Any, x: float, group: Group, drawn_in: str) -> None:
    axis.plot([x] * len(group.losses), group.losses, "o", color=drawn_in, markersize=5, alpha=0.45,
              markeredgewidth=0)  # fmt: skip


def _note_missing(axis: Any, rows: Sequence[Row]) -> None:
    missing = sum(row.loss is None for row in rows)
    if missing:
        axis.annotate(f"{missing} of {len(rows)} points have no figure (diverged or failed)",
                      (1, 1.01), xycoords="axes fraction", ha="right", fontsize=8)  # fmt: skip
