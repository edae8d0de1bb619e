"""`import charrnn` in the folder above a clone, which bears the same name as the package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PATIENCE, ROOT

USE = (
    "import charrnn; from charrnn.data.vocabulary import Vocabulary; import charrnn.nn.bptt as b; "
    "print(charrnn.__file__, charrnn.load_config().model.cell, b.__file__, sep='\\n')"
)
# A bare interpreter sees neither an editable installation nor anything else.
INTERPRETERS = {"as it is installed": [sys.executable], "uninstalled": [sys.executable, "-S"]}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone as `git clone` makes it, reduced to what an import reads."""
    folder = tmp_path / "charrnn"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "charrnn", folder / "charrnn", ignore=ignore)
    shutil.copy(ROOT / "__init__.py", folder)
    return folder


def python(interpreter: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    if interpreter == "uninstalled":
        # The dependencies alone: -S leaves out the .pth files by which charrnn is installed.
        dependencies = [path for path in sys.path if path.endswith(("site-packages", "-packages"))]
        environment["PYTHONPATH"] = os.pathsep.join(dependencies)
    return subprocess.run(
        [*INTERPRETERS[interpreter], *arguments],
        cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_the_package_inside_is_imported(clone, interpreter):
    done = python(interpreter, "-c", USE, cwd=clone.parent)
    assert done.returncode == 0, done.stderr
    package = clone / "charrnn"
    assert done.stdout.splitlines() == [
        str(package / "__init__.py"), "lstm", str(package / "nn" / "bptt.py"),
    ]  # fmt: skip


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_the_command_runs_there(clone, interpreter):
    done = python(interpreter, "-m", "charrnn", "--version", cwd=clone.parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("charrnn, version ")


def test_a_clone_without_the_package_says_so(clone):
    shutil.rmtree(clone / "charrnn")
    done = python("uninstalled", "-c", "import charrnn", cwd=clone.parent)
    assert done.returncode == 1
    assert "is the folder of a clone of charrnn, and the package in it" in done.stderr
    assert "git checkout charrnn" in done.stderr


def test_inside_the_clone_the_package_is_found_directly(clone):
    done = python("uninstalled", "-c", USE, cwd=clone)
    assert done.stdout.splitlines()[0] == str(clone / "charrnn" / "__init__.py"), done.stderr


def test_a_clone_of_another_name_is_no_package_of_ours(clone):
    other = clone.rename(clone.parent / "mine")
    done = python("uninstalled", "-c", "import mine, sys; print('charrnn' in sys.modules)",
                  cwd=other.parent)  # fmt: skip
    assert done.stdout == "False\n", done.stderr
