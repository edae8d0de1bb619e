"""The folder where large texts are kept as ids, and files that appear in it whole or not at all."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

VARIABLE = "CHARRNN_CACHE"
OFF = "off"
_ABANDONED = 86_400  # seconds


def cache_folder() -> Path | None:
    """$CHARRNN_CACHE, or charrnn/ in the user's folder for caches; None where it is "off"."""
    named = os.environ.get(VARIABLE)
    if named:
        return None if named == OFF else Path(named)
    if sys.platform == "win32":
        home = os.environ.get("LOCALAPPDATA")
    else:
        home = os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(home or Path.home() / ".cache") / "charrnn"
    except RuntimeError:  # the user has no home
        return Path(tempfile.gettempdir()) / "charrnn"


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A new file that takes the name `path` at the end, if there is no error. Raises OSError.

    Whoever writes the same name at the same time has a file of their own; the last one stays.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _remove_abandoned(path.parent)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with open(descriptor, "w+b") as file:
            yield file
        os.replace(name, path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(name)


def _remove_abandoned(folder: Path) -> None:
    """Remove what a writer that was killed has left."""
    for path in folder.glob(".*.tmp"):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < time.time() - _ABANDONED:
                path.unlink()
