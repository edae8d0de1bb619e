"""Which cells there are: the name of each, where its class is, and the options that are its own.

It imports no NumPy: a configuration is read and checked without it. `cell_class` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from charrnn.nn.cells.base import Cell


@dataclass(frozen=True)
class CellEntry:
    """`name` is the value of `model.cell`, `location` is "module:Class", `options` are the keys of
    the configuration that are for this cell, and an error with another.
    """

    name: str
    location: str
    options: tuple[str, ...] = ()

    @property
    def option_names(self) -> tuple[str, ...]:
        """The last part of each key, under which `Cell.from_options` is given its value."""
        return tuple(key.rsplit(".", 1)[-1] for key in self.options)


LSTM_OPTIONS = (
    "model.forget_gate", "model.peepholes", "model.coupled_gates", "model.forget_bias",
    "model.cell_input", "model.cell_output", "bptt.cell_truncation",
)  # fmt: skip

_ENTRIES = {
    entry.name: entry
    for entry in (
        CellEntry("rnn", "charrnn.nn.cells.rnn:RNN", ("model.activation",)),
        CellEntry("lstm", "charrnn.nn.cells.lstm:LSTM", LSTM_OPTIONS),
        CellEntry("gru", "charrnn.nn.cells.gru:GRU"),
    )
}


def register(entry: CellEntry) -> None:
    """Add a cell, for this process. Raises ValueError where the name is taken by another."""
    if _ENTRIES.setdefault(entry.name, entry) != entry:
        raise ValueError(f"there is a cell {entry.name} already")


def unregister(name: str) -> None:
    """Take a cell out again."""
    _ENTRIES.pop(name, None)


def cell_names() -> tuple[str, ...]:
    """The values that `model.cell` can have."""
    return tuple(_ENTRIES)


def cell_entry(name: str) -> CellEntry:
    """What is known of the cell of that name. Raises KeyError."""
    return _ENTRIES[name]


def owners() -> dict[str, tuple[str, ...]]:
    """For each option that is not for every cell, the names of the cells that it is for."""
    found: dict[str, tuple[str, ...]] = {}
    for entry in _ENTRIES.values():
        for option in entry.options:
            found[option] = (*found.get(option, ()), entry.name)
    return found


def cell_class(name: str) -> type[Cell]:
    """The class of the cell of that name, imported when it is asked for."""
    module, _, attribute = _ENTRIES[name].location.partition(":")
    found: type[Cell] = getattr(import_module(module), attribute)
    return found
