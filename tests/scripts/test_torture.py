"""The torture in short, and rotation under any order of saves, damage and resuming."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from charrnn.errors import CheckpointError
from charrnn.storage.checkpoint import Checkpoint, read
from charrnn.storage.checkpoint_folder import CheckpointFolder, locate
from charrnn.storage.metadata import Metadata
from tests.conftest import PATIENCE, ROOT, wait_for
from tests.helpers.runs import TINY, generate_steps, play, resume, start

STEP = st.sampled_from(["save", "save best", "stop", "final best"])
DAMAGE = st.sampled_from(["damage last", "damage best"])
HISTORY = st.lists(st.one_of(STEP, STEP, DAMAGE, st.just("resume")), max_size=25)


def test_killed_runs_end_as_the_one_left_alone():
    done = subprocess.run(
        [sys.executable, "scripts/torture", "--kills", "4", "--each", "4", "--seed", "3",
         "--config", "rnn full"],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    runs, kills, _, _, _, lost = map(int, re.findall(r"(\d+)", done.stdout.split("all")[-1])[:6])
    assert (runs >= 1, kills, lost) == (True, 4, 0)


def checkpoint(step: int, best_step: int | None) -> Checkpoint:
    """The smallest that passes for one; its array says its step."""
    meta = {
        "step": step, "best": None if best_step is None else [1.0 / (1 + best_step), best_step],
        "config": {}, "vocabulary": {"unit": "char", "symbols": ["a"]}, "corpus_sha256": "",
        "cursor": [0, step], "optimiser_steps": step, "schedule": {}, "evaluations_waited": 0,
        "means": [[0.0, 0.0]] * 3, "rate_scale": 1.0, "rollbacks": 0, "conventions": 3,
    }  # fmt: skip
    return Checkpoint({"state": np.full((2, 3), step, np.float32)}, Metadata.of(meta))


class Story:
    """What a run's folder must hold, kept beside what `CheckpointFolder` makes of it."""

    def __init__(self, folder: Path, keep: int) -> None:
        self.path, self.keep = folder, keep
        self.folder = CheckpointFolder(folder / "checkpoints", keep)
        self.good: dict[int, int | None] = {}  # numbered and undamaged: the best step each knows
        self.step, self.best_step, self.best_is_good, self.ended = 0, None, False, False
        self.save()

    def tell(self, what: str) -> None:
        if what == "resume":
            self.resume()
        elif what == "damage last":
            self.damage(max(self.on_disk()))
        elif what == "damage best":
            spoil(self.folder.folder / "best.safetensors")
            self.best_is_good = False
        elif self.ended:
            self.resume()
        else:
            self.step += 1
            self.save(best=what == "save best", stop=what in ("stop", "final best"))
            if what == "final best":
                self.folder.save_final_best(checkpoint(self.step, self.step))
        self.check()

    def on_disk(self) -> set[int]:
        return {int(path.name[5:14]) for path in self.folder.steps()}

    def save(self, *, best: bool = False, stop: bool = False) -> None:
        if best:
            self.best_step, self.best_is_good = self.step, True
        self.folder.save(checkpoint(self.step, self.best_step), is_best=best)
        self.good = {s: b for s, b in self.good.items() if s in self.on_disk()}
        self.good[self.step] = self.best_step
        self.ended = stop

    def damage(self, step: int) -> None:
        spoil(self.folder.folder / f"step-{step:09d}.safetensors")
        self.good.pop(step, None)

    def resume(self) -> None:
        self.folder = CheckpointFolder(self.path / "checkpoints", self.keep)
        try:
            path, found, _ = self.folder.read_last()
        except CheckpointError:
            assert not self.good
            assert not self.best_is_good
            self.good, self.ended = {}, True
            return
        newest = max(self.good, default=-1)
        assert found.meta.step >= newest
        self.step = found.meta.step
        self.best_step = found.meta.values["best"][1] if found.meta.values["best"] else None
        self.good[self.step] = self.best_step
        self.folder.reopen(path, self.best_step, is_temporary=self.ended)
        self.ended = False
        self.best_is_good = self.best_is_good or readable(self.folder.folder / "best.safetensors")

    def check(self) -> None:
        """The last good one and the best are there, and no more than was asked for is kept."""
        for step in self.good:
            assert read(self.folder.folder / f"step-{step:09d}.safetensors").meta.step == step
        if self.best_is_good and self.best_step is not None:
            assert read(locate(self.path, "best")).meta.step >= self.best_step


def spoil(path: Path) -> None:
    if path.exists():
        path.write_bytes(path.read_bytes()[:-5])


def readable(path: Path) -> bool:
    try:
        read(path)
    except CheckpointError:
        return False
    return True


@given(history=HISTORY, keep=st.integers(0, 3))
@example(history=["save best", "final best", "damage last", "save"], keep=0)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_rotation_never_removes_best_last_or_the_only_good_one(history, keep, tmp_path_factory):
    story = Story(tmp_path_factory.mktemp("run"), keep)
    for what in history:
        good = set(story.good)
        story.tell(what)
        if what in ("save", "save best"):
            assert len(story.on_disk()) <= keep + 2
            # One that the run only stopped at may have gone, and one be written anew.
            assert len(story.good) >= min(len(good) - 1, keep + 1)
        if good:
            assert story.good or what.startswith("damage")


def test_a_damaged_last_is_replaced_by_a_best_that_is_newer(tmp_path):
    folder = CheckpointFolder(tmp_path, keep=0)
    folder.save(checkpoint(1, None), is_best=False)
    folder.save(checkpoint(2, 2), is_best=True)
    spoil(folder.steps()[-1])
    path, found, problems = CheckpointFolder(tmp_path).read_last()
    assert (found.meta.step, path.name) == (2, "step-000000002.safetensors")
    assert len(problems) == 1
    assert read(path).meta.step == 2


def test_a_best_of_a_final_evaluation_is_not_gone_on_from(tmp_path):
    folder = CheckpointFolder(tmp_path, keep=1)
    for step in (1, 2):
        folder.save(checkpoint(step, None), is_best=False)
    folder.save_final_best(checkpoint(2, 2))
    spoil(folder.steps()[-1])
    assert CheckpointFolder(tmp_path).read_last()[1].meta.step == 1


@pytest.mark.parametrize("keep", range(5))
def test_as_many_are_kept_as_asked_for_and_no_fewer(keep, tmp_path):
    folder = CheckpointFolder(tmp_path, keep=keep)
    for step in range(1, 9):
        folder.save(checkpoint(step, None), is_best=False)
        assert len(folder.steps()) == min(step, keep + 1)


def test_what_the_run_only_stopped_at_goes_and_what_it_keeps_stays(tmp_path):
    folder = CheckpointFolder(tmp_path, keep=1)
    for step in (10, 20, 23):
        folder.save(checkpoint(step, None), is_best=False)
    folder.reopen(folder.steps()[-1], None, is_temporary=True)
    folder.save(checkpoint(30, None), is_best=False)
    assert [path.name[5:14] for path in folder.steps()] == ["000000020", "000000030"]


def test_a_damaged_newest_does_not_count_as_kept(tmp_path):
    folder = CheckpointFolder(tmp_path, keep=1)
    for step in (10, 20):
        folder.save(checkpoint(step, None), is_best=False)
    spoil(folder.steps()[-1])
    again = CheckpointFolder(tmp_path, keep=1)
    path, *_ = again.read_last()
    again.reopen(path, None)
    again.save(checkpoint(12, None), is_best=False)
    assert [path.name[5:14] for path in again.steps()] == ["000000010", "000000012"]


def test_metrics_that_others_wrote_into_do_not_stop_a_resume(text_file, tmp_path):
    launch = start(text_file, tmp_path / "run", ["bptt.k1=8", "train.checkpoint_every=5"], 10)
    for _ in play(launch):
        pass
    whole = launch.run.metrics.read_bytes().splitlines(keepends=True)
    strange = [b"\xff\xfe\n", b'{"step": "x"}\n', b'{"step": 3}\n', b"[" * 9999 + b"\n", b"7\n",
               b'{"step": 9, "seconds": "?"}\n', b'{"step": 9, "seconds": 1.5}']  # fmt: skip
    launch.run.metrics.write_bytes(b"".join([*whole, *strange]))
    launch = resume(tmp_path / "run")
    kept = launch.run.metrics.read_bytes()
    assert kept == b"".join(line for line in whole if b"final" not in line)


def begun(text: Path, out: Path) -> subprocess.Popen[str]:
    """The real program in a run without an end, once it has saved something."""
    process = subprocess.Popen(
        [sys.executable, "-m", "charrnn", "train", "--text", str(text), "--out", str(out), "-q",
         *(f"--set={item}" for item in TINY), "--set=train.checkpoint_every=2", "--steps=1000000"],
        cwd=ROOT, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_for(lambda: list(out.glob("checkpoints/step-00*[1-9].safetensors")), process)
    return process


@pytest.mark.parametrize("numbers", [[signal.SIGSTOP, signal.SIGCONT, signal.SIGTERM],
                                     [signal.SIGINT, signal.SIGINT]])  # fmt: skip
def test_signals_end_a_run_that_can_go_on(numbers, text_file, tmp_path):
    process = begun(text_file, tmp_path / "run")
    for number in numbers:
        process.send_signal(number)
        time.sleep(0.02)
    _, said = process.communicate(timeout=PATIENCE)
    # A second SIGINT may meet Python when it has put its handlers away: a shell says 130 for both.
    assert process.returncode in (128 + numbers[-1], -numbers[-1])
    assert "Traceback" not in said
    step = read(locate(tmp_path / "run", "last")).meta.step
    assert generate_steps(tmp_path / "run", steps=step + 3).trainer.step == step + 3
