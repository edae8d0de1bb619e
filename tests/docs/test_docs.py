"""The docs say what the program does: help and keys are generated, links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from charrnn.cli.main import COMMANDS
from charrnn.config.explain import known_keys
from tests.conftest import ROOT

PAGES = sorted((ROOT / "docs").rglob("*.md"))
LINK = re.compile(r"\]\(([^()\s]+)\)")
# Code, and formulas, in which ](…) is no link.
NOT_PROSE = re.compile(r"```.*?```|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]*\$", re.DOTALL)


def links(page: Path) -> list[str]:
    prose = NOT_PROSE.sub("", page.read_text(encoding="utf-8"))
    return [target for target in LINK.findall(prose) if "://" not in target]


def test_generated_parts_are_up_to_date():
    script = ROOT / "scripts" / "make_docs.py"
    done = subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_help_in_a_page(name):
    page = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert f"<!-- begin: help {name} -->" in page


def test_every_key_is_in_the_table():
    page = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    for key in known_keys():
        assert f"| `{key}` |" in page


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda p: p.name)
def test_links_lead_to_files(page):
    for target in links(page):
        path = target.partition("#")[0]
        assert not path or (page.parent / path).exists(), f"{page.name} links to {target}"
