"""The folder where large texts are kept as ids."""

from __future__ import annotations

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
