"""The points of a sweep: for each its name, its settings and a checked configuration."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from charrnn import build
from charrnn.config import Config
from charrnn.config.document import MAX_LISTED
from charrnn.config.loading import Layer, merged
from charrnn.config.schema import STDIN
from charrnn.data.corpus import vocabulary_of
from charrnn.data.files import find_files
from charrnn.errors import ConfigError, UsageError, shortened
from charrnn.runs.sweep.file import Sweep

MOST = 10_000  # points
LONGEST, MOST_BYTES = 120, 240  # of a name: characters, and bytes in UTF-8
SEED = "train.seed"
RESERVED = ("points", "table.tsv", "table.json")  # names in a sweep's folder


@dataclass(frozen=True)
class Point:
    """One run: `settings` are what tells it from the others, in the file's order."""

    name: str
    settings: dict[str, Any]
    config: Config
    parameters: int
    at_most: int | None = None


def plan(sweep: Sweep, layers: Sequence[Layer] = ()) -> list[Point]:
    """Every point; `layers` are over the base. Raises ConfigError with the mistakes of all."""
    count = len(sweep.variants or [0]) * len(sweep.budgets or [0])
    for values in sweep.grid.values():
        count *= len(values)
    if count > MOST:
        raise ConfigError(f"{count:,} points, more than {MOST:,}", where=str(sweep.path))
    points, problems, K = [], dict[str, None](), dict[str, int]()
    for settings, own in _combinations(sweep):
        try:
            config = merged([sweep.base, *layers, *own])
            if not problems:
                points.append(_point(sweep, settings, config, _symbols(config, K)))
        except ConfigError as error:
            problems.update(dict.fromkeys(error.message.split("\n")))
    if problems:
        raise ConfigError("\n".join(shortened(list(problems), MAX_LISTED)))
    return _named(points)


def largest_hidden_size(config: Config, K: int, most: int) -> int:
    """The H whose model has the most parameters that are not more than `most`; 0 if none has."""

    def fits(H: int) -> bool:
        return build.parameter_count(with_hidden_size(config, H), K) <= most

    low, high = 0, 1
    while fits(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def with_hidden_size(config: Config, H: int) -> Config:
    model = config.model.model_copy(update={"hidden_size": H})
    return config.model_copy(update={"model": model})


def _combinations(sweep: Sweep) -> Iterator[tuple[dict[str, Any], list[Layer]]]:
    axes: list[list[tuple[dict[str, Any], list[Layer]]]] = []
    if sweep.variants:
        axes.append([({"variant": name}, layers) for name, layers in sweep.variants.items()])
    for key, values in sweep.grid.items():
        axes.append([({key: value}, [layer]) for value, layer in values])
    if sweep.budgets:
        axes.append([({"parameters": budget}, []) for budget in sweep.budgets])
    axes.sort(key=lambda axis: SEED in axis[0][0])
    for choice in product(*axes):
        settings = {key: value for part, _ in choice for key, value in part.items()}
        yield settings, [layer for _, layers in choice for layer in layers]


def _point(sweep: Sweep, settings: dict[str, Any], config: Config, K: int) -> Point:
    config = _one_thread(config)
    most = settings.get("parameters")
    if most is not None:
        H = largest_hidden_size(config, K, most)
        if not H:
            one = build.parameter_count(with_hidden_size(config, 1), K)
            raise ConfigError(
                f"{most:,} parameters are too few for {_name(settings, {})}: one hidden unit has "
                f"{one:,}", where=str(sweep.path),
            )  # fmt: skip
        config = with_hidden_size(config, H)
    if len(sweep.budgets) == 1:
        settings = {key: value for key, value in settings.items() if key != "parameters"}
    return Point("", settings, config, build.parameter_count(config, K), most)


def _one_thread(config: Config) -> Config:
    """The cores are for several runs at once; a number that was asked for is kept."""
    if config.runtime.threads != "auto":
        return config
    runtime = config.runtime.model_copy(update={"threads": 1})
    return config.model_copy(update={"runtime": runtime})


def _symbols(config: Config, known: dict[str, int]) -> int:
    """K of the configuration's text. Raises DataError where it cannot be read."""
    if STDIN in config.data.text:
        raise UsageError("the text of a sweep is read many times: name a file, not -")
    key = repr(config.data)  # JSON lacks the bytes of a name that is no text
    if key not in known:
        find_files(config.data.text)
        known[key] = vocabulary_of(config.data).K
    return known[key]


def _named(points: list[Point]) -> list[Point]:
    """Names that are short, and tell the points apart."""
    keys = [key for key in (points[0].settings if points else ()) if "." in key]
    last = Counter(key.rsplit(".", 1)[1] for key in keys)
    short = {k: k.rsplit(".", 1)[1] for k in keys if last[k.rsplit(".", 1)[1]] == 1}
    names = [_name(point.settings, short) for point in points]
    seen = Counter(names)
    return [
        replace(p, name=f"{name}-{i}" if seen[name] > 1 or name in RESERVED else name)
        for i, (name, p) in enumerate(zip(names, points, strict=True), 1)
    ]


def _name(settings: dict[str, Any], short: dict[str, str]) -> str:
    parts = [
        str(value) if key in ("variant", "model.cell") else f"{short.get(key, key)}={value}"
        for key, value in settings.items()
    ]
    name = re.sub(r"[^\w.=+-]+", "_", "-".join(parts))[:LONGEST]
    return name.encode()[:MOST_BYTES].decode(errors="ignore").strip("._") or "point"


def override(sweep: Sweep, dotted: str, layer: Layer) -> Layer:
    """A layer over every point, unless the sweep varies its key: then UsageError."""
    if dotted in sweep.varied:
        (origin,) = layer[1].values()
        raise UsageError(
            f"the sweep varies {dotted}", where=origin, then=f"change it in {sweep.path}"
        )
    return layer
