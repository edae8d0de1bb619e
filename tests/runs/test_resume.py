"""Training 2N steps is training N, ending in any way, and resuming for N: byte for byte."""

from __future__ import annotations

import errno
import signal
from pathlib import Path

import numpy as np
import pytest

from charrnn.errors import CheckpointError
from charrnn.runs.start import Launch
from charrnn.runtime.signals import StopSignal
from charrnn.storage import atomic
from charrnn.storage.checkpoint import read
from charrnn.storage.checkpoint_folder import locate
from charrnn.training.events import Evaluated, Finished, Interrupted, Saving, Stepped
from tests.helpers.runs import finish, generate_steps, pairwise, play, resume, start

from killing.comparing import differences  # isort: skip

CELLS = {
    "rnn tanh": ["model.cell=rnn"],
    "rnn sigmoid": ["model.cell=rnn", "model.activation=sigmoid"],
    "rnn relu": ["model.cell=rnn", "model.activation=relu"],
    "gru": ["model.cell=gru"],
    "lstm": ["model.cell=lstm", "model.num_layers=2"],
    "lstm no forget gate": ["model.forget_gate=false"],
    "lstm peepholes": ["model.peepholes=true"],
    "lstm coupled": ["model.coupled_gates=true"],
    "lstm 1997": ["model.forget_gate=false", "bptt.cell_truncation=1997"],
}
MODES = {
    "stream (8, 8)": ["bptt.k1=8", "bptt.k2=8"],
    "stream (5, 12)": ["bptt.k1=5", "bptt.k2=12"],
    "stream full": ["bptt.mode=full", "data.split=[0.1,0.2,0.7]"],
    "stream full, windows": ["bptt.mode=full", "bptt.window=16", "data.split=[0.1,0.2,0.7]"],
    "blocks (5, 12)": ["data.split_by=blocks", "bptt.k1=5", "bptt.k2=12"],
    "records (8, 8)": ["data.mode=records", "data.separator=.", "bptt.k1=8", "bptt.k2=8"],
    "lines (5, 12)": ["data.mode=lines", "bptt.k1=5", "bptt.k2=12"],
    "lines full": ["data.mode=lines", "bptt.mode=full"],
}
OPTIMISERS = {
    name: [f"optim.name={name}"]
    for name in ("sgd", "momentum", "adagrad", "rmsprop", "adam", "adamw")
}
SCHEDULES = {
    "constant": [],
    "warm-up": ["optim.schedule.warmup_steps=20"],
    "step": ["optim.schedule.name=step", "optim.schedule.after=0"],
    "exponential": ["optim.schedule.name=exponential", "optim.schedule.factor=0.5"],
    "linear": ["optim.schedule.name=linear"],
    "cosine": ["optim.schedule.name=cosine", "optim.schedule.warmup_steps=5"],
    "plateau": ["optim.schedule.name=plateau", "optim.schedule.patience=1"],
}
INTERVALS = {
    "often": ["train.eval_every=3", "train.checkpoint_every=4", "train.keep=1"],
    "each epoch": ["train.eval_every=epoch", "train.checkpoint_every=epoch", "train.keep=2"],
    "only the last": ["train.eval_every=5", "train.checkpoint_every=2", "train.keep=0"],
}
AVERAGES = {"no mean": [], "mean of weights": ["optim.ema_decay=0.9"]}
DROPOUTS = {
    "no dropout": [],
    "dropout": ["model.dropout=0.3"],
    "variational": ["model.dropout=0.3", "model.variational_dropout=true"],
    "weight dropout": ["model.weight_dropout=0.1"],
}
# With `--steps N` the run has another total than with 2N, and so another course under these.
BY_SHARE = ("linear", "cosine")
ENDS = ("--steps N", "SIGINT", "SIGTERM", "killed in a step", "killed before a save", "disk full")
TABLES = (CELLS, MODES, OPTIMISERS, SCHEDULES, INTERVALS, DROPOUTS, AVERAGES)
NAMES = ("cell", "mode", "optimiser", "schedule", "intervals", "dropout", "mean")
AXES = {name: list(table) for name, table in zip(NAMES, TABLES, strict=True)}
AXES["end"] = list(ENDS)


def _can_be_exact(case: dict[str, str]) -> bool:
    return not (case["schedule"] in BY_SHARE and case["end"] == "--steps N")


CASES = pairwise(AXES, _can_be_exact)


@pytest.fixture
def text_file(text_file: Path) -> Path:
    """Less of it: most of the time goes to evaluations."""
    text_file.write_text(text_file.read_text()[:900])
    return text_file


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(atomic.os, "fsync", lambda _: None)


def train_to(launch: Launch, kind: type, step: int) -> None:
    """Train until an event of that kind and step, and then no more."""
    events = play(launch)
    for event in events:
        if isinstance(event, kind) and event.step >= step:
            break
    events.close()


def first_part(text_file: Path, out: Path, sets: list[str], end: str, N: int, monkeypatch) -> None:
    """Begin a run of 2N steps and end it in the middle."""
    launch = start(text_file, out, sets, steps=N if end == "--steps N" else 2 * N)
    if end == "--steps N":
        finish(launch)
    elif end.startswith("SIG"):
        stop = StopSignal()
        events = play(launch, stop)
        for event in events:
            if isinstance(event, Stepped) and event.step == N:
                stop.number = getattr(signal, end)
        assert isinstance(event, Interrupted)
        assert read(locate(out, "last")).meta.step == N
    elif end == "killed in a step":
        train_to(launch, Stepped, N)
    elif end == "killed before a save":
        train_to(launch, Saving, N)
    else:
        train_to(launch, Stepped, N)
        with monkeypatch.context() as patch:
            patch.setattr(atomic.os, "fsync", _no_room)
            with pytest.raises(CheckpointError, match="No space left"):
                launch.run.checkpoints.save(launch.trainer.checkpoint(), is_best=True)


def _no_room(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("case", CASES, ids=lambda case: ", ".join(case.values()))
def test_a_run_in_two_parts_is_the_run_in_one(case, text_file, tmp_path, monkeypatch):
    sets = [s for name, table in zip(NAMES, TABLES, strict=True) for s in table[case[name]]]
    N = 7 if "stream full" in case["mode"] else 13
    finish(start(text_file, tmp_path / "whole", sets, steps=2 * N))
    first_part(text_file, tmp_path / "parts", sets, case["end"], N, monkeypatch)
    generate_steps(tmp_path / "parts", steps=2 * N)
    found = differences(tmp_path / "whole", tmp_path / "parts")
    if case["end"] == "--steps N":
        found = [name for name in found if not _same_but_for_steps(name, tmp_path)]
    assert found == []


def _same_but_for_steps(name: str, folder: Path) -> bool:
    """What the first part wrote says that it was to be of N steps."""
    whole, parts = read(folder / "whole" / name), read(folder / "parts" / name)
    config = parts.meta.values["config"]
    assert config["train"].pop("steps") < whole.meta.values["config"]["train"].pop("steps")
    return whole.meta.values == parts.meta.values and all(
        np.array_equal(array, parts.arrays[key]) for key, array in whole.arrays.items()
    )


def test_the_matrix_has_every_pair_of_choices():
    assert {(c["cell"], c["mode"]) for c in CASES} == {(a, b) for a in CELLS for b in MODES}
    for axis, values in AXES.items():
        assert {case[axis] for case in CASES} == set(values)


def test_a_run_that_is_stopped_many_times(text_file, tmp_path):
    sets = ["bptt.k1=8", "train.checkpoint_every=4", "train.eval_every=6", "train.keep=2"]
    finish(start(text_file, tmp_path / "whole", sets, steps=40))
    launch = start(text_file, tmp_path / "parts", sets, steps=40)
    while launch.trainer.step < 40:
        stop = StopSignal()
        for event in play(launch, stop):
            if isinstance(event, Stepped) and event.step % 3 == 2:
                stop.number = signal.SIGINT
        launch = resume(tmp_path / "parts")
    finish(launch)
    assert differences(tmp_path / "whole", tmp_path / "parts") == []


@pytest.mark.parametrize("cut", range(6, 21))
def test_early_stopping_ends_at_the_same_step(cut, text_file, tmp_path):
    sets = ["bptt.k1=8", "train.eval_every=3", "train.checkpoint_every=1", "optim.name=sgd",
            "train.early_stopping=2", "optim.learning_rate=1e-12"]  # fmt: skip
    whole = finish(start(text_file, tmp_path / "whole", sets, steps=100))
    assert whole.trainer.step % 3 == 0
    assert whole.trainer.step < 100
    launch = start(text_file, tmp_path / "parts", sets, steps=100)
    train_to(launch, Stepped, cut)
    generate_steps(tmp_path / "parts")
    assert differences(tmp_path / "whole", tmp_path / "parts") == []


def test_a_limit_in_epochs_that_is_raised(text_file, tmp_path):
    sets = ["bptt.k1=8", "train.eval_every=4", "train.checkpoint_every=3"]
    finish(start(text_file, tmp_path / "whole", [*sets, "train.epochs=2.0"]))
    launch = start(text_file, tmp_path / "parts", [*sets, "train.epochs=1.0"])
    assert finish(launch).trainer.step % 4
    generate_steps(tmp_path / "parts", epochs=2.0)
    assert differences(tmp_path / "whole", tmp_path / "parts") == []


def test_killed_in_every_event_of_a_run(text_file, tmp_path):
    """Between any two events: also in the final evaluation and after the last checkpoint."""
    sets = ["bptt.k1=8", "train.checkpoint_every=4", "train.eval_every=5", "model.cell=gru"]
    count = sum(1 for _ in play(start(text_file, tmp_path / "whole", sets, steps=9)))
    for index in range(count):
        out = tmp_path / f"killed-{index}"
        events = play(start(text_file, out, sets, steps=9))
        for _ in range(index + 1):
            event = next(events)
        events.close()
        if index == 0:
            assert isinstance(event, Saving)
            with pytest.raises(CheckpointError, match="run the command that began it again"):
                resume(out)
            finish(start(text_file, out, sets, steps=9))
        else:
            generate_steps(out)
        assert differences(tmp_path / "whole", out) == [], index


@pytest.mark.parametrize("steps", [9, 10])
def test_a_finished_run_is_evaluated_and_not_changed(steps, text_file, tmp_path):
    sets = ["bptt.k1=8", "train.eval_every=5"]
    finish(start(text_file, tmp_path / "once", sets, steps=steps))
    finish(start(text_file, tmp_path / "again", sets, steps=steps))
    events = list(play(resume(tmp_path / "again")))
    assert any(isinstance(event, Evaluated) for event in events)
    assert isinstance(events[-1], Finished)
    assert differences(tmp_path / "once", tmp_path / "again") == []


def test_samples_that_look_like_headings_survive(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("--- step 9\n" * 300)
    sets = ["bptt.k1=8", "train.eval_every=2", "train.checkpoint_every=2", "model.hidden_size=24",
            "optim.learning_rate=0.1", "train.sample_length=80"]  # fmt: skip
    whole = finish(start(text, tmp_path / "whole", sets, steps=60))
    assert b"\n --- step 9\n" in whole.run.samples.read_bytes()
    train_to(start(text, tmp_path / "parts", sets, steps=60), Stepped, 51)
    generate_steps(tmp_path / "parts")
    assert differences(tmp_path / "whole", tmp_path / "parts") == []
