"""A curve in one line of text."""

from __future__ import annotations

from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int = 24) -> str:
    """A bar for each value between the lowest and the highest; of many, `width` spread evenly."""
    if len(values) > width:
        values = [values[round(i * (len(values) - 1) / (width - 1))] for i in range(width)]
    low, high = min(values), max(values)
    top = len(BARS) - 1
    return "".join(BARS[round(top * (v - low) / (high - low)) if high > low else 0] for v in values)
