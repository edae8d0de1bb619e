"""Writing results to stdout, where the reader may have gone or a number may not be finite."""

from __future__ import annotations

import json
import sys
from errno import EBADF
from math import isfinite
from typing import Any


class ReaderGone(Exception):  # noqa: N818  (not an error: `| head` has read enough)
    """Nobody reads stdout any more. (click takes a BrokenPipeError for a failure.)"""


def write(data: bytes) -> None:
    """Write to stdout at once."""
    if sys.stdout is None:
        raise OSError(EBADF, "stdout is closed")
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise ReaderGone from None


def to_json(value: Any) -> str:
    """JSON in which a number that is not finite is null."""
    return json.dumps(_finite(value), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
