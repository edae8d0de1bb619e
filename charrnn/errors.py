"""Every error a user can cause or meet: what happened, where, and what to do next.

CharrnnError
├── CheckFailedError      1  a gradient or another check did not hold
├── UsageError            2  the command line
│   └── ConfigError       2  a YAML file or --set
├── DataError             3  a text: missing, empty, undecodable, unknown characters
├── CheckpointError       4  a run or checkpoint: missing, damaged, in use, not writable
├── DivergenceError       5  a loss or gradient that is not finite
├── MissingExtraError     6  an optional dependency that is not installed
└── InterruptedRunError   130 / 143  a signal, after saving
"""

from __future__ import annotations


class CharrnnError(Exception):
    """Base of the tree; `exit_code` is what the command line returns."""

    exit_code = 2

    def __init__(self, what: str, *, where: str | None = None, then: str | None = None) -> None:
        self.what, self.where, self.then = what, where, then
        super().__init__(str(self))

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f"\n  {self.then}" if self.then else ""
        return f"{place}{self.what}{advice}"


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
