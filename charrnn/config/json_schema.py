"""The JSON Schema of a configuration file, for editors and programs."""

from __future__ import annotations

import json
from typing import Any

from charrnn.config.schema import Config

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
