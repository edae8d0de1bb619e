"""Streams that are gone, terminals that are closed, and Ctrl-C before there is anything to stop.

`scripts/streams` in short.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.conftest import PATIENCE, ROOT

sys.path.insert(0, str(ROOT / "scripts"))

from killing.cases import TEXT
from streaming import endings, trials
from streaming.cases import CASES, FIRST, prepare

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full and ptys")
NAMED = {case.name: case for case in CASES}
PROGRAM = "from charrnn.__main__ import main; main()"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("streams")
    prepare(found)
    assert trials.run(FIRST, {}, found, "first").code == 0
    return found


@pytest.mark.parametrize(
    ("name", "faults"),
    [
        ("--version", [{"stdout": "full"}, {"stdout": "left"}]),
        ("train --text t.txt --out OUT --steps 12",
         [dict.fromkeys(trials.ALL, "closed"), {"stderr": "full"}, {"stdout": "lost"}]),
        ("train --text missing.txt --out OUT", [{"stderr": "left"}, {"stderr": "full"}]),
        ("sample r --length 30 --prime-file -", [{"stdin": "closed"}, {"stderr": "closed"}]),
        ("sample r --length 900 --count 2 --seed 1", [{"stdout": "leaves"}]),
        ("gradcheck --set=model.hidden_size=4 --set=model.num_layers=1 --tolerance 1e-30",
         [{"stdout": "left"}, {"stdout": "full"}]),
        ("eval r", [{"stdout": "left", "stderr": "left"}, {"stdout": "closed"}]),
        ("score r", [{"stdin": "closed"}, {"stdout": "lost", "stderr": "lost"}]),
        ("report r --out -", [{"stdout": "full"}]),
        ("corpus t.txt missing.txt", [{"stdout": "closed"}]),
        ("config show", [{"stdout": "left"}]),
    ],
)  # fmt: skip
def test_streams_that_are_gone(name, faults, folder):
    shown = " ".join(word for word in name.split() if not word.startswith("--set="))
    case, number = NAMED[shown], sorted(NAMED).index(shown)
    good = trials.run(case, {}, folder, f"good-{number}")
    assert good.code == case.code, good.stderr
    for index, fault in enumerate(faults):
        out = f"out-{number}-{index}"
        wrong = trials.problems(case, fault, folder, out, good, f"good-{number}")
        assert list(wrong) == [], trials.spelled(fault)


@pytest.fixture(scope="module")
def left_alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("endings")
    (found / "t.txt").write_text(TEXT, encoding="utf-8")
    return endings.whole(found)


@pytest.mark.parametrize("way", endings.WAYS, ids=lambda way: way.name)
def test_terminals_that_are_closed_and_signals_that_are_ignored(way, left_alone, tmp_path):
    wrong = endings.problems(way, left_alone.parent, tmp_path / "run", left_alone, Random(1))
    assert list(wrong) == []


def test_no_file_gets_the_number_of_a_stream_that_was_closed(tmp_path):
    code = "import charrnn.__main__ as m; m._open_closed_streams(); print(open('t', 'w').fileno())"
    done = subprocess.run(
        ["bash", "-c", f'"{sys.executable}" -c "{code}" <&- 2>&-'], cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert int(done.stdout) > 2


@pytest.mark.parametrize("module", ["click", "numpy"])
@pytest.mark.parametrize("hides", [False, True])
def test_ctrl_c_while_something_is_imported_shows_nothing(module, hides, tmp_path):
    """`hides`: the import takes the KeyboardInterrupt for a failure, as numpy's does."""
    stop = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nfor _ in range(9): pass\n"
    if hides:
        lines = "".join(f"    {line}\n" for line in stop.splitlines())
        stop = f"try:\n{lines}except BaseException:\n    raise ImportError('no such thing')\n"
    (tmp_path / f"{module}.py").write_text(stop)
    done = _run(["-c", PROGRAM, "gradcheck"], tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_ctrl_c_in_a_finaliser_shows_nothing(tmp_path):
    hook = (
        "import charrnn.cli.main as m, os, signal\n"
        "class Loud:\n"
        "    def __del__(self):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        for _ in range(9): pass\n"
        "def loud(): Loud()\n"
        "m.main = loud\n"
    )
    done = _run(["-c", hook + PROGRAM], tmp_path)
    assert (done.returncode, done.stderr) == (130, "")


def test_a_ctrl_c_that_is_ignored_when_the_program_begins_stays_so(tmp_path):
    code = f"import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n{PROGRAM}"
    stop = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
    (tmp_path / "yaml.py").write_text(f"{stop}raise SystemExit(77)\n")
    done = _run(["-c", code, "gradflow"], tmp_path)
    assert done.returncode == 77, done.stderr


def _run(arguments: list[str], path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=path, capture_output=True, text=True, timeout=PATIENCE,
        env={**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{ROOT}"},
    )  # fmt: skip


def test_the_tests_can_send_ctrl_c():
    """A runner in the background ignores it, and its children would."""
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
