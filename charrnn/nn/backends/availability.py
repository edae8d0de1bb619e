"""Whether the compiled loops can be used here. Nothing is imported before it is asked."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec

from charrnn.errors import notice

_PACKAGE = "charrnn.nn.backends.compiled"


def has_numba() -> bool:
    """Whether the extra `fast` is there, without importing it."""
    return find_spec("numba") is not None


@cache
def import_problem() -> Exception | None:
    """What importing the compiled loops raises; None where they can be used.

    A Numba that was built for another NumPy, or whose llvmlite has lost its library, raises
    whatever it raises: ImportError, OSError, AttributeError, SystemError.
    """
    try:
        import_module(_PACKAGE)
    except Exception as error:
        return error
    return None


@cache
def has_compiled() -> bool:
    """Whether the compiled loops can be used; where Numba is there and broken, one notice says so.

    Imports Numba where it is installed.
    """
    if not has_numba():
        return False
    error = import_problem()
    if error is not None:
        notice(
            f"Numba is installed and cannot be used ({type(error).__name__}: {error}): NumPy "
            "does its work, more slowly"
        )
    return error is None
