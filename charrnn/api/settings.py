"""Configurations from what Python has: a path, a mapping, another configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from glob import has_magic
from os import PathLike, fspath
from pathlib import Path
from typing import Any, TypeGuard

from charrnn.config import Config, unused_keys
from charrnn.config.explain import schema_text as schema_of_config
from charrnn.config.loading import Layer, dotted_layer, file_layer, merged, parse_set, setting_layer
from charrnn.config.loading import to_yaml as yaml_of
from charrnn.config.schema import STDIN
from charrnn.errors import ConfigError
from charrnn.storage.atomic import write_atomically

AnyPath = str | PathLike[str]
AnyConfig = Config | Mapping[str, Any] | AnyPath | None


def load_config(config: AnyConfig = None, settings: Mapping[str, Any] | None = None) -> Config:
    """A checked configuration.

    `config`: a YAML file's path, a mapping of sections (or of dotted keys), a `Config`, or None for
    the defaults. `settings`: dotted keys over it, as `--set`. Raises ConfigError that lists every
    mistake.

    >>> config = charrnn.load_config({"model": {"cell": "gru"}}, {"model.hidden_size": 64})
    >>> config.model.cell, config.model.hidden_size
    ('gru', 64)
    """
    layers: list[Layer] = []
    if isinstance(config, Config):
        layers.append((config.model_dump(exclude_unset=True), {}))
    elif isinstance(config, Mapping):
        layers += [dotted_layer(*_plain(item), f"config[{item[0]!r}]") for item in config.items()]
    elif isinstance(config, str | PathLike):
        layers.append(file_layer(Path(fspath(config))))
    elif config is not None:
        raise ConfigError(
            f"a configuration is a path, a mapping or a Config, not {type(config).__name__}"
        )
    layers += [setting_layer(*_plain(item)) for item in (settings or {}).items()]
    return merged(layers)


def parsed(items: Sequence[str]) -> dict[str, Any]:
    """Settings from `KEY=VALUE`, the value as in a YAML file; a later one is over earlier ones.

    Raises ConfigError that lists every item which is no setting.

    >>> from charrnn.api.settings import parsed
    >>> parsed(["model.hidden_size=64", "optim.learning_rate=1e-3"])
    {'model.hidden_size': 64, 'optim.learning_rate': 0.001}
    """
    found: dict[str, Any] = {}
    problems = []
    for item in items:
        try:
            key, value = parse_set(item)
        except ConfigError as error:
            problems.append(error.message)
            continue
        found.pop(key, None)
        found[key] = value
    if problems:
        raise ConfigError("\n".join(problems))
    return found


def to_yaml(config: Config) -> str:
    """The whole configuration, defaults filled in, as YAML that `load_config` reads back."""
    return yaml_of(config)


def notices(config: Config) -> list[str]:
    """The keys that were set and have no effect, in words."""
    return unused_keys(config)


def schema_text(out: AnyPath | None = None) -> str:
    """The JSON Schema of the configuration; written to `out` where that is given."""
    text = schema_of_config()
    if out is not None:
        write_atomically(Path(fspath(out)), text.encode())
    return text


def flags(
    files: AnyPath | Sequence[AnyPath] | None, settings: Mapping[str, Any] | None, **train: Any
) -> dict[str, Any]:  # fmt: skip
    """`settings`, and over them the keys, `files` and those of `train`, that have arguments."""
    names = [files] if isinstance(files, str | PathLike) else files
    own = {
        "data.text": None if names is None else [fspath(name) for name in names],
        **{f"train.{name}": value for name, value in train.items()},
    }
    given = {key: value for key, value in own.items() if value is not None}
    return dict(map(_plain, (settings or {}).items())) | given


def name_of(config: AnyConfig, text: str | None) -> str:
    """What the run's folder is called, before its number: after a `text` that is given, or else
    after the configuration's file.
    """
    if text is None:
        return _file_name(Path(fspath(config)).stem) if _is_path(config) else "run"
    if text == STDIN:
        return "stdin"
    path = Path(text)
    is_glob = has_magic(text) and not path.exists()
    return _file_name(path.resolve().parent.name if is_glob else path.stem)


def _is_path(config: AnyConfig) -> TypeGuard[AnyPath]:
    return isinstance(config, str | PathLike)


def _file_name(name: str) -> str:
    """A name that a folder can have, and a number after it."""
    return "".join(letter if letter.isprintable() else "_" for letter in name) or "run"


def _plain(item: tuple[Any, Any]) -> tuple[str, Any]:
    """A key as a string, and a value as a YAML file would give it: paths and NumPy's scalars."""
    key, value = item
    return str(key), _plain_value(value)


def _plain_value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain_value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_value(inner) for inner in value]
    if isinstance(value, PathLike):
        return fspath(value)
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value
