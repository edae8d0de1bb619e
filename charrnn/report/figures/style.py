"""What the figures share: one palette, one style, and the check that they can be drawn."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from charrnn.errors import MissingExtraError, UsageError, argument
from charrnn.runtime.installation import install_command

SUFFIXES = (".png", ".pdf", ".svg")
# Okabe & Ito (2008), told apart by people with any kind of colour vision; black last, yellow left
# out.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DPI = 150


def colour(index: int) -> str:
    """The colour of the curve with this number; they repeat after seven."""
    return COLOURS[index % len(COLOURS)]


def require_drawable(path: Path, name: str) -> None:
    """Raise before anything is measured if a figure cannot be drawn to `path`.

    `name`: the argument that gave it. MissingExtraError without matplotlib, UsageError for a name
    that is no picture's, or a folder that is not there.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"a picture is written as {', '.join(SUFFIXES)}", where=argument(name, path)
        )
    if not path.parent.is_dir():
        raise UsageError("its folder does not exist", where=argument(name, path))
    if find_spec("matplotlib") is None:
        raise MissingExtraError(f"{argument(name)} needs matplotlib", then=install_command("plot"))
