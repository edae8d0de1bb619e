"""The folder where large texts are kept as ids."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from pathlib import Path

VARIABLE = "CHARRNN_CACHE"
OFF = "off"


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


def require_own(folder: Path) -> None:
    """Make the folder, so that nobody else can write in it. Raises OSError where it is not ours.

    Whoever can write there chooses what a model is trained on.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name != "posix":
        return
    facts = folder.stat()
    if facts.st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, "it belongs to another user", str(folder))
    if facts.st_mode & 0o022:
        folder.chmod(0o700)
