"""Files that grow by whole pieces: each is handed to the system at once, and nothing is held back.

A piece can still be cut off by a full disk or a crash; who reads the file drops what is not whole.
"""

from __future__ import annotations

import os
from pathlib import Path

from charrnn.files import open_for_writing
from charrnn.storage.atomic import sync_folder, unwritable, write_all

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
