"""Run the commands of the docs again, and show whose output is not what the page says.

    python scripts/run_docs.py                     every page: half an hour
    python scripts/run_docs.py config train        some of them; with train the runs that others use
    python scripts/run_docs.py --list              what would be run, and what is left out and why

A command is a line that begins with `$ ` in a block marked `console`, with what continues it; what
follows is its output. A page runs in the order it is read, in a scratch folder with configs, data
and examples of the repository; `train` runs first, since other pages use its runs. Exit code 1:
something differs.

Numbers with a decimal point may differ by 1 %, those that are rounding errors (below 1e-6) by any
factor, and what MACHINE lists depends on the machine's speed and cores. All else must be equal.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import ndiff
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs"
FOLDERS = ("configs", "data", "examples", "scripts")  # what commands name, linked into the scratch
TOLERANCE, ROUNDING = 0.01, 1e-6

# Runs that a page uses and says in prose how they were made.
SETUP = {
    "eval": "charrnn train configs/quickstart.yaml --set model.hidden_size=96 "
    "--set train.minutes=null --set train.epochs=4 --out runs/gru-96 -q",
}
# Commands that are tried on a copy: the page goes on with the runs as they were before.
ASIDE = ("--steps 420",)
# What is not run, and why.
LEFT_OUT = {
    r"--help": "scripts/make_docs.py writes it",
    r"pip install|npm |node ": "installs something, or needs what it installed",
    r"mpiexec": "the extra mpi",
    r"run_experiments|configs/sweeps": "hours",
    r"shakespeare": "a text that is not in the repository",
    r"(gru|lstm)-64|charrnn runs$|eval gru": "runs on a text that is not in the repository",
    r"runs/(watched|names|zh-bytes)\b": "runs on texts that are not in the repository",
    r"runs/(lstm|gru)-1\b": "the page's own pictures: scripts/make_pictures.py",
    r"my\.txt|mine\.safetensors": "a file of the reader's",
}
MACHINE = (
    (r'("chars_per_second"|"seconds"): [\d.]+', r"\1: *"),
    (r"(numpy|numba) kernels, \d+ threads?", "* kernels"),
    (r"interrupted; step [\d,]+ is saved", "interrupted; step * is saved"),
    (r"looked in \S+;", "looked in *;"),
    (r"(\de-\d\d)  \[[\d, ]+\] \S+ vs \S+", r"\1  *"),  # which entry is the worst
    (r"(differs by) [\d.]+e-\d\d", r"\1 *"),
    (r"^\S+ left  step .*\n", ""),
    (r"^notice: it has not converged.*\n", ""),  # of a run that is stopped after seconds
    (r"^.*\d:\d\d so far\n", ""),  # of what took long
    (r"^notice: (compiling the fast kernels|charrnn\[fast\]|plain NumPy).*\n", ""),
)
LACKS = " needs the package "  # an extra that is not installed here
HEREDOC = re.compile(r"<<\s*'?(\w+)'?")
NUMBER = re.compile(r"[-+]?\d[\d,]*\.?\d*(?:e[-+]?\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class Command:
    """A command of a page, the line it stands in, and the output that the page gives it."""

    page: str
    line: int
    text: str
    output: str

    @property
    def left_out(self) -> str | None:
        """Why it is not run, or None."""
        found = (why for pattern, why in LEFT_OUT.items() if re.search(pattern, self.text))
        return next(found, None)


def commands(page: str, text: str) -> Iterator[Command]:
    """The commands of a page's console blocks."""
    lines = iter(enumerate(text.splitlines(), 1))
    inside = False
    current: tuple[int, list[str]] | None = None
    output: list[str] = []
    for number, line in lines:
        if line.startswith("```") or (inside and line.startswith("$ ")):
            if current is not None:
                yield Command(page, current[0], "\n".join(current[1]), "\n".join(output))
            current, output = None, []
        if line.startswith("```"):
            inside = not inside and line.strip() == "```console"
        elif inside and line.startswith("$ "):
            current = number, [line[2:]]
            while current[1][-1].endswith("\\"):
                current[1].append(next(lines)[1])
            if end := HEREDOC.search(line):
                while current[1][-1] != end.group(1):
                    current[1].append(next(lines)[1])
        elif inside:
            output.append(line)


def write_files(text: str, folder: Path) -> None:
    """The YAML blocks of a page that begin with a comment which is a file's name."""
    for name, content in re.findall(r"```yaml\n# ([\w-]+\.yaml)\n(.*?)```", text, re.DOTALL):
        (folder / name).write_text(content, encoding="utf-8")


def differences(expected: str, found: str) -> list[str]:
    """Lines of a diff, empty where the outputs are the same within the tolerance."""
    old, new = _lines(expected), _lines(found)
    if "…" in old:  # lines that the page leaves out
        head, tail = old[: old.index("…")], old[old.index("…") + 1 :]
        old, new = head + tail, new[: len(head)] + new[max(len(new) - len(tail), len(head)) :]
    if len(old) == len(new) and all(map(_same, old, new)):
        return []
    for line in new:  # a line that is the same within the tolerance is not shown
        old = [line if _same(before, line) else before for before in old]
    return [line.rstrip() for line in ndiff(old, new) if not line.startswith(("  ", "?"))]


def _lines(text: str) -> list[str]:
    for pattern, put in MACHINE:
        text = re.sub(pattern, put, text, flags=re.MULTILINE)
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def _same(expected: str, found: str) -> bool:
    if expected == found:
        return True
    if _without_numbers(expected) != _without_numbers(found):
        return False
    pairs = zip(NUMBER.findall(expected), NUMBER.findall(found), strict=True)
    return all(_same_number(a, b) for a, b in pairs)


def _without_numbers(line: str) -> str:
    """With one space for several: columns are padded by the width of their numbers."""
    return re.sub(r"\s+", " ", NUMBER.sub("#", line))


def _same_number(a: str, b: str) -> bool:
    if a == b:
        return True
    if not any(mark in a + b for mark in ".eE"):
        return False
    x, y = (float(number.replace(",", "").rstrip(".")) for number in (a, b))
    return abs(x - y) <= max(TOLERANCE * max(abs(x), abs(y)), ROUNDING)


def run(command: Command, folder: Path) -> str:
    """What it prints, stdout and stderr as a terminal shows them."""
    made = re.fullmatch(r"cat (\S+)", command.text)
    if made and not (folder / made.group(1)).exists():  # the page shows a file to be written
        (folder / made.group(1)).write_text(command.output + "\n", encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command.text], cwd=folder, env={**os.environ, "PATH": path, "COLUMNS": "80"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=3600,
        encoding="utf-8", errors="replace",
    )  # fmt: skip
    return done.stdout


def run_page(page: str, todo: Sequence[Command], folder: Path) -> int:
    """How many outputs differ; each is printed with its diff."""
    if page in SETUP and not (folder / SETUP[page].rsplit(" ", 2)[-2]).exists():
        run(Command(page, 0, SETUP[page], ""), folder)
    wrong = 0
    for command in todo:
        if command.left_out:
            continue
        with tempfile.TemporaryDirectory() as copy:
            where = folder
            if any(mark in command.text for mark in ASIDE):
                where = Path(shutil.copytree(folder, Path(copy) / "aside", symlinks=True))
            output = run(command, where)
        if LACKS in output:
            print(f"no extra docs/{page}.md:{command.line}: {output.splitlines()[0]}", flush=True)
            continue
        found = differences(command.output, output)
        print(f"{'differs' if found else 'same   '}  docs/{page}.md:{command.line}: "
              f"{command.text.splitlines()[0]}", flush=True)  # fmt: skip
        for line in found:
            print(f"         {line}")
        wrong += bool(found)
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pages", nargs="*", help="names of docs/NAME.md; all, if none is given")
    parser.add_argument("--list", action="store_true", help="run nothing")
    parser.add_argument("--folder", type=Path, help="run here, and keep what the commands wrote")
    options = parser.parse_args()
    every = {path.stem: path for path in PAGES.glob("*.md")}
    if unknown := set(options.pages) - set(every):
        parser.error(f"no page {', '.join(sorted(unknown))}")
    names = sorted(options.pages or every, key=lambda name: (name != "train", name))
    todo = {name: list(commands(name, every[name].read_text(encoding="utf-8"))) for name in names}
    if options.list:
        for command in (command for page in todo.values() for command in page):
            print(f"docs/{command.page}.md:{command.line}: {command.left_out or 'run'}: "
                  f"{command.text.splitlines()[0]}")  # fmt: skip
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(exist_ok=True)
        for name in FOLDERS:
            if not (folder / name).exists():
                (folder / name).symlink_to(ROOT / name)
        wrong = 0
        for page, found in todo.items():
            write_files(every[page].read_text(encoding="utf-8"), folder)
            wrong += run_page(page, found, folder)
    left_out = sum(command.left_out is not None for page in todo.values() for command in page)
    print(f"{sum(map(len, todo.values())) - left_out} run, {wrong} differ; {left_out} left out")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
