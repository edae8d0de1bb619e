"""The JSON Schema of a configuration, and mistakes in one, in words.

Where a mistake stands, what was expected, and what was probably meant.
"""

from __future__ import annotations

import difflib
import json
import reprlib
from collections.abc import Callable, Iterable
from typing import Any, Literal, get_args, get_origin

from pydantic_core import ErrorDetails

from charrnn.config.document import KeyPath, short
from charrnn.config.schema import UNKNOWN_CELL, Config, Section
from charrnn.nn.cells.registry import cell_names

# What people call things elsewhere, and the key that does it here.
KEY_ALIASES = {
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

# However large or deep a value is, this takes no longer than the few characters it returns.
_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = _repr.maxlong = 60
_repr.maxlevel, _repr.maxlist, _repr.maxdict = 2, 4, 4


def one_error_per_key(errors: Iterable[ErrorDetails]) -> list[ErrorDetails]:
    """One error a key: a union reports once for each of its members."""
    seen: dict[KeyPath, ErrorDetails] = {}
    for error in errors:
        seen.setdefault(_key_path(error["loc"]), error)
    return list(seen.values())


def _key_path(loc: KeyPath) -> KeyPath:
    """The part of pydantic's location that names keys (it appends the members of a union)."""
    path: KeyPath = ()
    section: type[Section] | None = Config
    for part in loc:
        if section is None:
            break
        path = (*path, part)
        info = section.model_fields.get(str(part))
        kind = info.annotation if info else None
        section = kind if isinstance(kind, type) and issubclass(kind, Section) else None
    return path


def explain(detail: ErrorDetails, origin: Callable[[KeyPath], str]) -> str:
    """One line about one mistake; `origin` tells where a key was set."""
    path = _key_path(detail["loc"])
    dotted = short(".".join(map(str, path)))
    where = origin(path)
    if detail["type"] == "extra_forbidden":
        return f"{where}: unknown key `{dotted}`{_suggest(path)}"
    if detail["type"] in ("model_type", "model_attributes_type"):
        return wrong_section(path, where)
    return f"{where}: {dotted}: {_expectation(path, detail)}"


def wrong_section(path: KeyPath, where: str) -> str:
    """One line about a section that is written as a value, or a value that is one as a section."""
    dotted = short(".".join(map(str, path)))
    if is_section(path):
        return f"{where}: `{dotted}` is a section: write its keys indented below it"
    return f"{where}: `{dotted}` is no section: write its value behind it"


def is_section(path: KeyPath) -> bool:
    """Whether a path of keys names a part of the configuration, and not one of its values."""
    section: Any = Config
    for part in path:
        info = section.model_fields.get(str(part))
        section = info.annotation if info else None
        if not (isinstance(section, type) and issubclass(section, Section)):
            return False
    return True


def _expectation(path: KeyPath, detail: ErrorDetails) -> str:
    got = _repr.repr(detail["input"])
    annotation = _annotation(path)
    choices = [c for arg in _members(annotation) for c in get_args(arg) if isinstance(c, str)]
    if detail["type"] == UNKNOWN_CELL:
        choices = list(cell_names())
    message = (detail["msg"][0].lower() + detail["msg"][1:]).replace("tuple", "list")
    if choices and detail["type"] in ("literal_error", UNKNOWN_CELL):
        others = [
            m for m in _members(annotation) if not any(isinstance(c, str) for c in get_args(m))
        ]
        extra = " or a number" if others and others != [type(None)] else ""
        near = difflib.get_close_matches(str(detail["input"]).lower(), choices, 1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        return f"{got} is not one of {', '.join(choices)}{extra}{hint}"
    return f"{message.replace('input should be', 'should be')}, not {got}"


def _annotation(path: KeyPath) -> Any:
    section: Any = Config
    for part in path:
        section = section.model_fields[str(part)].annotation
    return section


def _members(annotation: Any) -> tuple[Any, ...]:
    return (annotation,) if get_origin(annotation) is Literal else get_args(annotation)


def _suggest(path: KeyPath) -> str:
    section: Any = Config
    for part in path[:-1]:
        section = section.model_fields[str(part)].annotation
    name = str(path[-1])
    if name in KEY_ALIASES:
        return f"; did you mean `{KEY_ALIASES[name]}`?"
    near = difflib.get_close_matches(name, list(section.model_fields), 1)
    if near:
        return f"; did you mean `{'.'.join([*map(str, path[:-1]), near[0]])}`?"
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


DRAFT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """What a YAML file may hold: also a string for a list of one, and 1997 as a number."""
    schema = Config.model_json_schema()
    for section in schema["$defs"].values():
        for name, node in section["properties"].items():
            if node.get("type") == "array" and "prefixItems" not in node:
                section["properties"][name] = _or_single(node)
            elif any(word.isdigit() for word in node.get("enum", ()) if isinstance(word, str)):
                section["properties"][name] = _or_number(node)
    return {"$schema": DRAFT, **schema, "title": "charrnn configuration"}


def schema_text() -> str:
    """The same as it stands in `schema.json` beside this file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _or_single(node: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {
        key: node[key] for key in ("default", "description", "title") if key in node
    }
    several = {key: value for key, value in node.items() if key not in kept}
    return {**kept, "anyOf": [node["items"], several]}


def _or_number(node: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in node.items() if key != "type"}
    return {**kept, "enum": [*node["enum"], *(int(w) for w in node["enum"] if w.isdigit())]}
