"""The names that `import charrnn` offers: its stub for type checkers, its table, their homes."""

from __future__ import annotations

import ast
from pathlib import Path

import charrnn

STUB = Path(charrnn.__file__).with_suffix(".pyi")


def _stubbed() -> dict[str, str]:
    """Each name that the stub imports, and the module it has it from."""
    tree = ast.parse(STUB.read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: node.module or "" for node in imports for alias in node.names}


def test_the_stub_and_the_table_agree() -> None:
    homes = {name: f"charrnn.{home}" for name, home in charrnn._HOME.items()}
    modules = {name: home.rpartition(".")[0] for name, home in charrnn._MODULES.items()}
    parents = {name: f"charrnn.{home}".rstrip(".") for name, home in modules.items()}
    assert _stubbed() == homes | parents


def test_everything_that_is_offered_is_where_the_table_says() -> None:
    for name, home in charrnn._HOME.items():
        found = getattr(charrnn, name)
        assert found.__module__.startswith(f"charrnn.{home}"), name
    assert set(charrnn.__all__) == {*_stubbed(), "__version__"}
