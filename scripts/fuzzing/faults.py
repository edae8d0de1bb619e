"""The kinds of `scripts/faults`: cases of each, and every command on every case."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from fuzzing import folders
from fuzzing.commands import problem
from fuzzing.sandbox import Sandbox, differences

CORPUS = Path(__file__).resolve().parents[2] / "data" / "quickstart.txt"
CHARACTERS = 60_000


@dataclass(frozen=True)
class Tried:
    """One command on one case; `problem`: what is wrong with how it ended, None if nothing."""

    case: str
    label: str
    code: int | None
    problem: str | None
    said: str


Kind = Callable[[Path, Random, argparse.Namespace], Iterator[Tried]]


def corpus() -> str:
    return CORPUS.read_text(encoding="utf-8")[:CHARACTERS]


def try_all(kind: str, root: Path, rng: Random, options: argparse.Namespace) -> Iterator[Tried]:
    """Every command on every case of a kind, with `options` of the command line."""
    return KINDS[kind](root, rng, options)


def hostile_folders(root: Path, rng: Random, options: argparse.Namespace) -> Iterator[Tried]:
    """The case is made anew for each command, as most of them write into the run."""
    sandbox = Sandbox(root, corpus())
    sandbox.prepare()
    for case, name, make in folders.cases(rng):
        if options.case and options.case not in case:
            continue
        for command in folders.commands():
            if options.command and command.label not in options.command:
                continue
            folders.spoil(sandbox, name, make)
            before = sandbox.state()
            ended = sandbox.charrnn([*command.arguments])
            wrong = problem(command, ended)
            if changed := differences(before, sandbox.state()):
                wrong = f"changed {', '.join(changed)[:300]}" + (f"; {wrong}" if wrong else "")
            said = ended.out + ended.err
            yield Tried(case, command.label, ended.code, wrong and f"{wrong}\n  {said[-600:]}", said)


KINDS: dict[str, Kind] = {"folders": hostile_folders}
