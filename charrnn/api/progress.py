"""Showing progress: the command line's, on a terminal or in a notebook."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from typing import Any

from tqdm import tqdm

from charrnn.api.arguments import one_of
from charrnn.report.terminal import Console
from charrnn.training.trainer import Trainer


@contextmanager
def display(trainer: Trainer, progress: Any) -> Iterator[list[Console]]:
    """What shows progress, closed at the end; none for False, or where "auto" sees nobody."""
    if not isinstance(progress, bool):
        one_of("progress", progress, ("auto",))
    bar = notebook_bar()
    if progress is False or (progress == "auto" and bar is None and not sys.stderr.isatty()):
        yield []
        return
    with closing(Console(trainer, 1, sys.stderr, bar)) as console:
        yield [console]


def notebook_bar() -> type[tqdm[Any]] | None:
    """The kind of bar for a notebook, a widget where ipywidgets is installed; None elsewhere."""
    shell = sys.modules.get("IPython")
    own = shell.get_ipython() if shell is not None else None
    if own is None or "IPKernelApp" not in getattr(own, "config", {}):
        return None
    if find_spec("ipywidgets") is None:
        return tqdm
    from tqdm.notebook import tqdm as widget

    return widget
