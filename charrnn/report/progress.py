"""Bars: on a terminal one line that is renewed, in a log a plain line now and then."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO

from charrnn.errors import printable
from charrnn.runtime.progress import Done

if TYPE_CHECKING:
    from tqdm import tqdm

PATIENCE = 1.5  # seconds of work before a bar is drawn
RENEWED_EVERY = 0.5
FIRST_LINE, MOST_BETWEEN_LINES = 10.0, 60.0  # seconds, where there is no terminal
FORMAT, NARROW_FORMAT = "{percentage:3.0f}%|{bar:8}| {desc}", "{percentage:3.0f}% {desc}"
NARROW = 50  # columns, below which a bar would leave no room for what it is about


def make_bar(
    stream: TextIO, kind: type[tqdm[Any]] | None = None, initial: float = 0.0
) -> tqdm[Any] | None:
    """A bar over the shares from 0 to 1, of a `kind` for a notebook; None where a log is written.

    A terminal that does not tell its width is taken to have 80 columns.
    """
    if kind is not None:
        return kind(
            total=1.0, initial=initial, file=stream, leave=False,
            bar_format="{percentage:3.0f}%|{bar}| {desc}",
        )  # fmt: skip
    if not stream.isatty():
        return None
    from charrnn.report.bar import Bar, Sturdy

    known = columns(stream) is not None
    bar: tqdm[Any] = Bar(
        total=1.0, initial=initial, file=Sturdy(stream), leave=False, dynamic_ncols=known,
        ncols=None if known else 80, nrows=None if known else 24, bar_format=FORMAT,
    )  # fmt: skip
    return bar


def columns(stream: TextIO) -> int | None:
    """The width of a terminal, None where it is not told."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):  # it was closed
        return None


def fitting(fields: list[tuple[int, str]], room: int) -> str:
    """As many of the fields as have room, whole, in their order; the lowest numbers go first."""
    kept = list(fields)
    while kept and len("  ".join(text for _, text in kept)) > room:
        kept.remove(min(kept, key=lambda field: field[0]))
    return "  ".join(text for _, text in kept)


def show(bar: tqdm[Any], share: float, fields: list[tuple[int, str]]) -> None:
    """Renew the bar, with as many fields behind it as the terminal has room for."""
    width = bar.format_dict["ncols"]  # None in a notebook
    if width is not None:
        bar.bar_format = FORMAT if width >= NARROW else NARROW_FORMAT
        around = 15 if width >= NARROW else 5
    room = 10_000 if width is None else width - around
    bar.n = min(share, 1.0)
    bar.set_description_str(fitting(fields, room), refresh=False)
    bar.refresh()


def duration(seconds: float) -> str:
    """0:05, 12:34 or 1:02:03."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class Progress:
    """A listener of `runtime.progress` that shows what takes longer than `PATIENCE`.

    A thread of its own draws, so that work whose steps are long is seen too. A stream that fails
    is given up, and the work goes on.
    """

    def __init__(self, stream: TextIO | None, kind: type[tqdm[Any]] | None = None) -> None:
        self._stream, self._kind = stream, kind

    @contextmanager
    def __call__(self, what: str, total: float | None) -> Iterator[Done]:
        if self._stream is None:
            yield lambda amount=1, /: None
            return
        work = _Work(what, total, self._stream, self._kind)
        try:
            yield work.add
        finally:
            work.close()


class _Work:
    """One piece of work: `add` counts, a thread tells."""

    def __init__(
        self, what: str, total: float | None, stream: TextIO, kind: type[tqdm[Any]] | None
    ) -> None:
        self._what, self._total, self._stream, self._kind = printable(what), total, stream, kind
        self._done, self._began = 0.0, time.perf_counter()
        self._lock, self._over = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._tell, daemon=True)
        with suppress(RuntimeError):  # can't start new thread: then nothing is told
            self._thread.start()

    def add(self, amount: float = 1, /) -> None:
        with self._lock:
            self._done += amount

    def close(self) -> None:
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(1.0)  # a terminal that is held up holds up nothing else

    def _tell(self) -> None:
        with suppress(OSError, ValueError):  # a stream that is gone, or was closed
            if self._over.wait(PATIENCE):
                return
            if self._kind is not None or self._stream.isatty():
                self._renew()
            else:
                self._lines()

    def _renew(self) -> None:
        bar = make_bar(self._stream, self._kind)
        assert bar is not None
        try:
            while True:
                show(bar, self._share or 0.0, [(2, self._time()), (1, self._what)])
                if self._over.wait(RENEWED_EVERY):
                    break
        finally:
            bar.close()

    def _lines(self) -> None:
        pause = FIRST_LINE - PATIENCE
        while not self._over.wait(pause):
            share = "" if self._share is None else f"{self._share:.0%}, "
            print(f"{self._what}: {share}{self._time()}", file=self._stream, flush=True)
            pause = min(max(2 * pause, FIRST_LINE), MOST_BETWEEN_LINES)

    @property
    def _share(self) -> float | None:
        """What is done of it, where that is known."""
        return min(self._done / self._total, 1.0) if self._total else None

    def _time(self) -> str:
        """What is left, at the mean speed so far; where none is known, what it has taken."""
        seconds, share = time.perf_counter() - self._began, self._share
        if not share:
            return f"{duration(seconds)} so far"
        return f"{duration(seconds * (1 - share) / share)} left"
