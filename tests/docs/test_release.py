"""What a release needs: one version number, its files in the packages, its pages in the site."""

from __future__ import annotations

import re
import subprocess
from configparser import ConfigParser
from datetime import date
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

import charrnn
from tests.conftest import ROOT

PACKAGE = ROOT / "charrnn"


class Site(yaml.SafeLoader):
    """mkdocs.yml names Python functions by tags of its own."""


Site.add_multi_constructor("tag:yaml.org,2002:python/name:", lambda _, name, __: name)


def settings() -> ConfigParser:
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_the_changelog_opens_with_this_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heading = re.search(r"^## (.+)$", text, re.MULTILINE)
    assert heading is not None
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert heading[1] == f"{charrnn.__version__} ({cited['date-released']})"


def test_the_citation_holds_what_readers_of_it_require():
    """The required keys of the Citation File Format 1.2.0, and the form of those that are given."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["cff-version"] == "1.2.0"
    assert cited["type"] == "software"
    for key in ("title", "message", "abstract"):
        assert isinstance(cited[key], str), key
    # A date without quotes is no text to YAML, and the format asks for text.
    assert date.fromisoformat(cited["date-released"])
    assert all(isinstance(word, str) for word in cited["keywords"])
    assert len(cited["keywords"]) == len(set(cited["keywords"]))
    known = {
        "abstract", "authors", "cff-version", "date-released", "keywords", "license", "message",
        "title", "type", "version",
    }  # fmt: skip
    assert cited.keys() <= known


def test_every_module_is_in_a_package_that_the_wheel_takes():
    for path in PACKAGE.rglob("*.py"):
        assert (path.parent / "__init__.py").exists(), path.relative_to(ROOT)


def test_every_other_file_is_package_data():
    patterns = [p.strip() for p in settings()["options.package_data"]["charrnn"].split(",")]
    found = [
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts
    ]
    assert {"py.typed", "config/schema.json", "report/html/assets/page.html"} <= set(found)
    for name in found:
        assert any(fnmatch(name, pattern) for pattern in patterns), name


def test_the_sdist_takes_every_folder_of_the_repository():
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        pytest.skip("not a clone")
    rules = (ROOT / "MANIFEST.in").read_text(encoding="utf-8")
    grafted = set(re.findall(r"^graft (\S+)$", rules, re.MULTILINE))
    tops = {name.partition("/")[0] for name in done.stdout.split("\0") if "/" in name}
    assert tops - {".ci"} <= grafted


def test_every_page_is_in_the_site():
    site = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader=Site)
    listed = list(pages(site["nav"]))
    assert len(listed) == len(set(listed))
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert there <= set(listed)
    for name in listed:
        assert (ROOT / name).is_file(), name


def pages(nav):
    for entry in nav:
        if isinstance(entry, str):
            yield entry
        else:
            for inside in entry.values():
                yield from pages([inside] if isinstance(inside, str) else inside)


@pytest.mark.parametrize("path", sorted((ROOT / "scripts").iterdir()), ids=lambda path: path.name)
def test_scripts_are_whole_and_can_be_run(path: Path):
    if path.is_file() and path.read_bytes().startswith(b"#!/usr/bin/env bash"):
        subprocess.run(["bash", "-n", path], check=True)
        assert path.stat().st_mode & 0o100, f"chmod +x {path.name}"


def test_every_configuration_is_in_the_list_of_them():
    folder = ROOT / "configs"
    page = (folder / "README.md").read_text(encoding="utf-8")
    for path in [*folder.glob("*.yaml"), *folder.glob("papers/*.yaml")]:
        assert f"]({path.relative_to(folder).as_posix()})" in page, path.name


def test_the_configurations_name_the_schema_that_editors_complete_them_by():
    folder = ROOT / "configs"
    for path in [*folder.glob("*.yaml"), *folder.glob("papers/*.yaml")]:
        head = path.read_text(encoding="utf-8").partition("\n\n")[0]
        named = re.search(r"^# yaml-language-server: \$schema=(\S+)$", head, re.MULTILINE)
        assert named, path.name
        assert (path.parent / named[1]).resolve() == PACKAGE / "config" / "schema.json"
