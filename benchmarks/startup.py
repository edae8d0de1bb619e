"""How long one waits: `charrnn --help`, the first character, the first run, and `import torch`.

    python benchmarks/startup.py

Wall time of whole processes, the first character by reading the pipe; a run of an LSTM 2×128 is
made first. Each line was run once before, so that files are in the system's cache.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median

from measuring import CHARRNN, ROOT, TEXT, Report, Table, below, environment, output, run

ROUNDS = 15
COMPILED = 100_000  # characters, enough for the compiled kernels to be taken


def whole(command: list[str]) -> float:
    """Seconds until a program has ended."""
    began = time.perf_counter()
    output(command)
    return time.perf_counter() - began


def first_character(command: list[str]) -> float:
    """Seconds until a program has written something."""
    began = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, cwd=ROOT, env=environment(), bufsize=0
    ) as process:
        assert process.stdout is not None
        first = process.stdout.read(1)
        seconds = time.perf_counter() - began
        process.stdout.read()
    if not first or process.returncode:
        sys.exit(f"{' '.join(command)} wrote nothing or failed")
    return seconds


def training(cache: str, command: list[str]) -> float:
    """Seconds of a few updates, with compiled loops kept in the folder `cache`."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [*command, "--out", str(Path(folder, "run"))], capture_output=True, text=True,
            cwd=ROOT, env={**environment(), "NUMBA_CACHE_DIR": cache},
        )  # fmt: skip
    if done.returncode:
        sys.exit(done.stderr)
    return time.perf_counter() - began


def first_training(command: list[str]) -> float:
    """The same, nothing being compiled yet."""
    with tempfile.TemporaryDirectory() as cache:
        return training(cache, command)


def report(options: argparse.Namespace) -> Report:
    rounds = 3 if options.quick else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "run")
        output([*CHARRNN, "train", "--text", str(TEXT), "--steps", "0", "--out", str(made), "-q"])
        sample = [*CHARRNN, "sample", str(made), "--seed", "1"]
        train = [*CHARRNN, "train", "--text", str(TEXT), "--steps", "5", "-q"]
        lines = [
            ("charrnn --help", whole, [*CHARRNN, "--help"], 0.15),
            ("charrnn sample RUN, first character", first_character, sample, 0.5),
            (f"the same with --length {COMPILED}", first_character,
             [*sample, "--length", str(COMPILED)], None),
            ("charrnn train --steps 5, nothing compiled", first_training, train, 4.0),
            ("the same, compiled before", partial(training, str(Path(folder, "cache"))), train,
             None),
            ("python -c 'import torch'", whole, [sys.executable, "-c", "import torch"], None),
            ("python -c pass", whole, [sys.executable, "-c", "pass"], None),
        ]  # fmt: skip
        times: dict[str, list[float]] = {name: [] for name, *_ in lines}
        for turn in range(rounds + 1):
            for name, clock, command, _ in lines:
                seconds = clock(command)
                if turn:
                    times[name].append(seconds)
    rows = [
        [f"`{name}`", f"{median(times[name]):.3f} s", "–" if bar is None else
         below(median(times[name]), bar, " s")]
        for name, _, _, bar in lines
    ]  # fmt: skip
    found = {name: {"median": median(seconds), "all": seconds} for name, seconds in times.items()}
    return Report([Table("Startup", ["what", "wall time", "bar"], rows)], {"seconds": found})


if __name__ == "__main__":
    run(report, about=str(__doc__).splitlines()[0], needs=("torch", "numba"))
