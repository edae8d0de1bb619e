"""YAML with positions: plain values, and the line each key stands on.

Stricter and more useful than a bare `yaml.safe_load`: a duplicate key is an error, `1e-3` is a
float (YAML 1.2; YAML 1.1 reads a string), and size, depth and aliases are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from charrnn.errors import ConfigError, shortened

KeyPath = tuple[str | int, ...]

# Bounds on all but the list `data.text`, which may name very many files, and on that list.
MAX_CHARACTERS, MAX_TEXT_CHARACTERS = 500_000, 6_000_000
MAX_NODES, MAX_TEXTS = 10_000, 100_000
MAX_DEPTH = 30
MAX_LISTED = 50

_TEXTS = re.compile(r"^( +)text:\n((?:\1(?:- |  ).*\n)+)", re.MULTILINE)  # as `to_yaml` writes it
_INT = re.compile(r"^[-+]?(0|[1-9][0-9]*)$")
_FLOAT = re.compile(
    r"^[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)$|^[-+]?(\d+\.\d*|\.\d+)$|^[-+]?\.(inf|nan)$"
)
_NUMBERS = {"int": _INT, "float": _FLOAT}
_STANDARD = "tag:yaml.org,2002:"
_SCALARS = {"str", "int", "float", "bool", "null"}
# The last three are what YAML takes a date, `=` and `<<` for, which are texts here.
_KINDS = {*_SCALARS, "map", "seq", "timestamp", "value", "merge"}


class _Loader(yaml.SafeLoader):
    """SafeLoader with the numbers of YAML 1.2: `1e-3` is one; `1:30` and `010` are not.

    Refuses what is too large while it reads, before it has read all of it.
    """

    source = ""
    _nodes = _texts = 0

    def __init__(self, text: str, source: str) -> None:
        super().__init__(text)
        self.source, self._path = source, list[Any]()

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self._path.append(index.value if isinstance(index, yaml.ScalarNode) else index)
        if is_text(self._path[1:]):
            self._texts += 1
            require_bounded(self._texts, 0, self.source, MAX_TEXTS)
        else:
            self._nodes += 1
            # A key is a node too, and not a value.
            require_bounded(self._nodes // 2, len(self._path) - 1, self.source)
        node = super().compose_node(parent, index)
        self._path.pop()
        return node


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if not tag.endswith((":int", ":float"))]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", _INT, list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789"))


def is_text(path: Sequence[Any]) -> bool:
    """Whether this is the place of one of the files in the list `data.text`, or a sweep's."""
    own = path[1:] if path[:1] == ("base",) else path
    return len(own) == 3 and own[0] == "data" and own[1] == "text"


def require_bounded(nodes: int, depth: int, source: str, most: int | None = None) -> None:
    """Raise ConfigError where there are more values, or they are nested deeper, than any use."""
    most = MAX_NODES if most is None else most
    if nodes > most:
        raise ConfigError(f"more than {most} values, aliases expanded", where=source)
    if depth > MAX_DEPTH:
        raise ConfigError(f"nested deeper than {MAX_DEPTH} levels", where=source)


@dataclass(frozen=True)
class Document:
    """Values read from one YAML text; `lines` maps the path of a key to its line, from 1."""

    values: dict[str, Any]
    lines: dict[KeyPath, int] = field(default_factory=dict)
    source: str = "<config>"


class _Reader:
    def __init__(self, loader: _Loader, source: str) -> None:
        self.loader, self.source = loader, source
        self.lines: dict[KeyPath, int] = {}
        self.nodes = self.texts = 0
        self.problems: list[str] = []

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        if is_text(path):
            self.texts += 1
            require_bounded(self.texts, 0, self.source, MAX_TEXTS)
        else:
            self.nodes += 1
            require_bounded(self.nodes, len(path), self.source)
        self.lines.setdefault(path, node.start_mark.line + 1)
        if node.tag.removeprefix(_STANDARD) not in _KINDS:
            where = f"{self.source}:{node.start_mark.line + 1}"
            key = short(".".join(map(str, path)))
            self.problems.append(
                f"{where}: {f'{key}: ' if key else ''}a tag is not read here: {short(node.tag)}"
            )
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*path, i)) for i, child in enumerate(node.value)]
        return self.scalar(node)

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(f"{self.source}:{line}: a key must be a plain word")
                continue
            key = str(key_node.value)
            if key in result:
                first = self.lines[(*path, key)]
                self.problems.append(
                    f"{self.source}:{line}: duplicate key `{short(key)}` (first on line {first})"
                )
                continue
            self.lines[(*path, key)] = line
            result[key] = self.value(value_node, (*path, key))
        return result

    def scalar(self, node: yaml.Node) -> Any:
        kind = node.tag.removeprefix(_STANDARD)
        if kind not in _SCALARS:
            return str(node.value)
        try:
            if kind in _NUMBERS and not _NUMBERS[kind].match(node.value):
                raise ValueError(f"{short(node.value)} is no {kind}")
            return self.loader.construct_object(node)
        except (ValueError, KeyError) as error:
            where = f"{self.source}:{node.start_mark.line + 1}"
            raise ConfigError(f"not a value: {short(str(error))}", where=where) from None


def short(text: str, most: int = 80) -> str:
    """A text from a file as a message can hold it: in one short line, printable."""
    text = text if len(text) <= most else text[: most - 3] + "..."
    return text if text.isprintable() else ascii(text)[1:-1]


def parse(text: str, source: str) -> Document:
    """Read YAML `text`; `source` names it in messages.

    Raises ConfigError, with file and line, for bad syntax, duplicate keys, or a document that
    is too large.
    """
    if len(text) > MAX_CHARACTERS:
        names = _TEXTS.search(text)
        listed_there = min(len(names[2]), MAX_TEXT_CHARACTERS) if names else 0
        if len(text) - listed_there > MAX_CHARACTERS:
            raise ConfigError(
                f"larger than {MAX_CHARACTERS:,} characters; is this a configuration?",
                where=source,
            )
    loader: _Loader | None = None
    try:
        loader = _Loader(text, source)
        node = loader.get_single_node()
        if node is None:
            return Document({}, {}, source)
        reader = _Reader(loader, source)
        if not isinstance(node, yaml.MappingNode):
            raise ConfigError(
                "not a mapping of sections",
                where=f"{source}:1",
                then="write sections such as `model:` with indented keys below them",
            )
        values = reader.value(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
        raise ConfigError(f"not valid YAML: {error.problem}", where=where) from None
    except yaml.YAMLError as error:
        raise ConfigError(f"not valid YAML: {' '.join(str(error).split())}", where=source) from None
    except RecursionError:
        raise ConfigError("nested too deeply", where=source) from None
    finally:
        if loader is not None:
            loader.dispose()
    if reader.problems:
        raise ConfigError("\n".join(shortened(reader.problems, MAX_LISTED)))
    return Document(values, reader.lines, source)


def parse_scalar(text: str, source: str) -> Any:
    """The value on the right of `KEY=VALUE`, by the same rules as in a file."""
    document = parse(f"value: {text}\n" if "\n" not in text else f"value: {text!r}", source)
    return document.values["value"]
