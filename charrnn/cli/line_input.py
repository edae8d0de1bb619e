"""Lines that are typed in a terminal, with a history of those before."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType

from charrnn.errors import DataError

VARIABLE, OFF = "CHARRNN_HISTORY", "off"
LINES = 1000  # kept


def read_line(prompt: str, *, remember: bool = True) -> str | None:
    """A line without its end, None at the end of input (Ctrl-D); one to `remember` is kept."""
    readline = _readline()
    try:
        if readline is not None:
            readline.set_auto_history(remember)
        return input(prompt)
    except EOFError:
        print()
        return None
    except UnicodeDecodeError:
        raise DataError(f"what was typed is not {sys.stdin.encoding}") from None


@contextmanager
def with_history(words: Iterable[str]) -> Iterator[None]:
    """Lines can be edited and called back, and Tab completes `words`, where readline is there."""
    readline = _readline()
    if readline is None:
        yield
        return
    known = sorted(words)
    readline.set_completer_delims(" ")
    readline.set_completer(
        lambda text, n: dict(enumerate(w for w in known if text and w.startswith(text))).get(n)
    )
    readline.parse_and_bind("tab: complete")
    path = history_file()
    readline.set_history_length(LINES)
    if path is not None:
        with suppress(OSError):
            readline.read_history_file(path)
    try:
        yield
    finally:
        if path is not None:
            with suppress(OSError):
                _keep(readline, path)


def history_file() -> Path | None:
    """$CHARRNN_HISTORY, or charrnn/history in the user's folder for state; None if it is "off"."""
    named = os.environ.get(VARIABLE)
    if named:
        return None if named == OFF else Path(named)
    home = os.environ.get("XDG_STATE_HOME")
    try:
        return Path(home or Path.home() / ".local" / "state") / "charrnn" / "history"
    except RuntimeError:  # the user has no home
        return None


def _keep(readline: ModuleType, path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600))
    readline.write_history_file(path)


def _readline() -> ModuleType | None:
    try:
        import readline
    except ImportError:  # Windows has none
        return None
    return readline
