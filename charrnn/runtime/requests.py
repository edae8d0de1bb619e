"""What is asked of a program while it works: by SIGUSR1, or by Enter on its terminal.

The terminal stays as it is, so that there is nothing to restore. Of what was typed only an empty
line is read: the next command, typed ahead, is left to the shell. A process in the background, or
one whose stdin is no terminal, reads nothing. Windows has no SIGUSR1, and Enter alone.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

if sys.platform == "win32":
    import msvcrt
else:
    import array
    import fcntl
    import termios

EMPTY_LINES = 2  # characters: Enter, once or twice


class Requests:
    """A context in which `taken` says whether somebody asked since the last time.

    SIGUSR1, which would end the process, is handled within and afterwards what it was. Only the
    main thread may do that.
    """

    def __init__(self) -> None:
        self._asked = False
        self._before: Any = None

    def __enter__(self) -> Requests:
        if hasattr(signal, "SIGUSR1") and threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGUSR1, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGUSR1, self._before)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self._asked = True

    def taken(self) -> bool:
        """Whether it was asked for; asked once, it is taken once."""
        asked, self._asked = self._asked or enter_was_pressed(), False
        return asked


def reads_keys() -> bool:
    """Whether Enter on a terminal reaches this process."""
    try:
        descriptor = sys.stdin.fileno()
        if sys.platform == "win32":
            return os.isatty(descriptor)
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except (OSError, ValueError, AttributeError):  # no terminal, or stdin is closed
        return False


def enter_was_pressed() -> bool:
    """Whether an empty line waits on the terminal; it is read."""
    if not reads_keys():
        return False
    if sys.platform == "win32":
        return msvcrt.kbhit() and msvcrt.getwch() == "\r"
    try:
        waiting = array.array("i", [0])
        fcntl.ioctl(sys.stdin.fileno(), termios.FIONREAD, waiting)
        if not 1 <= waiting[0] <= EMPTY_LINES:
            return False
        return not os.read(sys.stdin.fileno(), waiting[0]).strip()
    except OSError:
        return False
