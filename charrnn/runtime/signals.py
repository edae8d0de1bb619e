"""SIGINT, SIGTERM and SIGHUP ask the loop to stop and save; a second one stops at once."""

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
    """A context in which the signals set `requested`, and a second one ends the process at once.

    After it they do what they did before; if one was heeded they do nothing, since all is saved.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.number, self._quiet = 0, quiet
        self._before: dict[int, Any] = {}

    @property
    def requested(self) -> bool:
        return self.number != 0

    @property
    def asked(self) -> bool:
        """Whether this process was asked, of several that train together."""
        return self.requested

    def __enter__(self) -> StopSignal:
        for number in SIGNALS:
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_IGN if self.requested else handler)

    def _note(self, number: int, _: FrameType | None) -> None:
        if self.requested:
            os._exit(128 + number)
        self.number = number
        if self._quiet:
            return
        with contextlib.suppress(OSError):
            os.write(2, b"\nstopping, then saving; once more to stop at once\n")
