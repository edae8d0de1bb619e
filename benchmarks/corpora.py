"""Texts of kinds that repeat themselves, made from what any machine with Python has.

    python benchmarks/corpora.py FOLDER

| file | what it is | mode |
|---|---|---|
| source.txt | modules of Python's standard library | stream |
| licences.txt | licences of the system and of installed distributions, each once | stream |
| log.txt | what the interpreter logs of its imports (`python -v`) | stream |
| pages.txt | HTML pages that pydoc makes of modules | stream |
| words.txt | the words of the standard library's docstrings and comments, each once | lines |
| characters.txt | Unicode's names of characters | lines |

They differ with the version of Python and the system; the same machine makes the same files, but
for the addresses in log.txt.
"""

from __future__ import annotations

import importlib
import pydoc
import re
import subprocess
import sys
import sysconfig
import unicodedata
from collections.abc import Callable, Iterator
from importlib.metadata import distributions
from pathlib import Path
from random import Random

SIZE = 300_000  # characters of a text, at most
STANDARD = Path(sysconfig.get_path("stdlib"))
SYSTEM_LICENCES = Path("/usr/share/common-licenses")
LINES = ("words", "characters")


def modules() -> list[Path]:
    """Modules of the standard library, in an order that has nothing to do with their names."""
    found = sorted(p for p in STANDARD.rglob("*.py") if not _is_foreign(p))
    Random(1).shuffle(found)
    return found


def _is_foreign(path: Path) -> bool:
    names = {"site-packages", "test", "tests", "idle_test", "encodings", "lib2to3"}
    return bool(names & set(path.relative_to(STANDARD).parts))


def texts(paths: list[Path]) -> Iterator[str]:
    for path in paths:
        try:
            yield path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue


def source() -> str:
    return "\n".join(texts(modules()[:80]))


def licences() -> str:
    paths = sorted(p for p in SYSTEM_LICENCES.glob("*") if not p.is_symlink())
    for distribution in sorted(distributions(), key=lambda d: str(d.metadata["Name"])):
        for file in distribution.files or []:
            if re.match(r"(LICEN[CS]E|COPYING|NOTICE)", file.name):
                paths.append(Path(str(file.locate())))
    whole = list(dict.fromkeys(texts(paths)))
    Random(1).shuffle(whole)
    return "\n".join(whole)


def log() -> str:
    said = []
    for number in range(6):
        imported = ", ".join(_top_level(40, number))
        command = [sys.executable, "-I", "-v", "-c", f"import {imported}"]
        said.append(subprocess.run(command, capture_output=True, text=True, check=True).stderr)
    return "".join(said)


def _top_level(count: int, seed: int = 1) -> list[str]:
    """Modules that are imported without doing anything."""
    left_out = {"antigravity", "this", "idlelib", "turtle", "tkinter", "__main__"}
    names = sorted({p.stem for p in STANDARD.glob("*.py")} - left_out)
    names = [name for name in names if name.isidentifier() and not name.startswith("_")]
    return Random(seed).sample(names, count)


def pages() -> str:
    html = pydoc.HTMLDoc()
    return "\n".join(
        html.page(name, html.document(importlib.import_module(name))) for name in _top_level(25)
    )


def words() -> str:
    whole = "\n".join(texts(modules()))
    said = " ".join(re.findall(r'"""[^"]*"""|#.*', whole))
    return "\n".join(sorted(set(re.findall(r"\b[a-z]{3,}\b", said))))


def characters() -> str:
    names = (unicodedata.name(chr(code), "") for code in range(0x20, 0x30000))
    found = [name for name in names if name and "IDEOGRAPH" not in name and "HANGUL" not in name]
    return "\n".join(Random(1).sample(found, 8_000))


KINDS: dict[str, Callable[[], str]] = {
    "source": source, "licences": licences, "log": log, "pages": pages, "words": words,
    "characters": characters,
}  # fmt: skip


def make(folder: Path) -> dict[str, Path]:
    """Write every text into a folder; where each is."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for name, text_of in KINDS.items():
        paths[name] = folder / f"{name}.txt"
        text = text_of()[:SIZE]
        paths[name].write_text(text[: text.rfind("\n") + 1], encoding="utf-8")
    return paths


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for path in make(Path(sys.argv[1])).values():
        print(f"{path}: {path.stat().st_size:,} bytes")
