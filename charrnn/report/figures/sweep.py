"""The figure of `charrnn sweep`: validation loss against parameters, a colour for each cell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charrnn.report.figures.style import DPI, colour, plain
from charrnn.runs.sweep.results import Group, Row, groups

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
