"""Signals that ask training to stop and save: SIGINT, SIGTERM and SIGHUP."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from types import FrameType
from typing import Any

SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class StopSignal:
    """A context in which the first signal sets `requested`; setting `wanted` does so too.

    A program that ends afterwards: a second signal ends the process at once, and after the context
    a signal that was received is ignored, since all is saved.

    `embedded`, a program that continues, a notebook above all: a second signal raises
    KeyboardInterrupt. After the context the handlers are what they were, and SIGTERM and SIGHUP
    are passed on. Only the main thread may set handlers; in another, `wanted` is how to stop.
    """

    def __init__(
        self, *, embedded: bool = False, quiet: bool = False, wanted: threading.Event | None = None
    ) -> None:
        self.number = 0  # the signal, 0 for none
        self.wanted = wanted or threading.Event()
        self._embedded, self._quiet = embedded, quiet or embedded
        self._before: dict[int, Any] = {}

    @property
    def requested(self) -> bool:
        return self.number != 0 or self.wanted.is_set()

    def __enter__(self) -> StopSignal:
        if self._embedded and threading.current_thread() is not threading.main_thread():
            return self
        for number in SIGNALS:
            # What is ignored, as under nohup, or is not Python's own, stays in a program's hands.
            if not self._embedded or signal.getsignal(number) not in (signal.SIG_IGN, None):
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        ignore = self.number != 0 and not self._embedded
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_IGN if ignore else handler)
        self._before.clear()
        if self._embedded and self.number not in (0, signal.SIGINT):
            signal.raise_signal(self.number)

    def _receive(self, number: int, _: FrameType | None) -> None:
        if self.number and self._embedded:
            raise KeyboardInterrupt
        if self.number:
            os._exit(128 + number)
        self.number = number
        if not self._quiet:
            with contextlib.suppress(OSError):
                os.write(2, b"\nstopping, then saving; once more to stop at once\n")
