"""The examples of the Python API, in docstrings and in docs/python.md, run as they are written."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
import shlex
import shutil

import pytest
from click.testing import CliRunner

import charrnn
import charrnn.api
from charrnn.cli.main import cli
from tests.conftest import ROOT, TEXT

MODULES = [
    "charrnn",
    *(f"charrnn.api.{m.name}" for m in pkgutil.iter_modules(charrnn.api.__path__)),
]
PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("doctests")
    (folder / "my.txt").write_text(TEXT[:4800], encoding="utf-8")
    charrnn.train(
        {"model": {"cell": "gru", "hidden_size": 8, "num_layers": 1}, "train.batch_size": 4},
        files=folder / "my.txt", steps=20, out=folder / "runs" / "tiny", progress=False,
    )  # fmt: skip
    return folder


@pytest.fixture
def here(template, tmp_path, monkeypatch):
    shutil.copytree(template, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")


@pytest.mark.filterwarnings("ignore::charrnn.Notice")
@pytest.mark.parametrize("name", MODULES)
def test_docstrings(here, name):
    module = importlib.import_module(name)
    assert doctest.testmod(module, extraglobs={"charrnn": charrnn}).failed == 0


def test_whatever_is_offered_is_documented_with_an_example():
    parser = doctest.DocTestParser()
    for name in (
        "gradcheck",
        "gradflow",
        "inspect",
        "load",
        "load_config",
        "mix",
        "resume",
        "survey",
        "sweep",
        "train",
        "training_events",
        "write_report",
    ):
        assert parser.get_examples(getattr(charrnn, name).__doc__), name
    for name in charrnn.__all__:
        assert getattr(charrnn, name).__doc__, name
        assert name in PAGE or name == "__version__"


@pytest.mark.filterwarnings("ignore::charrnn.Notice")
def test_the_page_in_python(here):
    source = "\n".join(blocks("python"))
    names = {"__name__": "page"}
    exec(compile(source, "docs/python.md", "exec"), names)
    assert names["enough"].is_set()


def test_the_page_step_by_step(here):
    names = {"__name__": "page"}
    test = doctest.DocTestParser().get_doctest("\n".join(blocks("pycon")), names, "page", None, 0)
    assert len(test.examples) > 20
    assert doctest.DocTestRunner().run(test).failed == 0


def test_the_page_as_commands(here):
    commands = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) > 8
    for line in commands:
        program, *args = shlex.split(line)
        assert program == "charrnn"
        CliRunner().invoke(cli, args, catch_exceptions=False, standalone_mode=False)
