"""Hostile configurations: YAML broken as bytes, as lines and as values, and `--set` items."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import yaml

from fuzzing.hostile import mutate_bytes, put, remove, some_place, value_for
from fuzzing.runner import Command

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
SCALARS = [
    "", "~", "!!int ''", "!!float ''", "!!bool maybe", "!!int 0x" + "f" * 5000, "!!int '1:2:3'",
    "!!python/object/apply:os.system [ls]", "!!binary aGk=", "!!timestamp 2001-01-01", "!!set {a}",
    "!!null x", "!foo bar", "&a 1", "*a", "*nowhere", "&x [*x]", "<<", "=", "1_000", "0o17", "0x1f",
    "1e-3", "1e400", "-.inf", ".nan", "9" * 400, "9" * 5000, "1" * 40_000 + "x", "1:30", "yes",
    "on", "'unclosed", '"\\ud800"', '"\\x1b[31m"', '"\\0"', "|\n    text", ">-\n    folded", "? a",
    "- b", "[1, 2", "{a: 1", "[" * 60 + "]" * 60, "[" * 5000, "{a: " * 50 + "1" + "}" * 50,
    "@", "`", "%", "\u2028", "😀", "a: b", "a #b", "#", "---", "...", "\t1", "2001-01-01",
    "null", "true",
]  # fmt: skip
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
Lines = list[str]


def bases() -> list[str]:
    """The repository's own configurations, their models small and their text the fuzzer's."""
    paths = [path for path in sorted(CONFIGS.rglob("*.yaml")) if path.parent.name != "sweeps"]
    texts = [path.read_text(encoding="utf-8") for path in paths]
    small = [re.sub(r"hidden_size: \d+", "hidden_size: 8", text) for text in texts]
    return [re.sub(r"text: .*", "text: text.txt", text) for text in small]


def scalar(rng: Random, lines: Lines) -> Lines:
    """Another value after some key."""
    keyed = [index for index, line in enumerate(lines) if ":" in line]
    if keyed:
        index = rng.choice(keyed)
        key = lines[index].partition(":")[0]
        lines[index] = f"{key}: {rng.choice(SCALARS)}"
    return lines


def key(rng: Random, lines: Lines) -> Lines:
    index = rng.randrange(len(lines))
    _, _, value = lines[index].partition(":")
    lines[index] = f"{rng.choice(SCALARS)}: {value}"
    return lines


def indent(rng: Random, lines: Lines) -> Lines:
    index = rng.randrange(len(lines))
    lines[index] = rng.choice(["\t", " ", "    ", "- ", "? ", ": ", "\u00a0"]) + lines[index]
    return lines


def twice(rng: Random, lines: Lines) -> Lines:
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))
    return lines


def without(rng: Random, lines: Lines) -> Lines:
    del lines[rng.randrange(len(lines))]
    return lines


def many(rng: Random, lines: Lines) -> Lines:
    """Very many keys, values or comments."""
    make: Callable[[int], str] = rng.choice(
        [lambda n: f"k{n}: {n}", lambda n: f"hidden_sizes{n}: 1", lambda n: f"# {n}",
         lambda n: "x: 1", lambda n: f"k{n}: &a{n} [{n}]"]
    )  # fmt: skip
    return [*lines, *(make(n) for n in range(rng.choice([50, 3000, 9000])))]


def bomb(rng: Random, lines: Lines) -> Lines:
    return [*BOMB.splitlines(), *lines]


def long_string(rng: Random, lines: Lines) -> Lines:
    """One long string, named very often."""
    names = ", ".join(["*s"] * rng.choice([10, 5000]))
    return [f"s: &s {'y' * rng.choice([100, 200_000])}", f"data: {{text: [{names}]}}",
            f"model: [{names}]", *lines]  # fmt: skip


LINE_MUTATORS = [scalar, scalar, scalar, key, indent, twice, without, many, bomb, long_string]


def by_lines(rng: Random, text: str) -> tuple[str, str]:
    names = []
    for _ in range(rng.choice([1, 1, 2, 4])):
        lines = text.splitlines() or [""]
        mutator = rng.choice(LINE_MUTATORS)
        names.append(mutator.__name__)
        text = "\n".join(mutator(rng, lines)) + "\n"
    return " ".join(names), text


def by_values(rng: Random, text: str) -> tuple[str, str]:
    """Parsed, some values replaced or removed, and written again."""
    values: dict[str, Any] = yaml.safe_load(text)
    names = []
    for _ in range(rng.choice([1, 1, 2, 3])):
        if not values:
            break
        path = some_place(rng, values)
        names.append(".".join(map(str, path)))
        if rng.random() < 0.1:
            remove(values, path)
        else:
            put(values, path, value_for(rng, path))
    return " ".join(names), yaml.dump(values, allow_unicode=rng.random() < 0.5)


def hostile_config(rng: Random, choices: list[str]) -> tuple[str, bytes]:
    base, kind = rng.choice(choices), rng.random()
    if kind < 0.2:
        return mutate_bytes(rng, base.encode())
    name, text = by_lines(rng, base) if kind < 0.6 else by_values(rng, base)
    return name, text.encode("utf-8", "surrogatepass")


def hostile_set(rng: Random) -> list[str]:
    if rng.random() < 0.8:
        return []
    keys = ["model.hidden_size", "data.text", "optim", "", ".", "a" * 3000, "model.init.W.scheme",
            ".".join(["a"] * 3000), "train.steps", "é\x1b"]  # fmt: skip
    value = rng.choice(SCALARS).replace("\0", "")
    return [f"--set={rng.choice(keys)}{rng.choice(['=', '=', '=', ''])}{value}"]


def hostile_sweep(rng: Random, choices: list[str]) -> bytes:
    """The file of a sweep, with a hostile configuration as its base, or broken itself."""
    base = yaml.safe_load(rng.choice(choices))
    sweep = {"base": base, "variants": {"a": {"model.cell": "gru"}}, "grid": {"train.seed": [1, 2]}}
    if rng.random() < 0.3:
        return mutate_bytes(rng, yaml.dump(sweep).encode())[1]
    if rng.random() < 0.5:
        path = some_place(rng, sweep)
        put(sweep, path, value_for(rng, path))
        return yaml.dump(sweep).encode("utf-8", "surrogatepass")
    lines = yaml.dump(sweep).splitlines()
    return "\n".join(rng.choice(LINE_MUTATORS)(rng, lines)).encode("utf-8", "surrogatepass")


def case(rng: Random, folder: Path) -> tuple[str, list[Command]]:
    """One hostile configuration, checked and used."""
    name, data = hostile_config(rng, bases())
    (folder / "hostile.yaml").write_bytes(data)
    (folder / "sweep.yaml").write_bytes(hostile_sweep(rng, bases()))
    extra = hostile_set(rng)
    text = rng.choice([[], ["--text", "text.txt"]])
    look = rng.choice(["check", "show"])
    train = ["train", "hostile.yaml", *text, *extra, "--steps", "0", "--out", "case", "-q"]
    return f"{name} {extra}"[:300], [
        Command("config", ["config", look, "hostile.yaml", *extra], {0, 2}),
        Command("train", train, {0, 2, 3, 6}),
        Command("sweep", ["sweep", "sweep.yaml", "--out", "sweep", "--steps", "0"], {1, 2, 3, 6}),
    ]
