"""Every error a user can cause or meet: what happened, where, and what to do next; and notices.

CharrnnError
├── CheckFailedError      1  a gradient or another check did not hold
├── UsageError            2  an argument or an option
│   └── ConfigError       2  a YAML file or a setting
├── DataError             3  a text: missing, empty, undecodable, unknown characters
├── CheckpointError       4  a run or checkpoint: missing, damaged, in use, not writable
├── DivergenceError       5  a loss or gradient that is not finite
├── MissingExtraError     6  an optional dependency that is not installed
└── InterruptedRunError   129 / 130 / 143  a signal, after saving

A message names an argument by a reference, which `argument`, `settings` and `call` make, and which
is text as any other. Python shows it as `top_k`; the command line, which renders the same message
by a spelling of its own, as `--top-k`. No module below the command line knows an option's name.
"""

from __future__ import annotations

import json
import os
import re
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

_PACKAGE = str(Path(__file__).parent) + os.sep

# A reference stands in a message as JSON, which escapes both of these characters.
_OPEN, _CLOSE = "\x02", "\x03"
# Controls but tab and line feed, bidirectional marks, line separators, and half characters.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_REFERENCE = re.compile(f"{_OPEN}([^{_CLOSE}]*){_CLOSE}")


class Reference(NamedTuple):
    """An argument's `name` alone; or arguments with their values; or, with `function`, a call."""

    name: str = ""
    function: str = ""
    positional: Sequence[Any] = ()
    arguments: Mapping[str, Any] = MappingProxyType({})


Spelling = Callable[[Reference], str]


def argument(name: str, *value: Any) -> str:
    """The argument of the function that was called: `top_k`, or with its value `top_k=0`."""
    return _marked(Reference(arguments={name: value[0]}) if value else Reference(name))


def settings(keys: Mapping[str, Any]) -> str:
    """Configuration keys to be set: `settings={"data.unit": "byte"}`."""
    return argument("settings", dict(keys))


def call(function: str, *positional: Any, **arguments: Any) -> str:
    """A function of `charrnn` to be called, most of which are commands too.

    >>> render(call("resume", "runs/a", steps=100))
    'charrnn.resume("runs/a", steps=100)'
    """
    return _marked(Reference("", function, list(positional), arguments))


def in_python(reference: Reference) -> str:
    """How a reference is written in Python."""
    if reference.name:
        return reference.name
    values = [_literal(value) for value in reference.positional]
    values += [f"{name}={_literal(value)}" for name, value in reference.arguments.items()]
    listed = ", ".join(values)
    return f"charrnn.{reference.function}({listed})" if reference.function else listed


def render(message: str, spelling: Spelling = in_python) -> str:
    """A message with its references spelled out."""

    def spelled(found: re.Match[str]) -> str:
        try:
            return spelling(Reference(**json.loads(found[1])))
        except (ValueError, TypeError):  # a user's text that happens to have both characters
            return found[0]

    return printable(_REFERENCE.sub(spelled, message))


def printable(text: str) -> str:
    """A text that may come from a file, for a terminal: what moves its cursor, changes colours or
    turns the order of writing is shown as an escape, such as \\x1b.
    """
    return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)


def shortened(items: Sequence[str], most: int, count: int | None = None) -> list[str]:
    """The first `most`, and how many more there are; `count`: of how many these are the first.

    >>> ", ".join(shortened("abcdef", 3))
    'a, b, c, … and 3 more'
    """
    left = (count or len(items)) - min(len(items), most)
    return [*items[:most], *([f"… and {left:,} more"] if left else [])]


def _marked(reference: Reference) -> str:
    values = reference._asdict() | {"arguments": dict(reference.arguments)}
    return f"{_OPEN}{json.dumps(values, default=str)}{_CLOSE}"


def _literal(value: Any) -> str:
    """A value in Python, its strings in double quotes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_literal(k)}: {_literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


class CharrnnError(Exception):
    """Base of the tree; `exit_code` is what the command line returns.

    `what`, `where` and `then` may hold references, which `str` shows as Python has them.
    """

    exit_code = 2

    def __init__(self, what: str, *, where: str | None = None, then: str | None = None) -> None:
        super().__init__(what)
        self.what, self.where, self.then = what, where, then

    @property
    def message(self) -> str:
        """`where: what`, and below it what to do next, with the references as they are."""
        # A file's name may have line ends, and would look like a message of its own.
        place = f"{self.where}: ".replace("\n", "\\n") if self.where else ""
        advice = f"\n  {self.then}" if self.then else ""
        return f"{place}{self.what}{advice}"

    def __str__(self) -> str:
        return render(self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        # Not by __init__, whose arguments a subclass may choose: a pool that cannot unpickle the
        # error of a worker waits for ever.
        return _unpickled, (type(self), self.args), self.__dict__


def _unpickled(kind: type[CharrnnError], args: tuple[Any, ...]) -> CharrnnError:
    return kind.__new__(kind, *args)


class CheckFailedError(CharrnnError):
    exit_code = 1


class UsageError(CharrnnError):
    exit_code = 2


class ConfigError(UsageError):
    exit_code = 2


class DataError(CharrnnError):
    exit_code = 3


class CheckpointError(CharrnnError):
    exit_code = 4


class DivergenceError(CharrnnError):
    exit_code = 5


class MissingExtraError(CharrnnError):
    exit_code = 6


class InterruptedRunError(CharrnnError):
    """Raised after a clean save; `exit_code` is 128 plus the signal's number."""

    def __init__(self, signal_number: int, what: str, *, then: str | None = None) -> None:
        super().__init__(what, then=then)
        self.exit_code = 128 + signal_number


class Notice(UserWarning):
    """Something worth knowing about a text, a configuration or a run: a warning in Python, a line
    on stderr for the command line.
    """

    @property
    def message(self) -> str:
        """What it says, with the references as they are."""
        return str(self.args[0])

    def __str__(self) -> str:
        return render(self.message)


def notice(message: str) -> None:
    """Warn at the line of the caller's own code."""
    depth, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        depth, frame = depth + 1, frame.f_back
    warnings.warn(Notice(message), stacklevel=depth)
