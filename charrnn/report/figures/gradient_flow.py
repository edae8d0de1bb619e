"""The figure of `charrnn gradflow`: norms by lag with their bounds, and what truncation costs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from charrnn.analysis.gradient_flow.subjects import Measured
from charrnn.report.figures.style import DPI, colour, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LAYERS = ("-", (0, (1, 1)), (0, (3, 1, 1, 1)), (0, (5, 1, 1, 1, 1, 1)))  # from the top down
DASHED = (0, (4, 3))
LETTERS_PER_INCH = 12  # of a legend
FLOOR, CEILING = 1e-12, 1e6  # of the axis: beyond, a gradient is nothing, or everything


def draw(measured: Sequence[Measured], path: Path) -> None:
    """Write the figure. Raises OSError where `path` cannot be written."""
    figure_of(measured).savefig(path)


def figure_of(measured: Sequence[Measured]) -> Figure:
    """Norms by lag, of h and where there is one of s, and the cosines of truncated gradients."""
    from matplotlib.figure import Figure

    with_s = any(one.flow.norms.s is not None for one in measured)
    figure = Figure(figsize=(4.2 * (2 + with_s), 4.6), dpi=DPI, layout="constrained")
    axes = list(figure.subplots(1, 2 + with_s))
    _norms(axes[0], measured, "h")
    if with_s:
        _norms(axes[1], measured, "s")
    _cosines(axes[-1], measured)
    _legend(figure, axes[0], measured)
    return figure


def _legend(figure: Figure, axis: Any, measured: Sequence[Measured]) -> None:
    """Colours are models; below them, in grey, what the kinds of line are."""
    from matplotlib.lines import Line2D

    kinds = {
        f"{below} below the top": LAYERS[below % len(LAYERS)]
        for below in range(1, max(len(one.flow.layers) for one in measured))
    }
    if any(one.flow.bounds is not None for one in measured):
        kinds["bound (γ‖U‖)$^k$, top"] = DASHED
    handles = axis.get_legend_handles_labels()[0]
    handles += [Line2D([], [], color="#555555", ls=ls, label=label) for label, ls in kinds.items()]
    longest = max(len(handle.get_label()) for handle in handles)
    columns = max(int(figure.get_figwidth() * LETTERS_PER_INCH / (longest + 7)), 1)
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), columns),
                  frameon=False, fontsize=9)  # fmt: skip


def _width(index: int, count: int) -> float:
    """Of lines that coincide the later, narrower one leaves an edge of the other to be seen."""
    return 1.6 + 2.4 * (count - 1 - index) / max(count, 2)


def _norms(axis: Any, measured: Sequence[Measured], part: str) -> None:
    """‖∂E_t/∂h_{t-k}‖, or that of s, against k; RNNs' bounds dashed."""
    highest = 0.0
    for index, one in enumerate(measured):
        norms = one.flow.norms.h if part == "h" else one.flow.norms.s
        if norms is None:
            continue
        highest = max(highest, norms[np.isfinite(norms)].max(initial=0))
        for below, row in enumerate(norms[::-1]):
            label = None if below else plain(one.subject.name)
            style = LAYERS[below % len(LAYERS)]
            width = 1.3 if below else _width(index, len(measured))
            _line(axis, row, colour(index), style, label, width)
        if part == "h" and one.flow.bounds is not None:
            _line(axis, one.flow.bounds[-1], colour(index), DASHED, None, 1.0)
    axis.set(
        title=f"how much of a gradient arrives, in {part}",
        yscale="log",
        xlabel="lag k (characters)",
        ylabel=f"median ‖∂E$_t$/∂{part}$_{{t-k}}$‖ (nats per unit of {part})",
    )
    # The bound may rise far above all that was measured.
    axis.set_ylim(max(axis.get_ylim()[0], FLOOR), min(10 * (highest or 1.0), CEILING))
    _plain(axis)


def _line(axis: Any, row: Any, drawn_in: str, style: Any, label: str | None, width: float) -> None:
    drawn = np.where((row > 0) & np.isfinite(row), row, np.nan)
    axis.plot(drawn, color=drawn_in, linestyle=style, linewidth=width, label=label)


def _cosines(axis: Any, measured: Sequence[Measured]) -> None:
    """The cosine of the truncated gradient to the full one against k2."""
    for index, one in enumerate(measured):
        rows = one.flow.truncations
        axis.plot([row.k2 for row in rows], [row.cosine for row in rows], color=colour(index),
                  marker="o", markersize=3.5, linewidth=_width(index, len(measured)))  # fmt: skip
    axis.set(
        title="what truncation after k2 leaves right",
        xscale="log", xlabel="k2 (characters that gradients flow back)",
        ylabel="cosine of truncated to full gradient", ylim=(None, 1.02),
    )  # fmt: skip
    ticks = [row.k2 for row in measured[0].flow.truncations]
    axis.set_xticks(ticks, [str(k2) for k2 in ticks], minor=False)
    axis.minorticks_off()
    _plain(axis)


def _plain(axis: Any) -> None:
    axis.grid(True, which="major", color="#dddddd", linewidth=0.6)
    axis.spines[["top", "right"]].set_visible(False)
