"""A run's folder from somebody else: each of its files as a link, a pipe, a folder, a huge file."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from fuzzing import sealing
from fuzzing.commands import STEPS, every
from fuzzing.runner import Command
from fuzzing.sandbox import POINT, TEXT, Sandbox, remove

NEWEST = f"checkpoints/step-{STEPS:09d}.safetensors"
NAMES = [
    ".lock", "samples.txt", "metrics.jsonl", "config.yaml", "checkpoints", NEWEST,
    "checkpoints/best.safetensors", "report.html", "tensorboard", "text.txt",
    f"checkpoints/step-{STEPS + 3:09d}.safetensors", "../.lock", "../points", "../table.tsv",
    "../points/seed=1.yaml", "../points/seed=1.json", "../points/seed=1.log", "../../new",
    "../../out.it",
]  # fmt: skip
ESCAPES = "\x1b]0;owned\x07\x1b[31m\r\u009b2J\u202eevil\u2066.txt"
SPARSE = 1 << 36  # bytes; they take no room
Way = Callable[[Path, Path], None]


def _link(target: str) -> Way:
    def make(path: Path, outside: Path) -> None:
        remove(path)
        path.symlink_to(outside / target)

    return make


def _moved(path: Path, outside: Path) -> None:
    """A link to what was there, which is outside now."""
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    remove(outside / "moved")
    shutil.move(path, outside / "moved")
    path.symlink_to(outside / "moved")


def _hard_link(path: Path, outside: Path) -> None:
    remove(path)
    os.link(outside / "precious", path)


def _pipe(path: Path, _: Path) -> None:
    remove(path)
    os.mkfifo(path)


def _socket(path: Path, _: Path) -> None:
    remove(path)
    here = os.open(path.parent, os.O_PATH)
    try:  # the name of a socket is at most 107 bytes
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(f"/proc/self/fd/{here}/{path.name}")
    finally:
        os.close(here)


def _folder(path: Path, _: Path) -> None:
    remove(path)
    (path / "in it").mkdir(parents=True)


def _filled(content: bytes) -> Way:
    def make(path: Path, _: Path) -> None:
        remove(path)
        path.write_bytes(content)

    return make


def _huge(path: Path, _: Path) -> None:
    remove(path)
    with path.open("wb") as file:
        file.truncate(SPARSE)


WAYS: dict[str, Way] = {
    "link to a file": _link("precious"), "link to a folder": _link("folder"),
    "dangling link": _link("nowhere"), "dangling link into a folder": _link("folder/nowhere"),
    "link to /dev/zero": _link("/dev/zero"), "link to /dev/full": _link("/dev/full"),
    "link to what was moved": _moved, "link to EIO": _link("/proc/self/mem"),
    "pipe": _pipe, "socket": _socket, "folder": _folder, "empty": _filled(b""),
    "huge": _huge, "noise": _filled(bytes(range(256)) * 50), "one line": _filled(b"[" * 3_000_000),
    "escapes": _filled(f"data: {{text: {json.dumps(ESCAPES)}}}\n".encode()),
}  # fmt: skip


def _loop(path: Path, _: Path) -> None:
    remove(path)
    path.symlink_to(path.name)


WAYS["link to itself"] = _loop


def _text_of(name: str) -> Way:
    """Another `data.text` in the configuration and in every checkpoint."""

    def make(path: Path, _: Path) -> None:
        run = path.parent
        config = (run / "config.yaml").read_text(encoding="utf-8")
        first, _, rest = config.partition("  text:\n")
        _, _, rest = rest.partition("\n")
        quoted = json.dumps(name)
        (run / "config.yaml").write_text(f"{first}  text:\n  - {quoted}\n{rest}", encoding="utf-8")
        for checkpoint in run.glob("checkpoints/*"):
            content = sealing.parse(checkpoint.read_bytes())
            content.meta["config"]["data"]["text"] = [name]
            checkpoint.write_bytes(sealing.sealed(content))

    return make


TEXTS = {
    "escapes": ESCAPES, "deep": "*/" * 2000, "pipe": "pipe", "zeros": "/dev/zero", "dash": "-",
    "glob": "/*/*", "long": "x" * 5000, "empty": "", "nul": "a\0b", "surrogate": "\ud800",
    "up": "../outside/precious", "folder": ".",
}  # fmt: skip


def cases(rng: Random) -> Iterator[tuple[str, str, Way]]:
    """All of them in an order that depends on the seed: a name, the file, what is done to it."""
    found = [(f"{name}: {way}", name, make) for name in NAMES for way, make in WAYS.items()]
    found += [(f"data.text: {what}", "config.yaml", _text_of(text)) for what, text in TEXTS.items()]
    rng.shuffle(found)
    yield from found


def spoil(sandbox: Sandbox, name: str, make: Way) -> None:
    """A new run with one thing that is not as charrnn made it."""
    run = sandbox.renew()
    make(Path(os.path.normpath(run / name)), sandbox.outside)


def commands() -> list[Command]:
    return every(POINT, [TEXT], TEXT)
