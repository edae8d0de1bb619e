"""A disk that fails: exit code 4, what was saved stays good, the run goes on to the same end."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from itertools import cycle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from charrnn.errors import CheckpointError
from charrnn.runtime import files
from charrnn.storage import atomic
from charrnn.storage import atomic as appended
from charrnn.storage.checkpoint import read
from tests.conftest import PATIENCE, ROOT, TEXT
from tests.helpers.runs import TINY, finish, generate_steps, start

from killing.comparing import differences  # isort: skip

ERRORS = (errno.ENOSPC, errno.EFBIG, errno.EROFS, errno.EIO, errno.EDQUOT)
# Each is of several writes: `last` and `best`, lines, samples, and a best before the final one.
SETS = ["bptt.k1=8", "train.eval_every=2", "train.checkpoint_every=3", "train.keep=0",
        "train.log_every=1"]  # fmt: skip
STEPS = 5


class Disk:
    """Stands for `os` in the store: the calls that change a disk fail from the nth on."""

    def __init__(self, working: float, number: int) -> None:
        self.calls, self._working, self._number = 0, working, number

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def _next(self) -> None:
        self.calls += 1
        if self.failing:
            raise OSError(self._number, os.strerror(self._number))

    @property
    def failing(self) -> bool:
        return self.calls > self._working

    def open(self, path: Any, flags: int, mode: int = 0o666) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR):
            self._next()
        return os.open(path, flags, mode)

    def write(self, descriptor: int, data: memoryview) -> int:
        """The last write before the disk is full takes a half."""
        try:
            self._next()
        except OSError:
            os.write(descriptor, data[: len(data) // 2])
            raise
        return os.write(descriptor, data)

    def fsync(self, descriptor: int) -> None:
        self._next()

    def replace(self, one: Any, other: Any) -> None:
        self._next()
        os.replace(one, other)


def install(disk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic, "os", disk)
    monkeypatch.setattr(appended, "os", disk)
    monkeypatch.setattr(files, "os", disk)


def require_intact(run: Path) -> None:
    """Every checkpoint by its name can be read, and nothing half written has such a name."""
    for path in (run / "checkpoints").glob("*.safetensors"):
        read(path)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "small.txt"
    path.write_text(TEXT[:600])
    return path


def test_a_fault_at_every_write_in_turn(small, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        install(disk := Disk(float("inf"), 0), patch)
        finish(start(small, tmp_path / "whole", SETS, steps=STEPS))
    assert disk.calls > 50
    for working, number in zip(range(disk.calls), cycle(ERRORS), strict=False):
        run = tmp_path / f"run-{working}"
        with monkeypatch.context() as patch:
            install(Disk(working, number), patch)
            with pytest.raises(CheckpointError) as caught:
                finish(start(small, run, SETS, steps=STEPS))
        assert os.strerror(number) in caught.value.what
        assert str(run) in str(caught.value.where)
        assert "make room" in str(caught.value.then)
        assert caught.value.exit_code == 4
        require_intact(run)
        if any((run / "checkpoints").glob("step-*")):
            generate_steps(run)
        else:
            with pytest.raises(CheckpointError, match=r"before its first checkpoint|is not a run"):
                generate_steps(run)
            caught = None  # and with it the lock
            finish(start(small, run, SETS, steps=STEPS))
        assert differences(tmp_path / "whole", run) == [], (working, os.strerror(number))


def complaint(run: Path) -> str:
    try:
        generate_steps(run)
    except CheckpointError as error:
        return str(error)
    return ""


def test_a_fault_at_every_write_of_resuming(small, tmp_path, monkeypatch):
    finish(start(small, tmp_path / "whole", SETS, steps=STEPS))
    run, working, said = tmp_path / "run", 0, "not begun"
    first = start(small, run, SETS, steps=STEPS)
    monkeypatch.setattr(atomic.os, "fsync", lambda _: None)
    with monkeypatch.context() as patch:
        install(Disk(40, errno.EIO), patch)
        with pytest.raises(CheckpointError):
            finish(first)
    while said:
        working += 1
        with monkeypatch.context() as patch:
            install(Disk(working, errno.EIO), patch)
            said = complaint(run)
        assert not said or "Input/output error" in said
        require_intact(run)
    assert working > 20
    assert differences(tmp_path / "whole", run) == []


def test_short_writes_are_completed(small, tmp_path, monkeypatch):
    finish(start(small, tmp_path / "whole", SETS, steps=STEPS))
    calls = {name: getattr(os, name) for name in dir(os)}
    stingy = SimpleNamespace(**{**calls, "write": lambda fd, data: os.write(fd, data[:37])})
    install(stingy, monkeypatch)
    finish(start(small, tmp_path / "slow", SETS, steps=STEPS))
    assert differences(tmp_path / "whole", tmp_path / "slow") == []


def test_a_folder_that_cannot_be_synced_is_no_error(small, tmp_path, monkeypatch):
    def fsync(descriptor: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.EINVAL, "Invalid argument")

    calls = {name: getattr(os, name) for name in dir(os)}
    install(SimpleNamespace(**{**calls, "fsync": fsync}), monkeypatch)
    finish(start(small, tmp_path / "run", SETS, steps=STEPS))


def charrnn(*args: object, limit: int | None = None) -> subprocess.CompletedProcess[str]:
    def restrict() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run(
        [sys.executable, "-m", "charrnn", "train", *map(str, args)],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, preexec_fn=restrict,
    )  # fmt: skip


def begin(text: Path, out: Path, *sets: str, **more: Any) -> subprocess.CompletedProcess[str]:
    seldom = ("train.eval_every=15", "train.checkpoint_every=20")
    items = [f"--set={item}" for item in (*TINY, *SETS, *seldom, *sets)]
    return charrnn("--text", text, "--out", out, *items, "--steps", 120, **more)


def require_told(done: subprocess.CompletedProcess[str], what: str, where: str) -> None:
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert f"cannot be written: {what}" in done.stderr
    assert where in done.stderr
    assert "continue with --resume" in done.stderr


def require_goes_on(run: Path, whole: Path) -> None:
    require_intact(run)
    done = charrnn("--resume", run)
    assert done.returncode == 0, done.stderr
    assert differences(whole, run) == []


@pytest.fixture(scope="module")
def whole(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "whole"
    done = begin(small, run)
    assert done.returncode == 0, done.stderr
    return run


def test_a_limit_on_the_size_of_files(whole, small, tmp_path):
    limit = (whole / "metrics.jsonl").stat().st_size * 3 // 4
    assert limit > (whole / "checkpoints" / "best.safetensors").stat().st_size
    run = tmp_path / "run"
    require_told(begin(small, run, limit=limit), "File too large", "metrics.jsonl")
    require_goes_on(run, whole)


def mounted(folder: Path, options: str) -> None:
    """A file system of its own, where this is allowed."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be mounted here")


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path):
    folder = tmp_path / "disk"
    mounted(folder, "size=8m")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_is_full(disk, whole, small):
    used = sum(-(-path.stat().st_size // 4096) for path in whole.rglob("*") if path.is_file())
    remount(disk, f"size={4 * (used - 2)}k")
    done = begin(small, disk / "run")
    require_told(done, "No space left on device", str(disk / "run"))
    remount(disk, "size=8m")
    require_goes_on(disk / "run", whole)


def test_a_disk_that_turns_read_only(disk, whole, small):
    done = begin(small, disk / "run", "train.minutes=0.001")
    assert done.returncode == 0, done.stderr
    remount(disk, "ro")
    before = {path: path.read_bytes() for path in disk.rglob("*") if path.is_file()}
    require_told(charrnn("--resume", disk / "run"), "Read-only file system", ".lock")
    done = begin(small, disk / "other")
    assert done.returncode == 4
    assert "cannot be made: Read-only file system" in done.stderr
    assert before == {path: path.read_bytes() for path in disk.rglob("*") if path.is_file()}
    remount(disk, "rw")
    assert charrnn("--resume", disk / "run").returncode == 0
