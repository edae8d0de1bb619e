"""A curve in one line of text."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, log10
from typing import Any

BARS = "▁▂▃▄▅▆▇█"
WIDTH, FEWEST = 24, 8  # bars of a loss curve, and of norms by lag
DECADES = 6  # from a full bar to an empty one, where they are logarithmic


def sparkline(values: Sequence[float], width: int = WIDTH) -> str:
    """A bar for each value between the lowest and the highest; of many, `width` spread evenly."""
    values = _spread(values, width)
    low, high = min(values), max(values)
    return "".join(_bar((v - low) / (high - low) if high > low else 0.0) for v in values)


def decades(values: Any) -> str:
    """The same for positive values, by their logarithms: empty is 10^-6 of the largest or less."""
    top = max((x for x in values if isfinite(x)), default=0.0) or 1.0
    shares = [min(x / top, 1.0) for x in _spread(values, FEWEST)]
    return "".join(_bar(1 + log10(s) / DECADES if s > 10.0**-DECADES else 0.0) for s in shares)


def _spread(values: Any, width: int) -> list[float]:
    if len(values) <= width:
        return list(values)
    return [values[round(i * (len(values) - 1) / (width - 1))] for i in range(width)]


def _bar(share: float) -> str:
    return BARS[round(share * (len(BARS) - 1))]
