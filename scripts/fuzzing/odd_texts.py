"""Texts that are not held in memory, or in thousands of files; odd names of texts and of runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from fuzzing.commands import every
from fuzzing.runner import Command
from fuzzing.sandbox import POINT, Sandbox

LARGE = (8 << 20) + 12_345  # bytes: more than charrnn holds in memory
LONG = 200
MOST_NAMED = 9_000  # files: the file of a sweep has at most 10,000 values
FILE_CHARACTERS = 80
NAMES = {
    "200 bytes": "x" * LONG, "236 bytes": "x" * 236, "250 bytes": "y" * 250, "255 bytes": "z" * 255,
    "254 bytes of é": "é" * 127, "252 bytes of 😀": "😀" * 63, "deep": "/".join(["d" * LONG] * 15),
    "escapes": "a\x1b[31mb\rc", "C1": "a\u009b2Jb", "bidirectional": "a\u202eb\u2066c",
    "not UTF-8": "a\udcffb", "combining": "a" + "\u0301" * 100, "wide": "字" * 40, "tab": "a\tb",
    "two lines": "one\ntwo", "a space": "my run", "mathtext": "$x_{1}$ \\frac",
    "a dash": "-q", "two dashes": "--out", "percent": "%s{0}%(x)s", "glob": "a[b]*?",
    "quotes": "it's \"so\" `it` $(is)", "html": "<script>alert(1)", "tilde": "~root",
    "hash": "#a: [b", "equals": "a=b", "comma": "a,b", "colon": "a:b", "yaml": "null",
    "number": "1e5",
    "all that acts": "\x1b[2J\r\u009b\u202e\u2066\udcff'\\",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A run, the words that name its text, a file of it, and where a new one may be written."""

    name: str
    run: str
    texts: list[str]
    text: str
    new: str | None = None

    def commands(self) -> list[Command]:
        if self.new is None:  # mix counts grams, in plain NumPy here: minutes of a large text
            found = every(self.run, self.texts, self.text)
            return [command for command in found if command.label != "mix"]
        return every(self.run, self.texts, self.text, new=self.new, sweep=self.new, out=self.new)


def large(sandbox: Sandbox, corpus: str, files: int) -> Iterator[Case]:
    """One too large for memory; one in so many files, by glob and by name; long paths."""
    times = LARGE // len(corpus.encode()) + 1
    (sandbox.work / "large.txt").write_text(corpus * times, encoding="utf-8")
    yield _trained(sandbox, "large", ["large.txt"], "large.txt")
    folder = sandbox.work / "many"
    folder.mkdir()
    for number in range(files):
        start = number * FILE_CHARACTERS % (len(corpus) - FILE_CHARACTERS)
        content = corpus[start : start + FILE_CHARACTERS] + "\n"
        (folder / f"{number:06d}.txt").write_text(content, encoding="utf-8")
    first = "many/000000.txt"
    yield _trained(sandbox, f"{files} files", ["many/*.txt"], first)
    names = sorted(f"many/{path.name}" for path in folder.iterdir())[:MOST_NAMED]
    yield _trained(sandbox, f"{len(names)} files by name", names, first)
    deep = sandbox.work / "/".join(["d" * LONG] * 10)
    deep.mkdir(parents=True)
    for number in range(files // 10):
        (deep / f"{number:06d}.txt").write_text(corpus[:FILE_CHARACTERS], encoding="utf-8")
    pattern = f"{deep.relative_to(sandbox.work)}/*.txt"
    first = pattern.replace("*", "000000")
    yield _trained(sandbox, f"{files // 10} files with long paths", [pattern], first)


def _trained(sandbox: Sandbox, name: str, texts: list[str], text: str) -> Case:
    """The sandbox's run is one on these texts from now on."""
    sandbox.write_sweep(texts)
    sandbox.clear()
    sandbox.forget()
    sandbox.prepare()
    return Case(name, POINT, texts, text)


def named(sandbox: Sandbox, corpus: str) -> Iterator[Case]:
    """A text of each name, and a run of each name, of a name that the file system takes."""
    for what, name in NAMES.items():
        path = f"texts/{name}"
        whole = os.fsencode(sandbox.work / path)
        if max(map(len, whole.split(b"/"))) > 255 or len(whole) > 4000:
            continue
        (sandbox.work / path).parent.mkdir(parents=True, exist_ok=True)
        (sandbox.work / path).write_text(corpus, encoding="utf-8")
        escaped = path.replace("[", "[[]").replace("*", "[*]").replace("?", "[?]")
        sandbox.write_sweep([escaped])
        yield Case(f"named: {what}", f"runs/{name}", [escaped], path, f"new/{name}")


def place_run(sandbox: Sandbox, case: Case) -> None:
    """The run as new, in its place."""
    run = sandbox.renew()
    if case.new is not None:
        (sandbox.work / case.new).parent.mkdir(parents=True)
    if case.run != POINT:
        place = sandbox.work / case.run
        place.parent.mkdir(parents=True, exist_ok=True)
        run.rename(place)
