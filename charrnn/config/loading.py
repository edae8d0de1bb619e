"""From YAML text and settings to a Config, or to every mistake in it at once.

Precedence: defaults < file < settings < named arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from charrnn.config.document import (
    MAX_CHARACTERS,
    MAX_LISTED,
    MAX_TEXT_CHARACTERS,
    MAX_TEXTS,
    Document,
    KeyPath,
    parse,
    parse_scalar,
    require_bounded,
    short,
)
from charrnn.config.explain import explain, is_section, one_error_per_key, wrong_section
from charrnn.config.rules import broken_rules
from charrnn.config.schema import Config
from charrnn.errors import ConfigError, argument, call, printable, settings, shortened
from charrnn.runtime.files import read_regular

# Values, and where each of them was set.
Layer = tuple[Mapping[str, Any], Mapping[KeyPath, str]]

SLOW = 100_000  # characters of YAML that take a while to read
MAX_BYTES = 4 * MAX_CHARACTERS + MAX_TEXT_CHARACTERS  # of a file


@dataclass
class _Layers:
    """Values merged so far, and where each came from.

    `mistakes`: sections that were set as values, and values as sections, and that a later layer
    has replaced: they are mistakes all the same.
    """

    values: dict[str, Any] = field(default_factory=dict)
    origin: dict[KeyPath, str] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)

    def merge(self, values: Mapping[str, Any], where: Mapping[KeyPath, str]) -> None:
        before = dict(self.origin)
        self.origin.update(where)
        self._merge(self.values, values, (), before)

    def _merge(
        self, into: dict[str, Any], values: Mapping[str, Any], above: KeyPath,
        before: Mapping[KeyPath, str],
    ) -> None:  # fmt: skip
        for key, value in values.items():
            path = (*above, key)
            if isinstance(value, Mapping) and isinstance(into.get(key), dict):
                self._merge(into[key], value, path, before)
                continue
            if key in into and is_section(path) is not isinstance(into[key], dict):
                self.mistakes.append(wrong_section(path, _where(before, path)))
            into[key] = _copy(value)

    def where(self, path: KeyPath) -> str:
        return _where(self.origin, path)


def _where(origin: Mapping[KeyPath, str], path: KeyPath) -> str:
    found = (origin[path[:n]] for n in range(len(path), 0, -1) if path[:n] in origin)
    return next(found, "configuration")


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(item) for key, item in value.items()}
    return value


def load(
    path: str | Path | None = None,
    sets: Sequence[str] = (),
    flags: Mapping[str, Any] | None = None,
) -> Config:
    """Read a configuration file (None: only defaults), then `sets`, then `flags`.

    `sets` are `section.key=value` strings; `flags` maps dotted keys to values. Raises ConfigError
    listing every mistake with file and line.
    """
    return load_over(None if path is None else file_layer(Path(path)), sets, flags)


def load_over(
    file: Layer | None, sets: Sequence[str] = (), flags: Mapping[str, Any] | None = None
) -> Config:
    """The same of a file that has been read."""
    layers = _Layers()
    if file is not None:
        layers.merge(*file)
    problems: list[str] = []
    for item in sets:
        try:
            dotted, value = parse_set(item)
        except ConfigError as error:
            problems.append(error.message)
            continue
        layers.merge(*dotted_layer(dotted, value, _origin(dotted, value)))
    for dotted, value in (flags or {}).items():
        layers.merge(*dotted_layer(dotted, value, _origin(dotted, value)))
    config, mistakes = _validate(layers)
    problems += mistakes
    if config is None or problems:
        raise ConfigError("\n".join(problems))
    return config


def file_layer(path: Path) -> Layer:
    """What a YAML file says, and where. Raises ConfigError."""
    return _layer(_document(path), path)


def written_layer(path: Path, written: Config) -> Layer:
    """The same of a run's file, that once was `written`, which may name very many texts."""
    text = to_yaml(written)
    if len(text) >= SLOW and _read(path) == text:
        return written.model_dump(mode="json"), {(): str(path)}
    return file_layer(path)


def _layer(document: Document, path: Path) -> Layer:
    return document.values, {p: f"{path}:{line}" for p, line in document.lines.items()}


def dotted_layer(dotted: str, value: Any, origin: str) -> Layer:
    """One key as a layer of its own."""
    keys = tuple(dotted.split("."))
    require_bounded(0, len(keys), origin)
    nested = value
    for key in reversed(keys):
        nested = {key: nested}
    return nested, {keys: origin}


def setting_layer(dotted: str, value: Any) -> Layer:
    """A key that was set by an argument, as a layer of its own."""
    return dotted_layer(dotted, value, _origin(dotted, value))


def parse_set(item: str) -> tuple[str, Any]:
    """The dotted key and the value of `KEY=VALUE`. Raises ConfigError."""
    dotted, equals, value = item.partition("=")
    if not equals or not dotted.strip():
        raise ConfigError(
            "expected KEY=VALUE",
            where=argument("settings", short(item)),
            then=f"for example: {settings({'model.hidden_size': 256})}",
        )
    keys = tuple(dotted.strip().split("."))
    source = argument("settings", short(item))
    require_bounded(0, len(keys), source)
    try:
        return ".".join(keys), parse_scalar(value, source)
    except ConfigError as error:
        quoted = settings({short(dotted.strip()): '"…"'})
        then = f"a text of such characters is quoted: {quoted}"
        raise ConfigError(error.what, where=error.where, then=then) from None


def _origin(dotted: str, value: Any) -> str:
    return settings({short(dotted): value if _is_plain(value) else short(str(value))})


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float)


def merged(layers: Sequence[Layer]) -> Config:
    """A Config of layers, the later over the earlier. Raises ConfigError listing every mistake."""
    whole = _Layers()
    for values, where in layers:
        whole.merge(values, where)
    config, problems = _validate(whole)
    if config is None or problems:
        raise ConfigError("\n".join(problems))
    return config


def with_keys(config: Config, keys: Mapping[str, Any]) -> Config:
    """The configuration with these dotted keys. Raises ConfigError."""
    layers = [dotted_layer(key, value, key) for key, value in keys.items()]
    return merged([(config.model_dump(exclude_unset=True), {}), *layers])


def from_dict(values: Mapping[str, Any], source: str) -> Config:
    """A Config from plain values, as a checkpoint stores them. Raises ConfigError."""
    _require_bounded(values, source)
    layers = _Layers()
    layers.merge(values, {(): source, **{(key,): source for key in values}})
    config, problems = _validate(layers)
    if config is None or problems:
        raise ConfigError("\n".join(problems))
    return config


def flat(config: Config) -> dict[str, Any]:
    """Every key with its dots, and its value as JSON has it."""
    found: dict[str, Any] = {}

    def walk(values: Mapping[str, Any], prefix: str) -> None:
        for key, value in values.items():
            if isinstance(value, Mapping):
                walk(value, f"{prefix}{key}.")
            else:
                found[f"{prefix}{key}"] = value

    walk(config.model_dump(mode="json"), "")
    return found


def to_yaml(config: Config) -> str:
    """The configuration as YAML that `load` reads back equal."""
    values = config.model_dump(mode="json")
    text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
    if printable(text) == text:
        return text
    return yaml.safe_dump(values, sort_keys=False)  # all that is not ASCII as escapes


def _require_bounded(values: Any, source: str) -> None:
    """Refuse plain values that are too many or too deep, before anything walks them."""
    waiting, count = [(values, 0)], 0
    while waiting:
        value, depth = waiting.pop()
        count += 1
        require_bounded(count, depth, source, MAX_TEXTS)
        if isinstance(value, Mapping):
            waiting += [(item, depth + 1) for item in value.values()]
        elif isinstance(value, list):
            waiting += [(item, depth + 1) for item in value]


def _document(path: Path) -> Document:
    text = _read(path)
    try:
        return parse(text, str(path))
    except ConfigError as error:
        if path.suffix in (".yaml", ".yml"):
            raise
        several = argument("files", "*.txt")
        then = f"to train on a text: {call('train', files=str(path))}; on several: {several}"
        raise ConfigError(error.message, then=then) from None


def _read(path: Path) -> str:
    try:
        return read_regular(path, MAX_BYTES).decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            "no such configuration file",
            where=str(path),
            then="ready ones are in the folder configs/; without one, the run is planned: "
            + call("train", files="my.txt", minutes=10),
        ) from None
    except IsADirectoryError:
        raise ConfigError(
            "is a folder, not a configuration file",
            where=str(path),
            then=f"to go on with a run: {call('resume', str(path))}",
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"not UTF-8 text (byte {error.start})", where=str(path)) from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)[:200]) from None
    except ValueError as error:
        raise ConfigError(f"cannot be read: {error}", where=str(path)[:200]) from None


def _validate(layers: _Layers) -> tuple[Config | None, list[str]]:
    try:
        config = Config.model_validate(layers.values)
    except ValidationError as error:
        details = one_error_per_key(error.errors(include_url=False, include_context=False))
        explained = [explain(detail, layers.where) for detail in details[:MAX_LISTED]]
        return None, layers.mistakes + shortened(explained, MAX_LISTED, len(details))
    return config, layers.mistakes + [
        f"{layers.where(path)}: {'.'.join(path)}: {message}"
        for path, message in broken_rules(config)
    ]
