"""Write what the docs say about options and keys from the program itself.

    python scripts/make_docs.py            bring docs/ up to date
    python scripts/make_docs.py --check    exit 1, naming the pages, if something is out of date

A page holds generated text between `<!-- begin: NAME -->` and `<!-- end: NAME -->`: the help of a
command (`help train`), the table of all configuration keys (`keys`), or what was measured of plans
(`plans`, from benchmarks/planning_results.jsonl). The JSON Schema of the configuration,
charrnn/config/schema.json, is written whole.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import planning_results  # noqa: E402

from charrnn.cli.main import cli  # noqa: E402
from charrnn.config import Config  # noqa: E402
from charrnn.config.explain import schema_text  # noqa: E402

DOCS = ROOT / "docs"
SCHEMA = ROOT / "charrnn" / "config" / "schema.json"
WIDTH = 80
Node = dict[str, Any]


def help_text(path: str) -> str:
    """What `charrnn PATH --help` prints at 80 columns, as a fenced block."""
    command: click.Command = cli
    context = click.Context(cli, info_name="charrnn", terminal_width=WIDTH, **cli.context_settings)
    for name in path.split():
        if not isinstance(command, click.Group):
            raise SystemExit(f"charrnn {path}: no such command")
        child = command.get_command(context, name)
        if child is None:
            raise SystemExit(f"charrnn {path}: no such command")
        command = child
        context = click.Context(command, parent=context, info_name=name, **child.context_settings)
    lines = [line.rstrip() for line in command.get_help(context).splitlines()]
    return "\n".join([f"```console\n$ charrnn {path} --help", *lines, "```"])


def keys_text() -> str:
    """A heading and a table of keys for each section of the configuration."""
    schema = Config.model_json_schema()
    defaults = Config().model_dump(mode="json")
    parts = []
    for section, reference in schema["properties"].items():
        node = _resolve(reference, schema)
        parts += [
            f"### {section}\n\n{_sentence(node['description'])}\n",
            "| key | type | default | meaning |",
            "|---|---|---|---|",
            *_rows(node, schema, defaults[section], f"{section}."),
            "",
        ]
    return "\n".join(parts).rstrip()


def _rows(section: Node, schema: Node, defaults: Node, prefix: str) -> Iterator[str]:
    for name, node in section["properties"].items():
        key = prefix + name
        resolved = _resolve(node, schema)
        if "properties" in resolved:
            yield from _rows(resolved, schema, defaults[name], f"{key}.")
            continue
        cells = (f"`{key}`", _kind(node), f"`{_value(defaults[name])}`", node["description"])
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _resolve(node: Node, schema: Node) -> Node:
    if "$ref" not in node:
        return node
    found: Node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    return found


def _kind(node: Node) -> str:
    """A JSON Schema node in words."""
    if "anyOf" in node:
        return " or ".join(_kind(member) for member in node["anyOf"])
    if "enum" in node or "const" in node:
        return ", ".join(f"`{value}`" for value in node.get("enum", [node.get("const")]))
    kind: str = node["type"]
    if kind == "array":
        if "prefixItems" in node:
            return f"list of {len(node['prefixItems'])}: {_kind(node['prefixItems'][0])} each"
        return f"{_kind(node['items'])}, or a list of them"
    words: dict[str, str] = {"string": "text", "boolean": "`true`, `false`", "null": "`null`"}
    return words.get(kind, kind) + _bounds(node)


def _bounds(node: Node) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    found = [f"{sign} {node[name]:g}" for name, sign in signs.items() if name in node]
    return " " + ", ".join(found) if found else ""


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _sentence(docstring: str) -> str:
    return " ".join(docstring.split())


def generate(name: str) -> str:
    """The text that belongs between the markers called `name`."""
    if name == "keys":
        return keys_text()
    if name == "plans":
        return planning_results.markdown()
    kind, _, path = name.partition(" ")
    if kind != "help":
        raise SystemExit(f"no generator for `{name}`; there are `keys`, `plans` and `help COMMAND`")
    return help_text(path)


MARKED = re.compile(r"<!-- begin: (.+?) -->\n.*?<!-- end: \1 -->", re.DOTALL)


def rewritten(page: str) -> str:
    """The page with everything between markers made anew."""
    return MARKED.sub(
        lambda match: f"<!-- begin: {match[1]} -->\n{generate(match[1])}\n<!-- end: {match[1]} -->",
        page,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Bring docs/ up to date with the program.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if stale")
    check: bool = parser.parse_args().check
    stale = []
    for path in [*sorted(DOCS.glob("*.md")), SCHEMA]:
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        new = schema_text() if path == SCHEMA else rewritten(old)
        if new != old:
            stale.append(path)
            if not check:
                path.write_text(new, encoding="utf-8", newline="\n")
    for path in stale:
        print(f"{'out of date' if check else 'wrote'}: {path.relative_to(ROOT)}")
    if check and stale:
        print("run: python scripts/make_docs.py")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
