"""ARCHITECTURE.md names what there is: every package in its place, and no file that is gone."""

from __future__ import annotations

import re
from configparser import ConfigParser

from tests.conftest import ROOT

PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "charrnn"


def test_the_packages_are_listed_in_the_order_that_import_linter_enforces():
    settings = ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    layers = settings["importlinter:contract:layers"]["layers"].split()
    listed = re.findall(r"^\| `(\w+)/` \|", PAGE, re.MULTILINE)
    assert sorted(listed) == sorted(p.parent.name for p in PACKAGE.glob("*/__init__.py"))
    assert listed == [name for name in layers if name not in ("files", "errors")]


def test_every_file_that_is_named_is_there():
    names = set(re.findall(r"`([\w/]+(?:\.py|/))`", PAGE))
    assert len(names) > 30
    known = {path.name for path in PACKAGE.rglob("*.py")}
    for name in names:
        if "/" in name:
            assert any((folder / name).exists() for folder in (PACKAGE, PACKAGE / "analysis", ROOT,
                       PACKAGE / "training", PACKAGE / "nn")), name  # fmt: skip
        else:
            assert name in known | {"__init__.py"}, name
