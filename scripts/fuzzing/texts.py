"""Hostile texts: train one step on each, score it, begin a sample with it."""

from __future__ import annotations

from pathlib import Path
from random import Random

from fuzzing.hostile import ODD_BYTES, mutate_bytes
from fuzzing.runner import Command

LINES = ["The cat is on the mat.", "A dog, a log; a fog!", "naïve café — “quoted”", "1 2 3 4 5", ""]
TEXT = ("\n".join(LINES) * 8 + "\n").encode()
TINY = [
    "model.hidden_size=3", "model.num_layers=1", "bptt.k1=4", "train.batch_size=2",
    "train.sample_length=3",
]  # fmt: skip
MODES = [
    [], ["data.mode=lines"], ["data.unit=byte"], ["data.mode=lines", "data.unit=byte"],
    ["data.encoding=latin-1"], ["data.encoding=utf-16"], ["data.split=[1,0,0]"],
    ["bptt.mode=full"], ["data.mode=records"], ["data.mode=records", "data.unit=byte"],
    ["data.mode=records", "data.separator=file", "data.split=[1,0,0]"],
    ["data.mode=records", 'data.separator="\\n\\n\\n"'], ["data.mode=records", "data.separator=a"],
    ["data.mode=records", 'data.separator="\\n;\\n"', "data.newlines=lf"],
    ["data.split_by=blocks"], ["data.newlines=lf", "data.mode=lines"],
]  # fmt: skip


def sets(items: list[str]) -> list[str]:
    return [f"--set={item}" for item in items]


def prepare(folder: Path) -> None:
    """A text to train on, and a model to score with."""
    (folder / "text.txt").write_bytes(TEXT)


def first_command() -> Command:
    arguments = ["train", "--text", "text.txt", *sets(TINY), "--steps", "2", "--out", "model", "-q"]
    return Command("prepare", arguments, {0})


def hostile_text(rng: Random) -> tuple[str, bytes]:
    """A name of what was done, and the bytes."""
    kind = rng.randrange(8)
    if kind == 0:
        return "noise", rng.randbytes(rng.choice([0, 1, 2, 3, 10, 1000, 20_000]))
    if kind == 1:
        piece = rng.choice([*ODD_BYTES, b"a", b"\n", b" ", "é".encode()])
        return "one thing", piece * rng.choice([0, 1, 2, 3, 100, 10_000])
    if kind == 2:
        return "one long line", b"ab " * rng.choice([1, 1000, 10_000])
    if kind == 3:
        encoding = rng.choice(["utf-16", "utf-32", "utf-16-le", "cp1252", "utf-8-sig"])
        return encoding, TEXT.decode().encode(encoding, "replace")
    if kind == 4:
        points = [rng.choice([rng.randrange(0xD800), rng.randrange(0xE000, 0x110000)])
                  for _ in range(rng.choice([10, 2000]))]  # fmt: skip
        return "many symbols", "".join(map(chr, points)).encode()
    return mutate_bytes(rng, TEXT)


def case(rng: Random, folder: Path) -> tuple[str, list[Command]]:
    """One hostile text, and the commands that read it."""
    name, data = hostile_text(rng)
    (folder / "hostile.txt").write_bytes(data)
    mode = rng.choice(MODES)
    train = ["train", "--text", "hostile.txt", *sets([*TINY, *mode]), "--out", "case", "-q",
             "--steps", rng.choice(["0", "1"])]  # fmt: skip
    unknown = rng.choice([[], ["--on-unknown", "skip"], ["--on-unknown", "map"]])
    return f"{name}; {' '.join(mode)}", [
        Command("train", train, {0, 3}),
        Command("eval", ["eval", "model", "--text", "hostile.txt", *unknown], {0, 3}),
        Command("sample", ["sample", "model", "--prime-file", "hostile.txt", "--length", "5",
                           *unknown], {0, 3}),
    ]  # fmt: skip
