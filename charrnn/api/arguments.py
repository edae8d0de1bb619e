"""Values that a caller gives, and how they are spelled where they were given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, isfinite
from typing import Any

from charrnn.errors import UsageError

# The name of a parameter as the user wrote it: `top_k`, or `--top-k`.
Spelled = Callable[[str], str]


def in_range(
    name: str, value: Any, low: float, high: float | None = None, *, whole: bool = False,
    above: bool = False,
) -> None:  # fmt: skip
    """UsageError unless `value` is None or a number from `low` (`above`: more) to `high`."""
    if value is None:
        return
    number = _is_number(value, whole=whole)
    if number and low <= value <= (inf if high is None else high) and not (above and value == low):
        return
    kind = "a whole number" if whole else "a finite number"
    least = f"{'above' if above else 'at least'} {low:g}"
    most = "" if high is None else f" and at most {high:g}"
    raise UsageError(f"{value!r} is not {kind} {least}{most}", where=name)


def _is_number(value: Any, *, whole: bool) -> bool:
    if isinstance(value, bool):
        return False
    try:
        return int(value) == value if whole else isfinite(value)
    except (TypeError, ValueError, OverflowError):
        return False


def one_of(name: str, value: Any, choices: Sequence[str]) -> None:
    """UsageError unless `value` is one of the choices."""
    if value not in choices:
        raise UsageError(f"{value!r} is none of {', '.join(choices)}", where=name)
