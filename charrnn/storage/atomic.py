"""Files that are either the old or the new content, never something between."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from charrnn.errors import CheckpointError

_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
_NO_SYNC_HERE = (errno.EINVAL, errno.ENOTSUP)


def write_atomically(path: Path, data: bytes) -> None:
    """Temporary file, fsync, rename, fsync of the folder. Raises CheckpointError, file intact."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        _write_durably(temporary, data)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        raise unwritable(error, path) from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of writers that were killed."""
    for leftover in folder.glob(".*.tmp"):
        with contextlib.suppress(OSError):
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
    """What the user is told where a run's file cannot be written."""
    return CheckpointError(
        f"cannot be written: {error.strerror or error}",
        where=str(path),
        then="make room, or the folder writable, then go on with --resume; "
        "what was saved before is intact",
    )


def _write_durably(path: Path, data: bytes) -> None:
    descriptor = os.open(path, _NEW, 0o666)
    try:
        write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
