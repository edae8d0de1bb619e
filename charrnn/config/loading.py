"""From YAML text and `--set` to a Config, or to every mistake in it at once.

Precedence: defaults < file < `--set` < named flags.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, get_args

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from charrnn.config.document import Path, parse, parse_scalar
from charrnn.config.rules import check
from charrnn.config.schema import Config, Section
from charrnn.errors import ConfigError

# What people call things elsewhere, and the key that does it here.
HABITS = {
    "lr": "optim.learning_rate",
    "seq_length": "bptt.k1 and bptt.k2",
    "sequence_length": "bptt.k1 and bptt.k2",
    "block_size": "bptt.k1 and bptt.k2",
    "seq_len": "bptt.k1 and bptt.k2",
    "rnn_size": "model.hidden_size",
    "n_layers": "model.num_layers",
    "layers": "model.num_layers",
    "optimizer": "optim.name",
    "clip": "optim.grad_clip",
    "gradient_clip": "optim.grad_clip",
    "max_epochs": "train.epochs",
    "num_epochs": "train.epochs",
    "iterations": "train.steps",
    "max_iters": "train.steps",
    "files": "data.text",
    "device": "runtime.threads (charrnn runs on the CPU)",
}


@dataclass
class _Layers:
    """Values merged so far, and where each came from."""

    values: dict[str, Any] = field(default_factory=dict)
    origin: dict[Path, str] = field(default_factory=dict)

    def merge(self, values: Mapping[str, Any], where: Mapping[Path, str], path: Path = ()) -> None:
        for key, value in values.items():
            here = (*path, key)
            target = self._at(path)
            self.origin.update({p: w for p, w in where.items() if p[: len(here)] == here})
            if isinstance(value, Mapping) and isinstance(target.get(key), dict):
                self.merge(value, where, here)
            else:
                target[key] = _copy(value)

    def _at(self, path: Path) -> dict[Any, Any]:
        node: Any = self.values
        for key in path:
            node = node[key]
        return dict(node) if not isinstance(node, dict) else node

    def where(self, path: Path) -> str:
        for length in range(len(path), 0, -1):
            if path[:length] in self.origin:
                return self.origin[path[:length]]
        return "configuration"


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(item) for key, item in value.items()}
    return value


def load(
    path: str | FilePath | None = None,
    sets: Sequence[str] = (),
    flags: Mapping[str, Any] | None = None,
) -> Config:
    """Read a configuration file (None: only defaults), then `--set` items, then named flags.

    `sets` are `section.key=value` strings; `flags` maps dotted keys to values that a command's
    own option gave. Raises ConfigError listing every mistake with file and line.
    """
    layers = _Layers()
    if path is not None:
        document = parse(_read(FilePath(path)), str(path))
        where = {p: f"{path}:{line}" for p, line in document.lines.items()}
        layers.merge(document.values, where)
    problems: list[str] = []
    for item in sets:
        try:
            keys, value = _parse_set(item)
        except ConfigError as error:
            problems.append(str(error))
            continue
        _merge_dotted(layers, keys, value, f"--set {item}")
    for dotted, value in (flags or {}).items():
        _merge_dotted(layers, tuple(dotted.split(".")), value, f"option for {dotted}")
    config, mistakes = _validate(layers)
    problems += mistakes
    if config is None or problems:
        raise ConfigError("\n".join(problems))
    return config


def from_dict(values: Mapping[str, Any], source: str) -> Config:
    """A Config from plain values, as a checkpoint stores them."""
    layers = _Layers()
    layers.merge(values, {(): source, **{(key,): source for key in values}})
    config, problems = _validate(layers)
    if config is None:
        raise ConfigError("\n".join(problems))
    return config


def to_yaml(config: Config) -> str:
    """The configuration as YAML that `load` reads back equal."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _read(path: FilePath) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            "no such configuration file",
            where=str(path),
            then="ready ones are in the folder configs/; without one, built-in defaults are used",
        ) from None
    except IsADirectoryError:
        raise ConfigError(
            "is a folder, not a configuration file",
            where=str(path),
            then=f"to go on with a run, use --resume {path}",
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"not UTF-8 text (byte {error.start})", where=str(path)) from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot be read: {error}", where=str(path)[:200]) from None


def _parse_set(item: str) -> tuple[tuple[str, ...], Any]:
    dotted, equals, value = item.partition("=")
    if not equals or not dotted.strip():
        raise ConfigError(
            "expected KEY=VALUE",
            where=f"--set {item}",
            then="for example: --set model.hidden_size=256",
        )
    return tuple(dotted.strip().split(".")), parse_scalar(value, f"--set {item}")


def _merge_dotted(layers: _Layers, keys: tuple[str, ...], value: Any, origin: str) -> None:
    nested = value
    for key in reversed(keys):
        nested = {key: nested}
    layers.merge(nested, {keys: origin})


def _validate(layers: _Layers) -> tuple[Config | None, list[str]]:
    try:
        config = Config.model_validate(layers.values)
    except ValidationError as error:
        return None, [_explain(layers, detail) for detail in _distinct(error.errors())]
    return config, [
        f"{layers.where(path)}: {'.'.join(path)}: {message}" for path, message in check(config)
    ]


def _distinct(errors: Iterable[ErrorDetails]) -> list[ErrorDetails]:
    """One error a key: a union reports once for each of its members."""
    seen: dict[Path, ErrorDetails] = {}
    for error in errors:
        seen.setdefault(_key_path(error["loc"]), error)
    return list(seen.values())


def _key_path(loc: Path) -> Path:
    """The part of pydantic's location that names keys (it appends the members of a union)."""
    path: Path = ()
    section: type[Section] | None = Config
    for part in loc:
        if section is None:
            break
        path = (*path, part)
        info = section.model_fields.get(str(part))
        kind = info.annotation if info else None
        section = kind if isinstance(kind, type) and issubclass(kind, Section) else None
    return path


def _explain(layers: _Layers, detail: ErrorDetails) -> str:
    path = _key_path(detail["loc"])
    dotted = ".".join(map(str, path))
    where = layers.where(path)
    if detail["type"] == "extra_forbidden":
        return f"{where}: unknown key `{dotted}`{_suggest(path)}"
    if detail["type"] in ("model_type", "model_attributes_type"):
        return f"{where}: `{dotted}` is a section: write its keys indented below it"
    return f"{where}: {dotted}: {_expectation(path, detail)}"


def _expectation(path: Path, detail: ErrorDetails) -> str:
    got = repr(detail["input"])
    got = got if len(got) < 60 else got[:57] + "..."
    annotation = _annotation(path)
    choices = [c for arg in _members(annotation) for c in get_args(arg) if isinstance(c, str)]
    message = detail["msg"][0].lower() + detail["msg"][1:]
    if choices and detail["type"] == "literal_error":
        others = [
            m for m in _members(annotation) if not any(isinstance(c, str) for c in get_args(m))
        ]
        extra = " or a number" if others and others != [type(None)] else ""
        near = difflib.get_close_matches(str(detail["input"]), choices, 1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        return f"{got} is not one of {', '.join(choices)}{extra}{hint}"
    return f"{message.replace('input should be', 'should be')}, not {got}"


def _annotation(path: Path) -> Any:
    section: Any = Config
    for part in path:
        section = section.model_fields[str(part)].annotation
    return section


def _members(annotation: Any) -> tuple[Any, ...]:
    from typing import Literal, get_origin

    return (annotation,) if get_origin(annotation) is Literal else get_args(annotation)


def _suggest(path: Path) -> str:
    section: Any = Config
    for part in path[:-1]:
        section = section.model_fields[str(part)].annotation
    name = str(path[-1])
    near = difflib.get_close_matches(name, list(section.model_fields), 1)
    if near:
        return f"; did you mean `{'.'.join([*map(str, path[:-1]), near[0]])}`?"
    if name in HABITS:
        return f"; did you mean `{HABITS[name]}`?"
    homes = [key for key in known_keys() if key.rsplit(".", 1)[-1] == name]
    if homes:
        return f"; did you mean `{homes[0]}`?"
    near = difflib.get_close_matches(name, [k.rsplit(".", 1)[-1] for k in known_keys()], 1)
    homes = [key for key in known_keys() if near and key.rsplit(".", 1)[-1] == near[0]]
    if homes:
        return f"; did you mean `{homes[0]}`?"
    return f"; known here: {', '.join(section.model_fields)}"


def known_keys(section: type[Section] = Config, prefix: str = "") -> list[str]:
    """Every key of the schema, dotted."""
    keys: list[str] = []
    for name, info in section.model_fields.items():
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            keys += known_keys(kind, f"{prefix}{name}.")
        else:
            keys.append(f"{prefix}{name}")
    return keys
