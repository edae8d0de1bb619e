"""A folder to try charrnn in, and what must be the same in it afterwards.

ROOT/work       where commands run: texts, a sweep with one run
ROOT/outside    what no command was told of; nothing in it may change, nothing may come to it
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Collection, Sequence
from pathlib import Path

from fuzzing import process
from fuzzing.commands import SETTINGS, STEPS, SWEEP
from fuzzing.process import Ended

WRITTEN = {"sweep", "new", "runs", "out.it"}  # in work/: what the commands are told to write
POINT = "sweep/seed=1"
TEXT = "text.txt"
PRECIOUS = "what nobody may write to\n"
NOT_READ = 1 << 22  # bytes from which a file's size and times must do
State = dict[str, tuple[object, ...]]


class Sandbox:
    """Made once; `renew` puts back a sweep and its run, which `break_it` may then spoil."""

    def __init__(self, root: Path, corpus: str) -> None:
        self.root, self.work, self.outside = root, root / "work", root / "outside"
        for folder in (self.work, self.outside, root / "home", root / "tmp"):
            folder.mkdir(parents=True)
        self._environment = {
            "HOME": str(root / "home"), "TMPDIR": str(root / "tmp"),
            "CHARRNN_CACHE": str(root / "cache"),
        }  # fmt: skip
        (self.work / TEXT).write_text(corpus, encoding="utf-8")
        (self.outside / "precious").write_text(PRECIOUS)
        (self.outside / "folder").mkdir()
        (self.outside / "folder" / "precious").write_text(PRECIOUS)
        self.write_sweep([TEXT])

    def write_sweep(self, texts: list[str]) -> None:
        sections: dict[str, list[str]] = {}
        for item in [*SETTINGS, f"train.steps={STEPS}"]:
            section, _, key = item.partition(".")
            name, _, value = key.partition("=")
            sections.setdefault(section, []).append(f"{name}: {value.replace('null', '~')}")
        lines = [f"  {name}: {{{', '.join(keys)}}}" for name, keys in sections.items()]
        names = ", ".join(map(json.dumps, texts))
        lines += [f"  data: {{text: [{names}]}}", "grid:", "  train.seed: [1]", ""]
        (self.work / SWEEP).write_text("base:\n" + "\n".join(lines), encoding="utf-8")

    def prepare(self) -> None:
        """Train the sweep's one run. Raises SystemExit if charrnn does not."""
        ended = self.charrnn(["sweep", SWEEP, "--out", "sweep", "--jobs", "1"])
        if ended.code or not (self.work / POINT / "checkpoints").is_dir():
            raise SystemExit(f"cannot prepare: {ended}")
        (self.work / "sweep").rename(self.root / "template")

    def forget(self) -> None:
        """The run that was prepared."""
        remove(self.root / "template")

    def renew(self) -> Path:
        """A sweep as it was, with nothing beside it; the path of its run."""
        self.clear()
        shutil.copytree(self.root / "template", self.work / "sweep", symlinks=True)
        return self.work / POINT

    def clear(self) -> None:
        for name in WRITTEN:
            remove(self.work / name)

    def charrnn(self, arguments: Sequence[str]) -> Ended:
        return process.run(arguments, self.work, self._environment)

    def state(self) -> State:
        """All that no command may change."""
        found: State = {}
        for base, folders, files in os.walk(self.root):
            here = Path(base)
            if here == self.root:
                folders[:] = sorted({*folders} - {"cache", "template", "tmp"})
            if here == self.work:
                folders[:] = sorted({*folders} - WRITTEN)
                files = sorted({*files} - WRITTEN)
            for name in (*files, *folders):
                path = here / name
                found[str(path.relative_to(self.root))] = _facts(path)
        return found


def differences(before: State, after: State) -> Collection[str]:
    """Names of what came, went or changed."""
    names = {*before, *after}
    return sorted(name for name in names if before.get(name) != after.get(name))


def _facts(path: Path) -> tuple[object, ...]:
    status = path.lstat()
    content: object = None
    if stat.S_ISLNK(status.st_mode):
        content = os.readlink(path)
    elif stat.S_ISREG(status.st_mode) and status.st_size < NOT_READ:
        content = path.read_bytes()
    is_folder = stat.S_ISDIR(status.st_mode)
    times = 0 if is_folder else (status.st_mtime_ns, status.st_size)
    return status.st_mode, status.st_ino, times, content


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
