"""Hostile files of every kind that charrnn reads: none may end in a traceback, hang or grow.

    python scripts/fuzz.py --checkpoints 10000 --mixtures 2000 --configs 5000 --texts 5000 --seed 1
    python scripts/fuzz.py --case checkpoints:4711 --seed 1     one case again, with what it said

Every case is made from the seed, its kind and its number. A command must end with an exit code that
docs/errors.md has for what it read, within 1 s of CPU time and 200 MiB; the machine it sees has
64 MiB, so that large models are refused. Prints a table; exit code 1 if any case failed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fuzzing import checkpoints, configs, mixtures, process, runner, texts  # noqa: E402

KINDS: dict[str, Any] = {
    "checkpoints": checkpoints, "mixtures": mixtures, "configs": configs, "texts": texts,
}  # fmt: skip
COMPILED = ("mixtures",)  # whose loops look at no bounds, so that what they read is to be fuzzed
CHUNK = 500  # cases of one worker process
PATIENCE = 120  # seconds that a whole worker may be silent
MACHINE = 64 * runner.MIB
NOT_PREPARED = "cannot prepare"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Feed charrnn hostile files.")
    for kind in KINDS:
        parser.add_argument(f"--{kind}", type=int, default=0, metavar="N", help=f"how many {kind}")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU time of a command")
    parser.add_argument("--case", metavar="KIND:NUMBER", help="run one case and show all of it")
    parser.add_argument("--worker", metavar="KIND:FIRST:LAST", help=argparse.SUPPRESS)
    return parser.parse_args()


def prepare(kind: str, folder: Path) -> None:
    """What the cases of a kind need, made by charrnn itself; this also imports all of it."""
    texts.prepare(folder)
    first = [texts.first_command()]
    if kind in ("checkpoints", "mixtures"):
        first += KINDS[kind].first_commands()
    for command in first:
        outcome = runner.run(command, runner.Limits(60, MACHINE * 8))
        if outcome.problem:
            raise SystemExit(f"{NOT_PREPARED}: {outcome.problem}\n{outcome.said}")
    if kind == "checkpoints":
        checkpoints.make_relative(folder)


def cases(kind: str, first: int, last: int, seed: int, seconds: float) -> None:
    """Run cases first … last - 1 of a kind, and print one line of JSON for each."""
    from charrnn.runtime import memory

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        os.chdir(folder)
        prepare(kind, folder)
        process.shorten_proofs()
        memory.total = lambda: MACHINE
        if kind not in COMPILED:
            sys.modules["numba"] = None  # type: ignore[assignment]  # compiling takes seconds
        sys.executable = shutil.which("false") or sys.executable  # a sweep's trainings take seconds
        runner.bound_address_space()
        limits = runner.Limits(seconds)
        for number in range(first, last):
            what, commands = KINDS[kind].case(Random(f"{seed}:{kind}:{number}"), folder)
            outcomes = [asdict(runner.run(command, limits)) for command in commands]
            for made in ("case", "next", "sweep"):
                shutil.rmtree(folder / made, ignore_errors=True)
            print(json.dumps({"number": number, "what": what, "outcomes": outcomes}), flush=True)
        os.chdir("/")


def work(kind: str, first: int, last: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """The cases in a process of their own; one that kills it is a failure like any other."""
    found: list[dict[str, Any]] = []
    command = [sys.executable, __file__, "--worker", f"{kind}:{first}:{last}",
               "--seed", str(options.seed), "--seconds", str(options.seconds)]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            out, said = process.communicate(timeout=PATIENCE + (last - first) * options.seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, said = process.communicate()
    found += [json.loads(line) for line in out.splitlines() if line.endswith("}")]
    done = first + len(found)
    if done < last:
        problem = f"the process ended with {process.returncode}: {said[-2000:]}"
        lost = runner.GradientResult("?", None, 0.0, 0, problem, "")
        found.append({"number": done, "what": "?", "outcomes": [asdict(lost)]})
        if NOT_PREPARED not in said and done + 1 < last:
            found += work(kind, done + 1, last, options)
    return found


def table(kind: str, results: list[dict[str, Any]]) -> list[str]:
    """A line for each command: how often it ended how, the slowest, the most memory."""
    by_label: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        for outcome in result["outcomes"]:
            by_label.setdefault(outcome["label"], []).append(outcome)
    lines = []
    for label, outcomes in by_label.items():
        codes = Counter(outcome["code"] for outcome in outcomes)
        counts = "  ".join(f"{code}: {codes[code]:,}" for code in sorted(codes, key=str))
        slowest = 1000 * max(outcome["seconds"] for outcome in outcomes)
        most = max(outcome["growth"] for outcome in outcomes) / runner.MIB
        lines.append(
            f"| {kind} | {label} | {len(outcomes):,} | {counts} | {slowest:.0f} | {most:.0f} |"
        )
    return lines


def failures(kind: str, results: list[dict[str, Any]], seed: int) -> list[str]:
    return [
        f"{kind}:{result['number']} ({result['what']}) {outcome['label']}: {outcome['problem']}\n"
        f"  again: python scripts/fuzz.py --case {kind}:{result['number']} --seed {seed}"
        for result in results
        for outcome in result["outcomes"]
        if outcome["problem"]
    ]


def main() -> int:
    options = arguments()
    if options.worker:
        kind, first, last = options.worker.split(":")
        cases(kind, int(first), int(last), options.seed, options.seconds)
        return 0
    if options.case:
        kind, number = options.case.split(":")
        for result in work(kind, int(number), int(number) + 1, options):
            print(json.dumps(result, indent=2).replace("\\n", "\n    "))
        return 0
    rows, failed = [], []
    for kind in KINDS:
        count, results = getattr(options, kind), []
        for first in range(0, count, CHUNK):
            results += work(kind, first, min(first + CHUNK, count), options)
        rows += table(kind, results)
        failed += failures(kind, results, options.seed)
    print("| files | command | runs | by exit code | slowest, ms of CPU | most growth, MiB |")
    print("|---|---|---|---|---|---|", *rows, "", *failed, sep="\n")
    print(f"{len(failed)} failures, seed {options.seed}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
