"""How far work is that takes a while. Whoever works says so, whoever began it decides who hears.

    with working("gradients of the model", total=len(arrays)) as done:
        for array in arrays:
            ...
            done()

Nobody hears unless a listener is named: the command line names one that draws bars on stderr. So
no function between the two has to hand it on. No result depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

Item = TypeVar("Item")


class Done(Protocol):
    """Takes how much more of the total is done; safe to call from several threads."""

    def __call__(self, amount: float = 1, /) -> Any: ...


# What is worked at and its total, None where nobody knows it → what is told how much is done.
Listener = Callable[[str, float | None], AbstractContextManager[Done]]
_listener: ContextVar[Listener | None] = ContextVar("progress", default=None)


@contextmanager
def listening(listener: Listener | None) -> Iterator[None]:
    """Have all work within told to `listener`, or to nobody."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def working(what: str, total: float | None = None) -> Iterator[Done]:
    """`what` is worked at within, and is over after `total` of anything; None: nobody knows."""
    listener = _listener.get()
    if listener is None:
        yield _unheard
        return
    with listener(what, total) as done:
        yield done


def counted(items: Iterable[Item], what: str, total: float | None) -> Iterator[Item]:
    """The items, each counted as done once the next one is asked for."""
    with working(what, total) as done:
        for item in items:
            yield item
            done()


def _unheard(amount: float = 1, /) -> None:
    pass
