"""Loss curves as a picture for a paper, by matplotlib (the extra `plot`)."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from charrnn.inference.metrics import LN2, bits
from charrnn.report.figures.style import colour, plain, require_drawable
from charrnn.report.html.curves import buckets
from charrnn.report.html.runs import Run, names_of

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
