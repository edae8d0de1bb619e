"""What the figures share: one palette, one style, and the check that they can be drawn."""

from __future__ import annotations

from importlib import import_module
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


def plain(text: object) -> str:
    """A user's text as a label: no `$` begins mathematics, and it is in a legend whatever it is.

    matplotlib leaves out of a legend what begins with `_`, and stops at a lone surrogate.
    """
    shown = "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in str(text))
    return (" " if shown.startswith("_") else "") + shown.replace("$", r"\$")


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
    try:
        for module in ("matplotlib", "matplotlib.figure"):
            import_module(module)
    except Exception as error:  # one that is broken raises whatever it raises
        missing = isinstance(error, ModuleNotFoundError)
        raised = "" if missing else f" that works, and this one raises {type(error).__name__}"
        raise MissingExtraError(
            f"{argument(name)} needs matplotlib{raised} ({error})", then=install_command("plot")
        ) from None
