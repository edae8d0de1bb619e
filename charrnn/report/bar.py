"""The bar itself, apart from what decides whether there is one: tqdm is slow to import."""

from __future__ import annotations

from contextlib import suppress

from tqdm import tqdm
from tqdm.utils import ObjectWrapper


class Bar(tqdm):  # type: ignore[type-arg]
    """A bar without the thread that tqdm has to draw one that is late: we draw it ourselves."""

    monitor_interval = 0


class Sturdy(ObjectWrapper):
    """A stream whose errors are nobody's: tqdm keeps its lock where one is raised, and would hold
    up every thread that draws afterwards.
    """

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._wrapped.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._wrapped.flush()

    def __eq__(self, other: object) -> bool:
        return bool(self._wrapped == getattr(other, "_wrapped", other))

    def __hash__(self) -> int:
        return hash(self._wrapped)
