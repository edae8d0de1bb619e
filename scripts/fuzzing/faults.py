"""The kinds of `scripts/faults`: cases of each, and every command on every case."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from fuzzing import folders, odd_texts
from fuzzing.commands import problem
from fuzzing.runner import Command
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
    sandbox = Sandbox(root, corpus()[: CHARACTERS // 4])
    sandbox.prepare()
    for case, name, make in folders.cases(rng):
        if options.case and options.case not in case:
            continue
        for command in _chosen(folders.commands(), options):
            folders.spoil(sandbox, name, make)
            yield _tried(sandbox, case, command)


def large_texts(root: Path, rng: Random, options: argparse.Namespace) -> Iterator[Tried]:
    """Few cases, all of them, and most of the time goes into them."""
    sandbox = Sandbox(root, corpus())
    yield from _on_each(sandbox, odd_texts.large(sandbox, corpus(), options.files), options)


def names(root: Path, rng: Random, options: argparse.Namespace) -> Iterator[Tried]:
    sandbox = Sandbox(root, corpus())
    sandbox.prepare()
    found = odd_texts.named(sandbox, corpus()[: CHARACTERS // 10])
    yield from _on_each(sandbox, found, options)


def _on_each(
    sandbox: Sandbox, cases: Iterable[odd_texts.Case], options: argparse.Namespace
) -> Iterator[Tried]:
    for case in cases:
        if options.case and options.case not in case.name:
            continue
        for command in _chosen(case.commands(), options):
            odd_texts.place_run(sandbox, case)
            yield _tried(sandbox, case.name, command)


def _chosen(commands: list[Command], options: argparse.Namespace) -> list[Command]:
    return [c for c in commands if not options.command or c.label in options.command]


def _tried(sandbox: Sandbox, case: str, command: Command) -> Tried:
    before = sandbox.state()
    ended = sandbox.charrnn(command.arguments)
    wrong = problem(command, ended)
    if changed := differences(before, sandbox.state()):
        wrong = f"changed {', '.join(changed)[:300]}" + (f"; {wrong}" if wrong else "")
    said = ended.out + ended.err
    return Tried(case, command.label, ended.code, wrong and f"{wrong}\n  {said[-600:]}", said)


KINDS: dict[str, Kind] = {"folders": hostile_folders, "texts": large_texts, "names": names}
