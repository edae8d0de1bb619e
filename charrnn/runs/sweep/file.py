"""The YAML file of a sweep: schema, and every mistake in it with its line."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from charrnn.config.document import short
from charrnn.config.loading import Layer, dotted_layer, file_layer
from charrnn.config.schema import Positive, Section
from charrnn.errors import ConfigError

Values = Annotated[list[Any], Field(min_length=1)]


class SweepFile(Section):
    """What is varied, over what is the same everywhere."""

    base: str | dict[str, Any] = Field(
        default_factory=dict, description="a configuration file, beside this one, or its sections"
    )
    variants: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="named groups of keys that change together"
    )
    grid: dict[str, Values] = Field(
        default_factory=dict, description="dotted keys, each with the values it takes"
    )
    parameters: Positive | Annotated[list[Positive], Field(min_length=1)] | None = Field(
        default=None,
        description="hidden_size is chosen so that each model has at most so many parameters",
    )


@dataclass(frozen=True)
class Sweep:
    """A sweep's file, its base as a layer of a configuration, and the layer of each setting."""

    path: Path
    base: Layer
    variants: dict[str, list[Layer]]
    grid: dict[str, list[tuple[Any, Layer]]]
    budgets: list[int]
    variant_keys: frozenset[str]

    @property
    def varied(self) -> set[str]:
        """Every dotted key that is not the same at all points."""
        matched = {"model.hidden_size"} if self.budgets else set()
        return {*self.grid, *self.variant_keys, *matched}


def load_sweep(path: Path) -> Sweep:
    """Read a sweep's file. Raises ConfigError listing every mistake in its own keys."""
    values, where = file_layer(path)
    try:
        file = SweepFile.model_validate(values)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        lines = dict.fromkeys(_explain(detail, where, str(path)) for detail in details)
        raise ConfigError("\n".join(lines)) from None
    _require_consistent(file, where, path)
    variants = {
        name: [_dotted(key, value, where, ("variants", name, key)) for key, value in keys.items()]
        for name, keys in file.variants.items()
    }
    grid = {
        key: [(v, _dotted(key, v, where, ("grid", key, i))) for i, v in enumerate(values)]
        for key, values in file.grid.items()
    }
    budgets = [file.parameters] if isinstance(file.parameters, int) else file.parameters or []
    keys = frozenset(key for group in file.variants.values() for key in group)
    return Sweep(path, _base(file, where, path), variants, grid, budgets, keys)


def _dotted(key: str, value: Any, where: Mapping[Any, str], at: tuple[str | int, ...]) -> Layer:
    return dotted_layer(key, value, where[at])


def _base(file: SweepFile, where: Mapping[Any, str], path: Path) -> Layer:
    if isinstance(file.base, str):
        base = path.parent / file.base
        if not _is_file(base):
            raise ConfigError(
                f"no such configuration file: {short(str(base))}", where=where[("base",)],
                then="base is named as seen from the folder of the sweep's file",
            )  # fmt: skip
        return file_layer(base)
    return file.base, {at[1:]: line for at, line in where.items() if at[:1] == ("base",) != at}


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # the name is too long, or a folder of it may not be read
        return False


def _require_consistent(file: SweepFile, where: Mapping[Any, str], path: Path) -> None:
    problems = []
    if not file.grid and not file.variants and not isinstance(file.parameters, list):
        problems.append(f"{path}: nothing varies: give grid, variants or a list of parameters")
    for key, values in file.grid.items():
        for i, value in enumerate(values):
            if value in values[:i] and type(value) is type(values[values.index(value)]):
                line = where["grid", key, i]
                problems.append(f"{line}: grid.{key} has {short(str(value))} twice")
        for name, keys in file.variants.items():
            if key in keys:
                problems.append(
                    f"{where['variants', name, key]}: `{key}` is in the grid and in a variant"
                )
    if file.parameters is not None:
        for at, line in where.items():
            if at[0:1] in (("grid",), ("variants",)) and at[-1] == "model.hidden_size":
                problems.append(
                    f"{line}: model.hidden_size is what `parameters` chooses: give one of them"
                )
    if problems:
        raise ConfigError("\n".join(problems))


def _explain(detail: ErrorDetails, where: Mapping[Any, str], source: str) -> str:
    loc = detail["loc"]
    line = next((where[loc[:n]] for n in range(len(loc), 0, -1) if loc[:n] in where), source)
    keys = ".".join(str(part) for n, part in enumerate(loc, 1) if loc[:n] in where)
    if detail["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(loc[-1]), SweepFile.model_fields, 1)
        known = ", ".join(SweepFile.model_fields)
        hint = f"did you mean `{near[0]}`?" if near else f"known here: {known}"
        return f"{line}: unknown key `{short(keys)}`; {hint}"
    if loc[0] == "grid":
        return f"{line}: {short(keys)}: a list of values, as in `model.cell: [rnn, lstm]`"
    if loc[0] == "variants":
        return (
            f"{line}: {short(keys)}: a name with keys, as in `peephole: {{model.peepholes: true}}`"
        )
    if loc[0] == "base":
        return f"{line}: base: a configuration file, or sections such as `model:` indented below it"
    return f"{line}: parameters: a number, or a list of them, above 0"
