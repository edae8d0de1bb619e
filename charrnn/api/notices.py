"""What a user should know and is no error: a warning in Python, a line on the command line."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

from charrnn.errors import render

PACKAGE = str(Path(__file__).parent.parent) + os.sep


class Notice(UserWarning):
    """Something worth knowing about a text, a configuration or a run."""


def notice(text: str) -> None:
    """Warn at the line of the caller's own code."""
    depth, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        depth, frame = depth + 1, frame.f_back
    warnings.warn(render(text), Notice, stacklevel=depth)
