"""One command with one fault of its streams, and what is wrong with how it ended."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from killing.comparing import differences

from streaming.cases import OUT, Case

# What becomes of each stream; one that is not named is good.
Fault = dict[str, str]
ALL = ("stdin", "stdout", "stderr")
WAYS = ("closed", "full", "left", "lost")
FAULTS: list[Fault] = [
    *({name: way} for name in ("stdout", "stderr") for way in WAYS),
    {"stdout": "leaves"},
    {"stdin": "closed"},
    dict.fromkeys(ALL, "closed"),
    *({"stdout": way, "stderr": way} for way in WAYS[1:]),
]
_REDIRECTION = {
    ("stdin", "closed"): "<&-", ("stdout", "closed"): ">&-", ("stderr", "closed"): "2>&-",
    ("stdout", "full"): ">/dev/full", ("stderr", "full"): "2>/dev/full",
}  # fmt: skip
SECONDS = 600  # after which a command hangs; the machine may be busy


@dataclass(frozen=True)
class Ended:
    code: int | None  # None: it did not end
    stdout: bytes
    stderr: bytes


def spelled(fault: Fault) -> str:
    """For a table: `stdout closed`, or that nothing is wrong."""
    return ", ".join(f"{name} {way}" for name, way in fault.items()) or "none"


def run(case: Case, fault: Fault, folder: Path, out: str) -> Ended:
    """Run it in the folder; stdin is t.txt, and `out` is what it writes to."""
    words = [out + word.removeprefix(OUT) if word.startswith(OUT) else word
             for word in case.arguments]  # fmt: skip
    redirections = " ".join(_REDIRECTION.get(pair, "") for pair in fault.items())
    with ExitStack() as stack:
        given: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        given |= {
            name: stack.enter_context(_nobody(way))
            for name, way in fault.items()
            if way in ("left", "lost")
        }
        process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" {redirections}', "bash", sys.executable, "-m", "charrnn",
             *words],
            cwd=folder, stdin=stack.enter_context(open(folder / "t.txt", "rb")),
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}, **given,
        )  # fmt: skip
        if fault.get("stdout") == "leaves" and process.stdout is not None:
            process.stdout.read(1)
            process.stdout.close()
            process.stdout = None
        try:
            stdout, stderr = process.communicate(timeout=SECONDS)
            return Ended(process.returncode, stdout or b"", stderr or b"")
        except subprocess.TimeoutExpired:
            process.kill()
            return Ended(None, *(part or b"" for part in process.communicate()))


@contextmanager
def _nobody(way: str) -> Iterator[int]:
    """A descriptor to write to: of a pipe without a reader, or of a terminal that was closed."""
    reader, writer = os.pipe() if way == "left" else pty.openpty()
    os.close(reader)
    try:
        yield writer
    finally:
        os.close(writer)


def expected(case: Case, fault: Fault, good: Ended) -> int:
    """The rule of docs/errors.md, given how the command ends with good streams."""
    if case.reads and fault.get("stdin") == "closed":
        return 3
    if fault.get("stdout") in ("closed", "full") and good.stdout and not case.code:
        return 4
    return case.code


def problems(
    case: Case, fault: Fault, folder: Path, out: str, good: Ended, good_out: str
) -> Iterator[str]:
    """What is wrong with the command's end and with what it wrote, as against good streams."""
    ended = run(case, fault, folder, out)
    right = expected(case, fault, good)
    said = (ended.stdout + ended.stderr).decode("utf-8", "replace")
    if ended.code is None:
        yield f"no end in {SECONDS} s"
    elif ended.code != right:
        yield f"exit code {ended.code}, not {right}: {said[-500:]}"
    if "Traceback" in said or "Exception ignored" in said:
        yield f"a traceback: {said[-1500:]}"
    if right != case.code and "stderr" not in fault and b"error: " not in ended.stderr:
        yield f"no word about it: {said[-500:]}"
    if fault.keys() == {"stderr"} and _lasting(case) and ended.stdout != good.stdout:
        yield "another result on stdout"
    if case.is_compared:
        yield from differences(folder / good_out, folder / out)


def _lasting(case: Case) -> bool:
    """Whether stdout is the same each time: a run's name, its times, its age and a seed are not."""
    return "OUT" not in "".join(case.arguments) and (
        case.arguments[0] not in ("sample", "runs") or "--seed" in case.arguments
    )
