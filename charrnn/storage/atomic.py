"""Files that are either the old or the new content, never something between."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from charrnn.errors import CheckpointError, argument
from charrnn.runtime.files import open_for_writing

_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_NO_SYNC_HERE = (errno.EINVAL, errno.ENOTSUP)
_PIECE = 1 << 20  # bytes
_MOST_OF_NAME = 40  # characters of a temporary name, at most four bytes each
_STALE = 86_400  # seconds after which no writer is still at work


def write_atomically(path: Path, data: bytes) -> None:
    """Temporary file, fsync, rename, fsync of the folder. Raises CheckpointError, file intact."""
    write_pieces_atomically(path, [data])


def write_pieces_atomically(path: Path, pieces: Iterable[bytes]) -> None:
    """The same of a content that is not held at once."""
    try:
        with _replacing(path, 0o666) as file:
            for data in _gathered(pieces):
                write_all(file.fileno(), data)
            os.fsync(file.fileno())
        sync_folder(path.parent)
    except OSError as error:
        raise unwritable(error, path) from None


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces that are worth a call of the system."""
    held, size = list[bytes](), 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _PIECE:
            yield b"".join(held)
            held, size = [], 0
    if size:
        yield b"".join(held)


@contextlib.contextmanager
def replacing_cached(path: Path) -> Iterator[IO[bytes]]:
    """A new file that takes the name `path` at the end, if there is no error. Raises OSError.

    For the user's eyes alone, and not made durable. Whoever writes the same name at the same time
    has a file of their own; the last one stays.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    remove_leftovers(path.parent, older_than=_STALE)
    with _replacing(path, 0o600) as file:
        yield file


@contextlib.contextmanager
def _replacing(path: Path, mode: int) -> Iterator[IO[bytes]]:
    # As long as it may be, whatever the length of the name itself.
    temporary = path.with_name(f".{path.name[:_MOST_OF_NAME]}.{secrets.token_hex(4)}.tmp")
    try:
        with open(os.open(temporary, _NEW, mode), "w+b") as file:
            yield file
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def remove_leftovers(folder: Path, older_than: float = 0.0) -> None:
    """Remove the temporary files of writers that were killed; `older_than` so many seconds."""
    for leftover in folder.glob(".*.tmp"):
        with contextlib.suppress(OSError):
            if not older_than or leftover.stat().st_mtime < time.time() - older_than:
                leftover.unlink()


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte, however few the system takes at a time. Raises OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync_folder(folder: Path) -> None:
    """Make a new name in the folder durable, where the system can. Raises OSError."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC_HERE:
            raise
    finally:
        os.close(descriptor)


def unwritable(error: OSError, path: Path) -> CheckpointError:
    """The error where a run's file cannot be written."""
    return CheckpointError(
        f"cannot be written: {error.strerror or error}",
        where=str(path),
        then=f"make room, or the folder writable, then continue with {argument('resume')}; "
        "what was saved before is intact",
    )


_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND


class AppendedFile:
    """A file opened for appending, which must be no link.

    Every method raises CheckpointError if the disk will not.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._descriptor = open_for_writing(path, _APPEND)
            sync_folder(path.parent)
        except OSError as error:
            raise unwritable(error, path) from None

    def append(self, piece: bytes) -> None:
        try:
            write_all(self._descriptor, piece)
        except OSError as error:
            raise unwritable(error, self._path) from None

    def sync(self) -> None:
        """Return when all that was appended is on the disk."""
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise unwritable(error, self._path) from None

    def close(self) -> None:
        os.close(self._descriptor)
