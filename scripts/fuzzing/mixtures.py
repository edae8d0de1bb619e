"""Hostile mixtures: the n-gram's file beside a sound checkpoint, its hash right or not."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

import numpy as np

from fuzzing.checkpoints import change_array, change_meta, lie
from fuzzing.hostile import mutate_bytes
from fuzzing.runner import Command
from fuzzing.sealing import Content, parse, sealed
from fuzzing.texts import TINY, sets

KEY, NAME = "charrnn-mixture", "mixture.safetensors"
RUNS = {
    "stream": ["ngram.order=3"],
    "lines": ["data.mode=lines", "ngram.order=7"],
    "byte": ["data.unit=byte", "ngram.order=auto"],
}


def first_commands() -> list[Command]:
    """Train the runs whose mixtures are mutated; what reads them compiles its loops."""
    train = ["train", "--text", "text.txt", "-q", "--steps", "3", *sets(TINY)]
    trained = [
        Command("prepare", [*train, *sets(more), "--out", f"runs/{name}"], {0})
        for name, more in RUNS.items()
    ]
    return [*trained, *commands("runs/stream", "text", ["--use", "mixture"])]


def commands(run: str, form: str, used: list[str]) -> list[Command]:
    """What reads a mixture, makes it again, and reads that."""
    sample = ["sample", run, "--length", "30", "--seed", "1", *used]
    return [
        Command("inspect", ["inspect", run, "--format", form], {0}),
        Command("eval", ["eval", run, *used, "--format", form], {0, 4}),
        Command("dynamic", ["eval", run, "--dynamic", "0.1"], {0, 4}),
        Command("score", ["score", run, "text.txt", *used], {0, 4}),
        Command("sample", sample, {0, 4}),
        Command("network", ["eval", run, "--use", "network"], {0}),
        Command("mix", ["mix", run, "--order", "2", "--format", form], {0}),
        Command("again", ["eval", run, "--use", "mixture"], {0}),
    ]


def change_numbers(rng: Random, content: Content) -> str:
    """Other values of the right type, many near what is there, so that some are believed."""
    name = rng.choice(sorted(content.arrays))
    array = content.arrays[name].reshape(-1)
    for _ in range(rng.choice([1, 1, 2, 20])):
        at = rng.randrange(array.size)
        if array.dtype.kind == "f":
            array[at] = rng.choice([rng.uniform(-2, 2), 1e5, 1e300, np.nan, np.inf])
        else:
            value = rng.choice([0, 1, -1, 7, array[rng.randrange(array.size)], int(array[at]) + 1,
                                int(array[at]) - 1, 2**31 - 1, -(2**31)])  # fmt: skip
            low, high = np.iinfo(array.dtype).min, np.iinfo(array.dtype).max
            array[at] = min(max(int(value), low), high)
    return f"numbers of {name}"


def hostile_mixture(rng: Random, base: bytes, other: bytes) -> tuple[str, bytes]:
    kind = rng.random()
    if kind < 0.15:
        return mutate_bytes(rng, base)
    content, second = parse(base, KEY), parse(other, KEY)
    if kind < 0.25:
        return lie(rng, content)
    names = []
    for _ in range(rng.choice([1, 1, 2, 3])):
        way = rng.random()
        if way < 0.6 and all(array.size for array in content.arrays.values()):
            names.append(change_numbers(rng, content))
        elif way < 0.8 and content.literal is None:
            names.append(change_meta(rng, content, second))
        elif content.arrays:
            names.append(change_array(rng, content, second))
    return "; ".join(names), sealed(content)


def case(rng: Random, folder: Path) -> tuple[str, list[Command]]:
    """One hostile mixture beside a sound checkpoint, and the commands that read it."""
    name, second = rng.choice(sorted(RUNS)), rng.choice(sorted(RUNS))
    base, other = ((folder / "runs" / run / NAME).read_bytes() for run in (name, second))
    run: Path = folder / "case"
    shutil.copytree(folder / "runs" / name, run)
    what, data = hostile_mixture(rng, base, other)
    (run / NAME).write_bytes(data)
    form, used = rng.choice(["text", "json"]), rng.choice([[], ["--use", "mixture"]])
    return f"{name}: {what}", commands("case", form, used)
