"""Stopping from within a program that goes on afterwards: a notebook above all."""

from __future__ import annotations

import signal
import threading
from types import FrameType

from charrnn.runtime.signals import SIGNALS, StopSignal


class Stop(StopSignal):
    """As on the command line, but it leaves the program as it was.

    The first Ctrl-C asks the loop to save and end, a second raises KeyboardInterrupt; SIGTERM and
    SIGHUP are passed on when all is saved. Only the main thread may set handlers; in another,
    `wanted` is how to stop. Handlers are set between `with` and its end.
    """

    def __init__(self, wanted: threading.Event | None = None) -> None:
        super().__init__()
        self.wanted = wanted or threading.Event()

    @property
    def requested(self) -> bool:
        return self.number != 0 or self.wanted.is_set()

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                # What is ignored, as under nohup, or is not Python's own, stays.
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()
        if self.number not in (0, signal.SIGINT):
            signal.raise_signal(self.number)

    def _note(self, number: int, _: FrameType | None) -> None:
        if self.number:
            raise KeyboardInterrupt
        self.number = number
