"""Hostile checkpoints: broken files, and files made to be believed, their hash right."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from random import Random

import numpy as np

from fuzzing.hostile import VALUES, at, mutate_bytes, put, remove, some_place, value_for
from fuzzing.runner import Command
from fuzzing.sealing import KINDS, PLACE, Content, header_of, packed, parse, sealed
from fuzzing.texts import sets

STEPS = 3
RUNS = {
    "lstm": ["optim.schedule.name=plateau", "optim.schedule.patience=1", "model.peepholes=true"],
    "gru-lines": ["model.cell=gru", "data.mode=lines", "optim.name=rmsprop", "model.num_layers=2"],
    "rnn-byte": ["model.cell=rnn", "data.unit=byte", "optim.name=sgd", "runtime.dtype=float64"],
    "k2": ["model.cell=gru", "bptt.k1=3", "bptt.k2=7", "optim.name=adamw", "model.dropout=0.2"],
}  # fmt: skip
SMALL = [
    "model.hidden_size=3", "model.num_layers=1", "bptt.k1=5", "train.batch_size=3",
    "train.sample_length=4", "train.eval_every=2", "train.checkpoint_every=1", "train.epochs=null",
]  # fmt: skip
# JSON that no json.dumps writes.
LITERALS = [
    "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" * 5000, "1" * 400, "-0", "1E5",
    "[" * 500 + "]" * 500, "[" * 50_000 + "]" * 50_000, '{"a":' * 900 + "1" + "}" * 900,
    '{"a":1,"a":2}', '"\\ud800"', "1.0", "01", "'a'", "", "[1,]", "[" + "1," * 20_000 + "1]",
]  # fmt: skip


def first_commands() -> list[Command]:
    """Train the runs that are mutated."""
    train = ["train", "--text", "text.txt", "-q", "--steps", str(STEPS), *sets(SMALL)]
    return [
        Command("prepare", [*train, *sets(more), "--out", f"runs/{name}"], {0})
        for name, more in RUNS.items()
    ]


def newest(run: Path) -> Path:
    return run / "checkpoints" / f"step-{STEPS:09d}.safetensors"


def make_relative(folder: Path) -> None:
    """Take the folder's own name out of the runs, so that a seed means the same in any folder."""
    here = f"{folder}/"
    for name in RUNS:
        run = folder / "runs" / name
        config = run / "config.yaml"
        config.write_text(config.read_text().replace(here, ""))
        content = parse(newest(run).read_bytes())
        content.meta = json.loads(json.dumps(content.meta).replace(here, ""))
        newest(run).write_bytes(sealed(content))
        for other in [*run.glob("checkpoints/*"), *run.glob("samples.txt")]:
            if other != newest(run):
                other.unlink()


def change_meta(rng: Random, content: Content, other: Content) -> str:
    """Replace, remove, add or graft a value of the metadata."""
    path = some_place(rng, content.meta)
    name, kind = ".".join(map(str, path)), rng.random()
    if kind < 0.5:
        put(content.meta, path, value_for(rng, path))
        return f"value of {name}"
    if kind < 0.62:
        put(content.meta, path, PLACE)
        content.literal = rng.choice(LITERALS)
        return f"literal {content.literal[:20]} at {name}"
    if kind < 0.77:
        remove(content.meta, path)
        return f"without {name}"
    if kind < 0.85:
        content.meta[rng.choice(["final", "text_bytes", "extra", "\ud800", ""])] = rng.choice(
            VALUES
        )
        return "one key more"
    if kind < 0.92:
        numbers = [p for p in [path] if isinstance(at(content.meta, p), int | float)]
        for p in numbers:
            put(content.meta, p, at(content.meta, p) + rng.choice([-1, 1, 10**6, 0.5]))
        return f"another number at {name}"
    section = rng.choice(sorted(content.meta))
    if section in other.meta:
        content.meta[section] = copy.deepcopy(other.meta[section])
    return f"{section} of another run"


def change_array(rng: Random, content: Content, other: Content) -> str:
    """Another shape, kind, name or content of an array."""
    name = rng.choice(sorted(content.arrays))
    array = content.arrays[name]
    kind = rng.randrange(9)
    if kind == 0 and array.size and array.dtype.kind == "f":
        array.reshape(-1)[rng.randrange(array.size)] = rng.choice(
            [np.nan, np.inf, -np.inf, 1e38, -1e30]
        )
    elif kind == 1:
        content.arrays[name] = array * rng.choice([0.0, 1e10, -1e30])
    elif kind == 2:
        del content.arrays[name]
    elif kind == 3:
        content.arrays[rng.choice(["output.V", "layers.9.W", "", "é", "x" * 500])] = array
    elif kind == 4:
        content.arrays[name] = np.ascontiguousarray(array.T)
    elif kind == 5:
        content.arrays[name] = array.reshape(
            rng.choice([(-1,), (1, *array.shape), (*array.shape, 1)])
        )
    elif kind == 6:
        content.arrays[name] = np.zeros(
            rng.choice([(0,), (), (0, 10**9), (1,), (3, 0)]), array.dtype
        )
    elif kind == 7:
        content.arrays[name] = np.zeros(array.shape, rng.choice(list(KINDS)))
    elif name in other.arrays:
        content.arrays[name] = other.arrays[name]
    return f"array {name}, {kind}"


def lie(rng: Random, content: Content) -> tuple[str, bytes]:
    """A header that does not describe what follows it."""
    header, data = header_of(content)
    name = rng.choice(sorted(content.arrays))
    kind = rng.randrange(8)
    if kind == 0:
        header[name]["shape"] = rng.choice(
            [[10**12], [2**62, 4], [-1], [2**64], [0] * 500, "x", [0.5]]
        )
    elif kind == 1:
        header[name]["data_offsets"] = rng.choice(
            [[0, 2**60], [8, 0], [-8, 0], [0], [2**63, 2**64], []]
        )
    elif kind == 2:
        header[name]["dtype"] = rng.choice(["F8_E4M3", "BF16", "C64", "", "I128", 7, None, "F32 "])
    elif kind == 3:
        raw = packed(header, data)
        lengths = [0, 1, len(raw), 2**31, 2**60, 2**63, 2**64 - 1]
        return "header length", rng.choice(lengths).to_bytes(8, "little") + raw[8:]
    elif kind == 4:
        deep = b'{"a":' * rng.choice([100, 100_000]) + b"1"
        return "deep header", packed(deep, data)
    elif kind == 5:
        header["__metadata__"] = rng.choice(
            [{}, None, {"charrnn": 1}, {"charrnn": ""}, "x", {"a": "b"}]
        )
    elif kind == 6:
        raw = json.dumps(header)
        return "header twice", packed(
            f'{{"{name}": {json.dumps(header[name])}, {raw[1:]}'.encode(), data
        )
    else:
        header[name + "2"] = dict(header[name])
    return f"lie {kind}", packed(header, data)


def hostile_checkpoint(rng: Random, base: bytes, other: bytes) -> tuple[str, bytes]:
    kind = rng.random()
    if kind < 0.2:
        return mutate_bytes(rng, base)
    content, second = parse(base), parse(other)
    if kind < 0.35:
        return lie(rng, content)
    names = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        if content.literal is None and rng.random() < 0.65:
            names.append(change_meta(rng, content, second))
        elif content.arrays:
            names.append(change_array(rng, content, second))
    return "; ".join(names), sealed(content)


def hostile_log(rng: Random, data: bytes) -> tuple[str, bytes]:
    """A metrics.jsonl that is broken, or has other values."""
    if rng.random() < 0.3:
        return mutate_bytes(rng, data)
    lines = [json.loads(line) for line in data.splitlines()]
    key = rng.choice(["step", "seconds", "final", "epoch", "train_loss", "val_loss"])
    rng.choice(lines)[key] = rng.choice(VALUES)
    return f"{key} of a line", "".join(json.dumps(line) + "\n" for line in lines).encode()


def break_run(rng: Random, run: Path) -> str:
    """Break another file of the run's folder than its checkpoint."""
    name = rng.choice(["metrics.jsonl", "metrics.jsonl", "samples.txt", "config.yaml"])
    path = run / name
    data = path.read_bytes() if path.exists() else b""
    what, data = hostile_log(rng, data) if name == "metrics.jsonl" else mutate_bytes(rng, data)
    path.write_bytes(data)
    return f"{name}: {what}"


def case(rng: Random, folder: Path) -> tuple[str, list[Command]]:
    """One hostile checkpoint in the folder of its run, and the commands that read it."""
    name, second = rng.choice(sorted(RUNS)), rng.choice(sorted(RUNS))
    base, other = (newest(folder / "runs" / run).read_bytes() for run in (name, second))
    shutil.copytree(folder / "runs" / name, folder / "case")
    if rng.random() < 0.1:
        what = break_run(rng, folder / "case")
    else:
        what, data = hostile_checkpoint(rng, base, other)
        newest(folder / "case").write_bytes(data)
        if rng.random() < 0.6:
            (folder / "case" / "config.yaml").unlink()
    accept = rng.choice([[], ["--accept-changes"]])
    form = rng.choice(["text", "json"])
    begin = ["--text", "text.txt", "--init-from", "case", "--steps", "1", "--out", "next", "-q",
             *sets(["train.batch_size=3", "bptt.k1=5"])]  # fmt: skip
    resume = ["--resume", "case", "--steps", str(STEPS + 2), "-q", *accept]
    commands = [
        Command("inspect", ["inspect", "case", "--format", form], {0, 4}),
        Command("runs", ["runs", "case", "--format", form], {0}),
        Command("sample", ["sample", "case", "--length", "20", "--seed", "1"], {0, 4, 6}),
        Command("eval", ["eval", "case", "--text", "text.txt", "--format", form], {0, 3, 4, 6}),
        Command("init", ["train", *begin], {0, 2, 3, 4, 5, 6}),
        Command("report", ["report", "case"], {0, 4, 6}),
        Command("score", ["score", "case", "text.txt", "--on-unknown", "skip"], {0, 3, 4, 6}),
        Command("gradflow", ["gradflow", "case", "--lags", "3", "--positions", "2"], {0, 3, 4, 6}),
        Command("gradcheck", ["gradcheck", "case", "--format", form], {0, 1, 4, 6}),
        Command("export", ["export", "case", "--to", "torch", "--out", "out.it"], {0, 2, 4, 6}),
        Command("resume", ["train", *resume], {0, 2, 3, 4, 5, 6}),
    ]  # fmt: skip
    return f"{name}: {what}", commands
