"""No module below the command line writes an option: messages name arguments by reference."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import charrnn

PACKAGE = Path(charrnn.__file__).parent
FLAG = re.compile(r"(?<![\w-])--[a-z]")
# The words of the commands that these start or suggest, which are no messages.
COMMANDS = {"runs/sweep/jobs.py", "api/survey.py"}
# Help of options, which the table of arguments holds for the command line.
HELP = {"api/arguments.py"}


def _texts(tree: ast.Module) -> Iterator[Any]:
    """Every string that is no docstring."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in docstrings:
            yield node


def _flags(source: str) -> list[str]:
    return [node.value for node in _texts(ast.parse(source)) if FLAG.search(node.value)]


def test_no_message_below_the_command_line_has_an_option() -> None:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name.startswith("cli/") or name in COMMANDS | HELP:
            continue
        if flags := _flags(path.read_text(encoding="utf-8")):
            found[name] = flags
    assert not found


def test_an_option_in_a_message_is_found() -> None:
    assert _flags('"""--doc"""\nraise E(f"use --top-k {k}")\n') == ["use --top-k "]
