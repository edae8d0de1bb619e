"""What the benchmarks share: child processes that measure, medians, tables, the command line.

A script measures in child processes of itself, `python SCRIPT child SPEC`, the sides turn by turn,
so that neither their thread pools nor their memory meet, and a machine whose speed drifts drifts
for both. A child prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TEXT = ROOT / "data" / "quickstart.txt"
CHARRNN = [sys.executable, "-m", "charrnn"]
MISSING_EXTRA = 6
BUSY = 0.5  # processes waiting to run, above which a figure says more of them than of the program

Spec = dict[str, Any]


@dataclass(frozen=True)
class Table:
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        lines = [f"## {self.title}", "", _line(self.columns), "|" + "---|" * len(self.columns)]
        return "\n".join([*lines, *map(_line, self.rows)])


@dataclass(frozen=True)
class Report:
    """What a script found: for people, for programs, and whether what must hold did."""

    tables: Sequence[Table]
    values: Mapping[str, Any]
    ok: bool = True


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def run(
    report: Callable[[argparse.Namespace], Report],
    measure: Callable[[Spec], Any] | None = None,
    *,
    about: str,
    needs: Sequence[str] = (),
    more: Callable[[argparse.ArgumentParser], None] | None = None,
) -> None:
    """The main program of a script: a child's measurement, or the whole report.

    Exit code 1 where the report says that something does not hold, 6 where a package is missing.
    """
    if measure is not None and sys.argv[1:2] == ["child"]:
        print(json.dumps(measure(json.loads(sys.argv[2]))))
        return
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--quick", action="store_true", help="few and short: to try the script")
    if more is not None:
        more(parser)
    options = parser.parse_args()
    _require(needs)
    load = os.getloadavg()[0]
    if load > BUSY:
        print(f"notice: the machine is busy (load {load:.1f}): ratios will be off", file=sys.stderr)
    result = report(options)
    about_machine = machine()
    print(f"{about_machine}; load at the start {load:.1f}" + "; --quick" * options.quick)
    for table in result.tables:
        print(f"\n{table.markdown()}")
    if options.json is not None:
        values = {"machine": about_machine, "load": load, "quick": options.quick, **result.values}
        options.json.write_text(json.dumps(values, indent=1) + "\n")
    sys.exit(0 if result.ok else 1)


def _require(packages: Sequence[str]) -> None:
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        print(
            f"this benchmark needs {', '.join(missing)}; "
            f"scripts/bench {Path(sys.argv[0]).stem} installs what it needs and runs it",
            file=sys.stderr,
        )
        sys.exit(MISSING_EXTRA)


def machine() -> str:
    """Processor, cores, versions and day, for the head of a table."""
    versions = [f"Python {platform.python_version()}"]
    for name in ("numpy", "numba", "torch", "onnxruntime"):
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return f"{_processor()}, {os.cpu_count()} cores; {', '.join(versions)}; {time.strftime('%F')}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def child(spec: Spec, threads: int = 1) -> Any:
    """What this script's `measure` finds in a process of its own with so many threads."""
    command = [sys.executable, sys.argv[0], "child", json.dumps(spec)]
    return json.loads(output(command, threads).splitlines()[-1])


def output(command: Sequence[str], threads: int | None = None) -> str:
    """What a program prints; the script ends with the program's message if it fails."""
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env=environment(threads)
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with code {done.returncode}:\n{done.stderr}")
    return done.stdout


def environment(threads: int | None = None) -> dict[str, str]:
    """The environment, with so many threads for every library, or as many as each takes."""
    env = dict(os.environ)
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        env.pop(name, None)
        if threads is not None:
            env[name] = str(threads)
    return env


def in_turn(sides: Sequence[Spec], threads: int, rounds: int) -> list[list[Any]]:
    """Each side measured once a round, every other round in reverse order; by side, by round."""
    found: list[list[Any]] = [[] for _ in sides]
    for turn in range(rounds):
        order = range(len(sides)) if turn % 2 == 0 else reversed(range(len(sides)))
        for index in order:
            found[index].append(child(sides[index], sides[index].get("threads", threads)))
    return found


def median_of_pairs(above: Sequence[float], below: Sequence[float]) -> float:
    """The median over rounds of one side's figure over the other's."""
    return median(a / b for a, b in zip(above, below, strict=True))


def seconds_each(work: Callable[[], object], seconds: float, warm_up: int = 3) -> float:
    """The median seconds of one call, called for about so long, at least five times."""
    for _ in range(warm_up):
        work()
    times: list[float] = []
    until = time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < until:
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return median(times)


def peak_memory(command: Sequence[str], threads: int | None = None) -> float:
    """The largest resident size of a program, in MiB; the script ends if it fails."""
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(threads), stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with code {process.returncode}")
    return usage.ru_maxrss / 1024


def against(ratio: float, bar: float | None) -> str:
    """The bar of a ratio, and whether it was reached."""
    if bar is None:
        return "–"
    return f"{bar:g} × {'met' if ratio >= bar else 'MISSED'}"


def below(value: float, bar: float, unit: str) -> str:
    """The bar of a figure that must stay below it, and whether it does."""
    return f"{bar:g}{unit} {'met' if value <= bar else 'MISSED'}"
