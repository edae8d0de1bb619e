"""What the figures share: one palette, one style, and the check that they can be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from math import isfinite, log10
from pathlib import Path
from typing import Any

from charrnn.errors import MissingExtraError, UsageError, argument
from charrnn.runtime.installation import install_command

SUFFIXES = (".png", ".pdf", ".svg")
# Okabe & Ito (2008), told apart by people with any kind of colour vision; black last, yellow left
# out.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DPI = 150


def colour(index: int) -> str:
    """The colour of the curve with this number; they repeat after seven."""
    return COLOURS[index % len(COLOURS)]


def plain(text: object) -> str:
    """A user's text as a label: no `$` begins mathematics, and it is in a legend whatever it is.

    matplotlib leaves out of a legend what begins with `_`, and stops at a lone surrogate.
    """
    shown = "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in str(text))
    return (" " if shown.startswith("_") else "") + shown.replace("$", r"\$")


def require_drawable(path: Path, name: str) -> None:
    """Raise before anything is measured if a figure cannot be drawn to `path`.

    `name`: the argument that gave it. MissingExtraError without matplotlib, UsageError for a name
    that is no picture's, or a folder that is not there.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"a picture is written as {', '.join(SUFFIXES)}", where=argument(name, path)
        )
    if not path.parent.is_dir():
        raise UsageError("its folder does not exist", where=argument(name, path))
    try:
        for module in ("matplotlib", "matplotlib.figure"):
            import_module(module)
    except Exception as error:  # one that is broken raises whatever it raises
        missing = isinstance(error, ModuleNotFoundError)
        raised = "" if missing else f" that works, and this one raises {type(error).__name__}"
        raise MissingExtraError(
            f"{argument(name)} needs matplotlib{raised} ({error})", then=install_command("plot")
        ) from None


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
