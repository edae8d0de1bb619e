"""Writing results to stdout, and numbers that may not be finite."""

from __future__ import annotations

import json
import sys
from math import isfinite
from typing import Any

_HELD = 1 << 16  # characters


def write(data: bytes) -> None:
    """Write to stdout at once. Raises ReaderGone or OutputError, see `cli.streams`."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


class Output:
    """Text for stdout, written in large pieces; what is held at an error is not."""

    def __init__(self, encoding: str = "utf-8") -> None:
        self._encoding, self._held, self._size = encoding, list[str](), 0

    def __call__(self, text: str) -> None:
        self._held.append(text)
        self._size += len(text)
        if self._size >= _HELD:
            self._write()

    def __enter__(self) -> Output:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind is None:
            self._write()

    def _write(self) -> None:
        text = "".join(self._held)
        self._held, self._size = [], 0
        write(text.encode(self._encoding, "backslashreplace"))


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
