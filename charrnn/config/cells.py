"""What a configuration says of its cell."""

from __future__ import annotations

from typing import Any

from charrnn.config.schema import Config
from charrnn.nn.cells.registry import cell_entry, owners


def cell_options(config: Config) -> dict[str, Any]:
    """The values of the options that are the cell's own, by their names."""
    entry = cell_entry(config.model.cell)
    return {
        name: _value(config, key)
        for name, key in zip(entry.option_names, entry.options, strict=True)
    }


def with_cell(config: Config, cell: str, **options: Any) -> Config:
    """The same with another cell, the options of all other cells as they are by default.

    `options` are keys of `model`. What the cell has in common with the one before stays.
    """
    update: dict[str, dict[str, Any]] = {"model": {"cell": cell}, "bptt": {}}
    for key, cells in owners().items():
        section, name = key.split(".")
        if cell not in cells:
            update[section][name] = _value(Config(), key)
    update["model"] |= options
    sections = {name: getattr(config, name).model_copy(update=new) for name, new in update.items()}
    return config.model_copy(update=sections)


def _value(config: Config, key: str) -> Any:
    section, name = key.split(".")
    return getattr(getattr(config, section), name)
