"""`scripts/faults` in short, and that it notices what it is there for."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.conftest import PATIENCE, ROOT

if sys.platform != "linux":
    pytest.skip("needs Linux", allow_module_level=True)
sys.path.insert(0, str(ROOT / "scripts"))

from fuzzing import commands, sandbox
from fuzzing.process import Ended
from fuzzing.runner import Command

EVERY = len(commands.every("run", ["text"], "text"))
SAMPLE, INSPECT = Command("sample", [], {0, 4}), Command("inspect", [], {0, 4})
PLANTED = """
import sys, pathlib
sys.path.insert(0, "scripts")
from fuzzing import process
import charrnn.__main__
def main():
    {body}
charrnn.__main__.main = main
print(process.run([], pathlib.Path("."), {{}}, patience={patience}))
"""


@pytest.mark.parametrize(
    ("kind", "case", "cases"),
    [
        ("folders", ".lock: link to a file", 2),  # a run's, and a sweep's
        ("folders", "../points: link to a folder", 1),
        ("names", "255 bytes", 1),
        ("names", "all that acts", 1),
        ("texts", "40 files", 2),
    ],
)
def test_every_command_ends_as_it_should(kind, case, cases):
    done = subprocess.run(
        [sys.executable, "scripts/faults", "--kind", kind, "--case", case, "--files", "40"],
        cwd=ROOT, capture_output=True, text=True, errors="replace", timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    runs = cases * (EVERY - (kind == "texts"))  # all but mix
    assert re.search(rf"^{runs} runs, 0 failures", done.stdout, re.MULTILINE), done.stdout


@pytest.mark.parametrize(
    ("command", "ended", "problem"),
    [
        (INSPECT, Ended(0, "all is well", "", 1.0), None),
        (INSPECT, Ended(4, "", "error: it: is damaged", 1.0), None),
        (INSPECT, Ended(None, "", "", 1.0), "hangs"),
        (INSPECT, Ended(-11, "", "", 1.0), "killed by signal 11"),
        (INSPECT, Ended(0, "", "Traceback (most recent call last):", 1.0), "a traceback"),
        (INSPECT, Ended(1, "", "error: it", 1.0), "exit code 1, which"),
        (INSPECT, Ended(4, "", "", 1.0), "exit code 4, and not a word"),
        (INSPECT, Ended(0, "a\x1b[2J", "", 1.0), "raw control"),
        (INSPECT, Ended(4, "", "error: \u202ea", 1.0), "raw control"),
        (SAMPLE, Ended(0, "a\x1b[2J", "", 1.0), None),
    ],
)
def test_what_is_wrong_is_noticed(command, ended, problem):
    found = commands.problem(command, ended)
    assert (found or "").startswith(problem or "")
    assert (found is None) == (problem is None)


def test_whatever_is_written_outside_is_noticed(tmp_path):
    box = sandbox.Sandbox(tmp_path, "a text")
    before = box.state()
    assert not sandbox.differences(before, box.state())
    (box.work / "sweep").mkdir()  # what commands are told to write
    (box.work / "out.it").touch()
    assert not sandbox.differences(before, box.state())
    (box.outside / "folder" / "new").symlink_to("nowhere")
    (box.outside / "precious").write_text("no longer")
    (box.work / "other").mkdir()
    found = sandbox.differences(before, box.state())
    assert found == ["outside/folder/new", "outside/precious", "work/other"]


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("sys.exit(3)", "code=3"),
        ("print('said'); print('told', file=sys.stderr)", "code=0, out='said\\n', err='told\\n'"),
        ("1 / 0", "ZeroDivisionError"),
        ("import os; os.kill(os.getpid(), 11)", "code=-11"),
        ("import time; time.sleep(1000)", "code=None"),
        ("import threading, time; threading.Thread(target=time.sleep, args=[99]).start()",
         "code=None"),
        ("bytearray(1 << 40)", "MemoryError"),
    ],
)  # fmt: skip
def test_how_a_forked_command_ends(body, shown):
    patience = 1.0 if shown == "code=None" else PATIENCE
    done = subprocess.run(
        [sys.executable, "-c", PLANTED.format(body=body, patience=patience)],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert shown in done.stdout, done.stdout + done.stderr
