"""The derivations hold together: what the code cites is there, once, and says the same."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[2]
CODE = {path: path.read_text("utf-8") for path in sorted((ROOT / "charrnn").rglob("*.py"))}
PAGES = {path: path.read_text("utf-8") for path in sorted((ROOT / "docs/derivations").glob("*.md"))}

CITED = re.compile(r"\(([A-Z]+\.\d+)\)")
# In the pages a line that begins with the number in bold; in the code a line of a docstring.
DEFINED = re.compile(r"^\*\*\(([A-Z]+\.\d+)\)\*\* (.+)$", re.MULTILINE)
OPENING = re.compile(r"^ *\(([A-Z]+\.\d+)\) +(.+)$", re.MULTILINE)
QUOTED = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)

DEFINITIONS = [definition for text in PAGES.values() for definition in DEFINED.findall(text)]
NUMBERS = Counter(number for number, _ in DEFINITIONS)
MEANING = dict(DEFINITIONS)


def cited(files: dict[Path, str]) -> list[tuple[str, str]]:
    return [
        (path.relative_to(ROOT).as_posix(), number)
        for path, text in files.items()
        for number in CITED.findall(text)
    ]


def opening_equations() -> Iterator[tuple[str, str]]:
    """The equations that the cells' files and the loss open with."""
    nn = ROOT / "charrnn/nn"
    for path in [*sorted((nn / "cells").glob("*.py")), nn / "window.py"]:
        yield from OPENING.findall(CODE[path])


def plain(equation: str) -> str:
    """An equation without code marks, its spaces single."""
    return " ".join(equation.replace("`", "").split())


def test_there_is_something_to_hold() -> None:
    assert len(cited(CODE)) > 80
    assert len(NUMBERS) > 50
    assert len(list(opening_equations())) >= 6 + 19 + 13 + 3
    assert any(QUOTED.findall(text) for text in PAGES.values())


def test_every_cited_number_is_defined() -> None:
    missing = [(where, n) for where, n in cited(CODE) + cited(PAGES) if n not in NUMBERS]
    assert missing == []


def test_every_number_is_defined_once() -> None:
    assert [number for number, count in NUMBERS.items() if count > 1] == []


def test_numbers_have_no_gaps() -> None:
    families: dict[str, set[int]] = {}
    for number in NUMBERS:
        family, index = number.split(".")
        families.setdefault(family, set()).add(int(index))
    for family, found in families.items():
        assert found == set(range(min(found), max(found) + 1)), family
        assert min(found) == (0 if family == "CE" else 1), family


@pytest.mark.parametrize(
    ("number", "equation"), list(opening_equations()), ids=lambda value: value.split(" ")[0]
)
def test_code_and_page_say_the_same(number: str, equation: str) -> None:
    assert plain(MEANING[number]) == plain(equation)


def test_quoted_code_is_the_code() -> None:
    for page, text in PAGES.items():
        for block in QUOTED.findall(text):
            lines = [line.strip() for line in dedent(block).strip().splitlines()]
            assert any(_contains(code, lines) for code in CODE.values()), f"{page.name}:\n{block}"


def _contains(code: str, lines: list[str]) -> bool:
    """Whether the lines stand in the code one after another, whatever their indentation."""
    stripped = [line.strip() for line in code.splitlines()]
    return any(
        stripped[start : start + len(lines)] == lines
        for start in range(len(stripped) - len(lines) + 1)
    )
