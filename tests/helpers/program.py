"""The real program, forked from a process that has imported it, in a tenth of the time.

What is the command's alone is real: its descriptors, folder, environment, signals, end, and nothing
that a test has changed in its own process. Only what happens before `charrnn.__main__.main` is not.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).parents[2]
PATIENCE = 600.0  # seconds, for what would otherwise hang
PIPE = 1 << 15  # bytes of input that a pipe surely holds
# Read when the interpreter, NumPy or Numba begins: a process that has begun cannot follow.
EARLY = ("PYTHON", "NUMBA", "OPENBLAS", "OMP", "MKL")
Completed = subprocess.CompletedProcess[str]


def early(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that only a new process can have."""
    return {name: value for name, value in environment.items() if name.startswith(EARLY)}


class Program:
    """Runs commands; the process that forks them is started when the first is asked for."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[str] | None = None
        self._begun: dict[str, str] = {}

    def run(
        self, words: Sequence[str], folder: Path, stdin: str | None = None,
        modules: Path | None = None,
    ) -> Completed:  # fmt: skip
        """`charrnn WORDS` in `folder`. The files of `modules` stand in for modules of their names,
        none of which charrnn may have imported already.
        """
        if sys.platform != "linux" or (self._server and early(os.environ) != self._begun):
            return self._start_anew(words, folder, stdin, modules)
        if self._server is None:
            self._begun = early(os.environ)
            self._server = self._serve()
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        with tempfile.TemporaryDirectory() as place:
            asked = {"words": words, "folder": str(folder), "stdin": stdin,
                     "environment": dict(os.environ), "place": place,
                     "modules": str(modules or "")}  # fmt: skip
            self._server.stdin.write(json.dumps(asked) + "\n")
            self._server.stdin.flush()
            code = json.loads(self._server.stdout.readline())
            out, err = ((Path(place) / name).read_text("utf-8") for name in ("out", "err"))
        if code is None:
            raise subprocess.TimeoutExpired(["charrnn", *words], PATIENCE, out, err)
        return subprocess.CompletedProcess(["charrnn", *words], code, out, err)

    def close(self) -> None:
        """End the process that forks."""
        if self._server is not None:
            self._server.communicate()

    @staticmethod
    def _serve() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", "from tests.helpers.program import serve; serve()"],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    @staticmethod
    def _start_anew(
        words: Sequence[str], folder: Path, stdin: str | None, modules: Path | None
    ) -> Completed:
        path = os.pathsep.join(str(each) for each in (modules, ROOT) if each)
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}
        return subprocess.run(
            [sys.executable, "-m", "charrnn", *words], cwd=folder, env=environment, input=stdin,
            capture_output=True, text=True, timeout=PATIENCE,
        )  # fmt: skip


def serve() -> None:
    """Fork what is asked for, a line of JSON each, and answer with its exit code."""
    sys.path.insert(0, str(ROOT / "scripts"))
    from fuzzing.process import import_everything

    numba = None
    if find_spec("numba"):
        import numba
    import_everything()
    del sys.modules["numba"]
    if numba is not None:
        sys.modules["numba"] = numba
    for line in sys.stdin:
        print(json.dumps(_fork(json.loads(line))), flush=True)


def _fork(asked: dict[str, str]) -> int | None:
    child = os.fork()
    if child == 0:
        _be_charrnn(asked)
    handle = os.pidfd_open(child)
    ended = select.select([handle], [], [], PATIENCE)[0]
    os.close(handle)
    if not ended:
        os.killpg(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if ended else None


def _be_charrnn(asked: dict[str, str]) -> NoReturn:
    from fuzzing.process import as_at_the_start, main_to_the_end

    code = 99
    try:
        os.setsid()
        atexit._clear()
        os.environ.clear()
        os.environ.update(asked["environment"])
        os.chdir(asked["folder"])
        place = Path(asked["place"])
        files = [_input(asked["stdin"], place)]
        files += [os.open(place / name, os.O_WRONLY | os.O_CREAT) for name in ("out", "err")]
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
            as_at_the_start(number, ("stdin", "stdout", "stderr")[number])
        if asked["modules"]:
            _put_first(Path(asked["modules"]))
        sys.argv = ["charrnn", *asked["words"]]
        code = main_to_the_end()
    finally:
        os._exit(code)


def _put_first(modules: Path) -> None:
    """Import these, whatever is imported already."""
    sys.path.insert(0, str(modules))
    names = {path.stem for path in modules.glob("*.py")}
    for name in [name for name in sys.modules if name.partition(".")[0] in names]:
        del sys.modules[name]


def _input(text: str | None, place: Path) -> int:
    """A descriptor to read the text from: a pipe, as long as that holds it."""
    if text is None:
        return os.open(os.devnull, os.O_RDONLY)
    data = text.encode()
    if len(data) > PIPE:
        (place / "in").write_bytes(data)
        return os.open(place / "in", os.O_RDONLY)
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    return reading
