"""Signals that ask training to stop and save: SIGINT, SIGTERM and SIGHUP."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import Any

SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
_URGENT = (signal.SIGINT, signal.SIGTERM)  # a second one of these ends the process at once


class StopSignal:
    """A context in which the first signal sets `requested`; setting `wanted` does so too.

    A signal that is ignored stays ignored: so `nohup`, and a script's background job, want it.

    A program that ends afterwards: a second Ctrl-C or SIGTERM ends the process at once, and after
    the context a signal that was received is ignored, since all is saved. A terminal that closes
    sends SIGHUP more than once, and a service manager after SIGTERM: these hurry nothing.

    `embedded`, a program that continues, a notebook above all: a second signal raises
    KeyboardInterrupt. After the context the handlers are what they were, and SIGTERM and SIGHUP
    are passed on. Only the main thread may set handlers; in another, `wanted` is how to stop.
    `numbers`: the signals, if not all three.
    """

    def __init__(
        self,
        *,
        embedded: bool = False,
        quiet: bool = False,
        wanted: threading.Event | None = None,
        numbers: Sequence[int] = SIGNALS,
    ) -> None:
        self.number = 0  # the signal, 0 for none
        self.wanted = wanted or threading.Event()
        self._embedded, self._quiet = embedded, quiet or embedded
        self._numbers, self._before = numbers, dict[int, Any]()
        self._hurried = False  # whether one of _URGENT was received

    @property
    def requested(self) -> bool:
        return self.number != 0 or self.wanted.is_set()

    def __enter__(self) -> StopSignal:
        if self._embedded and threading.current_thread() is not threading.main_thread():
            return self
        for number in self._numbers:
            # None: a handler that is not Python's own.
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
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
        if self.number:
            if number in _URGENT:
                self._insist(number)
            return
        self.number = number
        self._hurried = number in _URGENT
        if not self._quiet:
            with contextlib.suppress(OSError):
                os.write(2, b"\nstopping, then saving; once more to stop at once\n")

    def _insist(self, number: int) -> None:
        """The second of those that a user sends."""
        if not self._hurried:
            self._hurried = True
        elif self._embedded:
            raise KeyboardInterrupt
        else:
            os._exit(128 + number)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, but end the process where a module is imported: there is nothing to
    put away, and an import may take the exception for a failure of its own, or show it.
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            os._exit(128 + number)
        frame = frame.f_back
    raise KeyboardInterrupt


def leave_if_interrupted(what: sys.UnraisableHookArgs) -> None:
    """For `sys.unraisablehook`: a Ctrl-C in a finaliser or a callback from C."""
    if issubclass(what.exc_type, KeyboardInterrupt):
        os._exit(128 + signal.SIGINT)
    sys.__unraisablehook__(what)
