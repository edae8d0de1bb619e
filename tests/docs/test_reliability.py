"""docs/reliability.md names the test that holds each promise, and the test is there."""

from __future__ import annotations

import re

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")


def test_every_file_and_test_that_is_named_is_there() -> None:
    sources = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`((?:tests|scripts|benchmarks)/[\w./]+)`", PAGE))
    tests = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 10
    assert len(tests) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert [name for name in tests if f"def {name}(" not in sources] == []


def test_every_promise_names_its_test() -> None:
    tables = re.findall(r"^\| promise \|.*\n\|---.*\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    rows = [row.split(" | ") for table in tables for row in table.splitlines()]
    assert len(rows) > 20
    assert [cells[0] for cells in rows if not re.search(r"tests?[/_]|scripts/", cells[1])] == []
