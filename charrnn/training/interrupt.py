"""SIGINT, SIGTERM and SIGHUP ask the loop to stop after the step; a second one stops at once."""

from __future__ import annotations

import contextlib
import os
import signal
from types import FrameType
from typing import Any

SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class StopSignal:
    """A context in which the signals set `requested`; outside it they do what they did before."""

    def __init__(self) -> None:
        self.number = 0
        self._before: dict[int, Any] = {}

    @property
    def requested(self) -> bool:
        return self.number != 0

    def __enter__(self) -> StopSignal:
        for number in SIGNALS:
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _note(self, number: int, _: FrameType | None) -> None:
        self.number = number
        self._restore()
        with contextlib.suppress(OSError):
            os.write(2, b"\nfinishing the step, then saving; once more to stop at once\n")

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
