"""What a user is shown: progress on a terminal or in a notebook, tables, and what takes a while."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from html import escape
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from charrnn import build
from charrnn.api.arguments import one_of
from charrnn.errors import argument, notice
from charrnn.nn.network import Network
from charrnn.runtime.progress import working

if TYPE_CHECKING:
    from tqdm import tqdm

    from charrnn.report.terminal import Console
    from charrnn.training.trainer import Trainer

Progress = Literal["auto", "verbose"] | bool
PATIENCE = 1.5  # seconds; kernels that were compiled before are loaded in less
COMPILING = "compiling the fast kernels for this processor: once, and kept for later runs"


def require_progress(progress: Progress) -> None:
    """Raise UsageError for what is no way to show it."""
    if not isinstance(progress, bool):
        one_of(argument("progress"), progress, ("auto", "verbose"))


@contextmanager
def display(trainer: Trainer, progress: Progress) -> Iterator[list[Console]]:
    """What shows progress, closed at the end; none for False, or where "auto" sees nobody."""
    bar = notebook_bar()
    if (
        progress is False
        or sys.stderr is None
        or (progress == "auto" and bar is None and not sys.stderr.isatty())
    ):
        yield []
        return
    from charrnn.report.terminal import Console

    verbosity = 2 if progress == "verbose" else 1
    with closing(Console(trainer, verbosity, sys.stderr, bar)) as console:
        yield [console]


def notebook_bar() -> type[tqdm[Any]] | None:
    """The kind of bar for a notebook, a widget where ipywidgets is installed; None elsewhere."""
    shell = sys.modules.get("IPython")
    own = shell.get_ipython() if shell is not None else None
    if own is None or "IPKernelApp" not in getattr(own, "config", {}):
        return None
    if find_spec("ipywidgets") is None:
        from tqdm import tqdm as line

        return line
    from tqdm.notebook import tqdm as widget

    return widget


def prepare(
    network: Network, tell: Callable[[str], None] = notice, *, learning: bool = True
) -> None:
    """Compile or load the network's kernels, and say so where it takes a while."""
    if network.backend.name != "numba":
        return
    timer = threading.Timer(PATIENCE, tell, [COMPILING])
    timer.daemon = True
    try:
        with suppress(RuntimeError):  # can't start new thread: then nothing is said
            timer.start()
        with working("compiling"):
            build.warm_up(network, learning=learning)
    finally:
        timer.cancel()


def table(title: str, facts: Mapping[str, str]) -> str:
    """A heading and a table of two columns, as HTML for a notebook."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th>"
        f"<td style='text-align:left'>{escape(value)}</td></tr>"
        for name, value in facts.items()
    )
    return f"<table><caption>{escape(title)}</caption>{rows}</table>"
