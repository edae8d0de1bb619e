"""The three standard streams of a command, and what happens where one is gone.

stdin   DataError
stdout  ReaderGone where whoever read has left, else OutputError, once; then it takes everything
stderr  nothing: what cannot be told is not worth the work

What is for somebody's eyes is printed by `echo` and `say` alone; texts and models as they are,
which programs read, by `write` and `Output`. JSON has null for a number that is not finite.
"""

from __future__ import annotations

import io
import json
import os
import stat
import sys
from errno import EBADF, EIO, EPIPE
from math import isfinite
from typing import Any, TextIO

import click

from charrnn.errors import CharrnnError, DataError, printable


class ReaderGone(Exception):  # noqa: N818  (not an error: `| head` has read enough)
    """Nobody reads stdout any more."""


class OutputError(CharrnnError):
    """A result that stdout does not take: it is closed, or a disk is full."""

    exit_code = 4


def say(line: str) -> None:
    """A line on stderr, above a progress bar if there is one."""
    if (progress := sys.modules.get("tqdm")) is not None:
        progress.tqdm.write(printable(line), file=sys.stderr)
    else:
        echo(line, err=True)


class _Stream(io.FileIO):
    """A descriptor of 0, 1 and 2; `was_closed`: when the program began."""

    def __init__(self, number: int, was_closed: bool) -> None:
        super().__init__(number, "rb" if number == 0 else "wb", closefd=False)
        self._was_closed = was_closed
        # A terminal that was closed passes for none, and is a device still.
        self._is_device = stat.S_ISCHR(os.fstat(number).st_mode)

    def readinto(self, buffer: Any) -> int | None:
        try:
            self._require_open("stdin")
            return super().readinto(buffer)
        except OSError as error:
            what = f"cannot be read: {error.strerror}"
            raise DataError(what, where="-", then="name a file in place of stdin") from None

    def write(self, data: Any) -> int:
        try:
            self._require_open("stdout" if self.fileno() == 1 else "stderr")
            written = super().write(data)
        except OSError as error:
            # Not said again, nor at Python's exit: from here on it takes what it is given.
            self._was_closed = False
            _lead_nowhere(self.fileno())
            self._report(error)
            written = None
        return memoryview(data).nbytes if written is None else written

    def _require_open(self, name: str) -> None:
        if self._was_closed:
            raise OSError(EBADF, f"{name} is closed")

    def _report(self, error: OSError) -> None:
        if self.fileno() == 2:
            return
        if error.errno == EPIPE or (error.errno == EIO and self._is_device):
            raise ReaderGone
        raise OutputError(str(error.strerror), where="output")


def take_over() -> None:
    """Have the standard streams of this process behave as described above."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if os.name == "posix" and (stream is None or _leads_to(stream, number)):
            setattr(sys, name, _wrapped(number, stream))
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What the terminal's encoding lacks is shown as \ud800 and the like.
        sys.stdout.reconfigure(errors="backslashreplace")


def _leads_to(stream: TextIO, number: int) -> bool:
    """Whether it is the process's own, and not what a program or a test put in its place."""
    try:
        return stream in (sys.__stdin__, sys.__stdout__, sys.__stderr__) and (
            stream.fileno() == number
        )
    except (OSError, ValueError):  # it has no descriptor, or is closed
        return False


def _wrapped(number: int, stream: TextIO | None) -> TextIO:
    raw = _Stream(number, stream is None)
    encoding = "utf-8" if stream is None else stream.encoding
    if number == 0:
        errors = "strict" if stream is None else stream.errors
        return io.TextIOWrapper(io.BufferedReader(raw), encoding, errors)
    buffer = io.BufferedWriter(raw)
    return io.TextIOWrapper(buffer, encoding, "backslashreplace", line_buffering=True)


def _lead_nowhere(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


_HELD = 1 << 16  # characters


def echo(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print to stdout, or to stderr. What would act on a terminal, such as an escape in the name
    of a file, is shown and does not act.
    """
    click.echo(printable(str(text)), err=err, nl=nl)


def write(data: bytes) -> None:
    """Write to stdout at once. Raises ReaderGone or OutputError, see `cli.streams`."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def wants_colours() -> bool:
    """Whether stdout is a terminal that has colours, and NO_COLOR (no-color.org) is not set."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR"))


class Output:
    """Text for stdout, written in large pieces; what is held at an error is not."""

    def __init__(self, encoding: str = "utf-8") -> None:
        self._encoding, self._held, self._size = encoding, list[str](), 0

    def __call__(self, text: str, *, at_once: bool = False) -> None:
        self._held.append(text)
        self._size += len(text)
        if at_once or self._size >= _HELD:
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
