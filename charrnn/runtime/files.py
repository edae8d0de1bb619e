"""Opening files that somebody else may have made: regular files alone, within a bound.

A FIFO without a writer never opens, a device never ends, and a link in a run's folder may lead
anywhere. What is not a regular file is refused before a byte of it is read or written.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

# Without O_NONBLOCK the system waits for whoever opens the other end of a FIFO.
_READ = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
_WRITE = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
NO_LINKS = getattr(os, "O_NOFOLLOW", 0)


@contextmanager
def open_regular(path: Path, flags: int = 0) -> Iterator[BinaryIO]:
    """A regular file for reading. Raises OSError, also for a folder, a device or a pipe.

    `flags`: more of os.open, such as `NO_LINKS`.
    """
    with open(_regular(path, _READ | flags), "rb") as file:
        yield file


def read_regular(path: Path, most: int | None = None) -> bytes:
    """All of a regular file. Raises OSError; EFBIG where it has more than `most` bytes."""
    with open_regular(path) as file:
        if most is None:
            return file.read()
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"is larger than {most:,} bytes", str(path))
    return data


def open_for_writing(path: Path, flags: int) -> int:
    """The descriptor of a regular file that is written in place; no link is followed.

    `flags`: of os.open. Raises OSError, ELOOP for a link.
    """
    if not NO_LINKS and path.is_symlink():
        raise OSError(errno.ELOOP, "is a link", str(path))
    try:
        return _regular(path, flags | _WRITE)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "is a link", str(path)) from None
        raise


def _regular(path: Path, flags: int) -> int:
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a FIFO that nobody reads, or a socket
            raise _not_regular(path) from None
        raise
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise _not_regular(path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _not_regular(path: Path) -> OSError:
    return OSError(errno.ENXIO, "is a pipe or a device, not a file", str(path))
