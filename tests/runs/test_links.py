"""A run's folder that somebody else made: nothing outside it is written, nothing hangs."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from charrnn.errors import CheckpointError
from charrnn.runs.folder import RunFolder
from charrnn.runtime.files import open_for_writing, read_regular
from charrnn.storage.checkpoint import DamagedCheckpointError, read
from charrnn.storage.checkpoint_folder import locate
from tests.helpers.runs import finish, generate_steps, resume, start

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links and FIFOs")
SETS = ["train.eval_every=2", "train.checkpoint_every=2", "train.log_every=1", "train.keep=3"]
OWN = [".lock", "config.yaml", "metrics.jsonl", "samples.txt", "checkpoints", "tensorboard"]
NEWEST = "step-000000009.safetensors"


@pytest.fixture
def run(text_file: Path, tmp_path: Path) -> Path:
    finish(start(text_file, tmp_path / "run", SETS, steps=4))
    return tmp_path / "run"


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", OWN)
def test_a_run_with_a_link_among_its_files_is_not_continued(run, tmp_path, name):
    outside = tmp_path / "outside"
    if (run / name).exists():
        (run / name).rename(outside)
    else:
        outside.mkdir()
    (run / name).symlink_to(outside)
    before = (outside.read_bytes() if outside.is_file() else snapshot(outside), snapshot(run))
    with pytest.raises(CheckpointError, match="is a link") as caught:
        resume(run, steps=6)
    assert str(run / name) in str(caught.value)
    assert before == (
        outside.read_bytes() if outside.is_file() else snapshot(outside), snapshot(run)
    )  # fmt: skip


@pytest.mark.parametrize("name", OWN)
def test_a_dangling_link_is_not_created_through(run, tmp_path, name):
    if (run / name).is_dir():
        (run / name).rename(run / "elsewhere")
    (run / name).unlink(missing_ok=True) if not (run / name).is_dir() else None
    (run / name).symlink_to(tmp_path / "victim")
    with pytest.raises(CheckpointError):
        resume(run, steps=6)
    assert not (tmp_path / "victim").exists()


@pytest.mark.parametrize("name", [".lock", "samples.txt"])
def test_a_new_run_in_a_folder_with_links_is_refused(text_file, tmp_path, name):
    out, victim = tmp_path / "out", tmp_path / "victim"
    out.mkdir()
    victim.write_text("precious")
    (out / ".lock").touch()  # as a run that was killed before its first checkpoint
    (out / name).unlink(missing_ok=True)
    (out / name).symlink_to(victim)
    with pytest.raises(CheckpointError, match="is a link"):
        start(text_file, out, SETS, steps=2)
    assert victim.read_text() == "precious"


def test_a_link_that_comes_while_a_run_trains_is_not_followed(text_file, tmp_path):
    launch = start(text_file, tmp_path / "run", SETS, steps=4)
    (launch.run.path / "samples.txt").symlink_to(tmp_path / "victim")
    with pytest.raises(CheckpointError, match="is a link"):
        finish(launch)
    assert not (tmp_path / "victim").exists()


@pytest.mark.parametrize("name", ["report.html", "loss.png"])
def test_files_about_a_run_replace_a_link_and_leave_its_target(charrnn, run, tmp_path, name):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (run / name).symlink_to(victim)
    option = "--out" if name.endswith("html") else "--png"
    done = charrnn("report", run, option, run / name)
    assert done.returncode in (0, 6), done.stderr
    assert victim.read_text() == "precious"
    assert done.returncode == 6 or not (run / name).is_symlink()


def test_a_link_to_the_run_itself_is_followed(run, tmp_path):
    (tmp_path / "link").symlink_to(run)
    assert generate_steps(tmp_path / "link", steps=6).trainer.step == 6


def bad(kind: str, path: Path) -> None:
    """A file that cannot be read as one, in several ways."""
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to({"EIO": "/proc/self/mem", "zeros": "/dev/zero",
                         "dangling": path.parent / "nowhere", "loop": path}[kind])  # fmt: skip


KINDS = ["EIO", "zeros", "dangling", "loop", "fifo", "folder"]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/mem gives EIO")
@pytest.mark.parametrize("kind", KINDS)
def test_a_newest_checkpoint_that_cannot_be_read_is_passed_over(run, kind):
    bad(kind, run / "checkpoints" / NEWEST)
    with pytest.raises(DamagedCheckpointError):
        read(run / "checkpoints" / NEWEST)
    launch = resume(run)
    assert launch.trainer.step == 4
    assert any("is damaged" in notice for notice in launch.notices)
    launch.run.unlock()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/mem gives EIO")
@pytest.mark.parametrize("kind", ["EIO", "zeros", "fifo"])
@pytest.mark.parametrize("name", ["metrics.jsonl", "samples.txt", "config.yaml"])
def test_commands_on_a_run_with_a_file_that_is_none(charrnn, run, kind, name):
    (run / name).unlink()
    bad(kind, run / name)
    for command in (["train", "--resume", run, "--steps", "5", "-q"], ["report", run]):
        done = charrnn(*command)
        assert "Traceback" not in done.stderr
        if command[0] == "train" or name != "config.yaml":
            assert done.returncode in (2, 4), done.stderr
            assert name in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/mem gives EIO")
@pytest.mark.parametrize("kind", KINDS)
def test_commands_on_a_checkpoint_that_is_none(charrnn, run, kind):
    best = locate(run)
    best.unlink()
    bad(kind, best)
    for path in (run, best):
        for command in ("inspect", "sample", "export"):
            more = ["--to", "torch", "--out", run.parent / "o.safetensors"]
            done = charrnn(command, path, *(more if command == "export" else []))
            assert "Traceback" not in done.stderr
            # Of a run, what is not there is no best; the last is taken.
            assert done.returncode in ((0, 4) if kind in ("dangling", "loop") else (4,))
    if kind not in ("dangling", "loop"):
        assert charrnn("train", "--init-from", run, "--steps", "0", "-q").returncode == 4


@pytest.mark.parametrize("command", ["config check", "train", "gradcheck", "sweep", "prime"])
@pytest.mark.parametrize("kind", ["zeros", "fifo"])
def test_files_of_options_that_never_end(charrnn, run, tmp_path, command, kind):
    bad(kind, path := tmp_path / "it.yaml")
    words = ["sample", run, "--prime-file"] if command == "prime" else command.split()
    done = charrnn(*words, path)
    assert done.returncode == (3 if command == "prime" else 2), done.stderr
    assert "it.yaml: cannot be read: is a pipe or a device" in done.stderr


def test_a_configuration_that_is_too_large_is_not_read(charrnn, tmp_path):
    with open(tmp_path / "large.yaml", "wb") as file:
        file.truncate(10**9)
    done = charrnn("config", "check", "large.yaml")
    assert done.returncode == 2
    assert "is larger than 8,000,000 bytes" in done.stderr


def test_a_file_is_read_within_a_bound(tmp_path):
    (tmp_path / "some").write_bytes(bytes(10))
    assert read_regular(tmp_path / "some", 10) == bytes(10)
    with pytest.raises(OSError, match="larger than 9") as caught:
        read_regular(tmp_path / "some", 9)
    assert caught.value.errno == errno.EFBIG


def test_a_checkpoint_larger_than_memory_is_refused(tmp_path):
    """A file may say of itself that it is of any size, and take no space."""
    header = b'{"x":{"dtype":"F32","shape":[17592186044416],"data_offsets":[0,70368744177664]}}'
    path = tmp_path / "huge.safetensors"
    with open(path, "wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        try:
            file.truncate(8 + len(header) + 2**43)
        except OSError:
            pytest.skip("this file system holds no such file")
    with pytest.raises(DamagedCheckpointError, match="do not fit in memory"):
        read(path)


def test_what_is_written_in_place_is_a_regular_file(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", Path("/dev/null")):
        with pytest.raises(OSError, match="pipe or a device"):
            open_for_writing(path, os.O_WRONLY)
    with pytest.raises(IsADirectoryError):
        open_for_writing(tmp_path, os.O_RDONLY)


def test_rewinding_cuts_a_long_line_that_is_not_whole(tmp_path):
    run = RunFolder(tmp_path)
    (tmp_path / "checkpoints").mkdir()
    first = '{"step": 1, "seconds": 2.5}\n'
    run.metrics.write_text(first + '{"step": 2, "seconds": 3}\n' + "x" * 3_000_000)
    long = "--- step 1\n" + "y" * 3_000_000 + "\n"
    run.samples.write_text(long + "--- step 2\nz\n")
    assert run.rewind(1) == 2.5
    assert run.metrics.read_text() == first
    assert run.samples.read_text() == long
    run.samples.write_text(long + "cut")
    run.rewind(1)
    assert run.samples.read_text() == long


def test_a_line_without_end_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr("charrnn.runs.folder.MAX_LINE", 64)
    run = RunFolder(tmp_path)
    first, second = (f'{{"step": {step}, "seconds": 2.5}}\n' for step in (1, 2))
    for pieces, steps in ((255, [1, 2]), (256, [1])):
        run.metrics.write_text(first + "x" * (64 * pieces) + "\n" + second)
        assert [line["step"] for line in run.lines()] == steps
