"""Samples for whoever watches: soon, by the clock, on demand; and the run is the same with them."""

from __future__ import annotations

import os
import signal
import sys
from itertools import pairwise

import pytest

from charrnn import config
from charrnn.runs.records import record
from charrnn.runs.start import start_run
from charrnn.runtime.requests import Requests
from charrnn.runtime.signals import StopSignal
from charrnn.storage.checkpoint import read
from charrnn.training import previews as schedule
from charrnn.training.events import Previewed, Sampled
from charrnn.training.previews import Previews
from tests.conftest import ROOT


def events(text_file, out, sets, previews):
    settings = config.load(None, [
        f"data.text=[{text_file}]", "model.hidden_size=6", "train.batch_size=4", "train.steps=9",
        "train.eval_every=4", "train.sample_length=30", "runtime.kernels=numpy", *sets,
    ])  # fmt: skip
    launch = start_run(settings, "run", out)
    found = list(record(launch, StopSignal(embedded=True), previews))
    launch.run.unlock()
    return found


@pytest.mark.parametrize(
    "sets",
    [
        ["bptt.k1=5", "bptt.k2=9", "optim.ema_decay=0.9", "model.dropout=0.3"],
        ["data.mode=lines", "model.cell=gru", "model.weight_dropout=0.2"],
        ["train.sample_length=0", "runtime.threads=2"],
    ],
)
def test_a_run_is_the_same_with_previews_and_without(text_file, tmp_path, sets):
    plain = events(text_file, tmp_path / "a", sets, None)
    shown = events(text_file, tmp_path / "b", sets, Previews(lambda: True))
    assert not [event for event in plain if isinstance(event, Previewed)]
    seen = [event for event in shown if isinstance(event, Previewed)]
    assert [event.step for event in seen] == [1, 2, 3, 5, 6, 7, 9]  # but for evaluations
    assert all(event.asked and event.text for event in seen)
    one, other = (read(tmp_path / name / "checkpoints" / "step-000000009.safetensors")
                  for name in "ab")  # fmt: skip
    assert one.arrays.keys() == other.arrays.keys()
    for name, array in one.arrays.items():
        assert array.tobytes() == other.arrays[name].tobytes(), name
    samples = [tmp_path / name / "samples.txt" for name in "ab"]
    assert [path.exists() for path in samples] == ["train.sample_length=0" not in sets] * 2
    if samples[0].exists():
        assert samples[0].read_bytes() == samples[1].read_bytes()


def test_a_preview_is_what_the_sample_of_its_step_would_be(text_file, tmp_path):
    sampled = events(text_file, tmp_path / "a", ["train.eval_every=3"], None)
    shown = events(text_file, tmp_path / "b", [], Previews(lambda: True))
    (of_step_3,) = [e.text for e in sampled if isinstance(e, Sampled) and e.step == 3]
    (preview,) = [e.text for e in shown if isinstance(e, Previewed) and e.step == 3]
    assert preview == of_step_3


def test_when_a_preview_is_due():
    previews = Previews()
    previews.start(100.0)  # a run that goes on
    assert not previews.is_due(1e9)  # nobody watches
    previews.by_time = True
    assert schedule.FIRST < 10
    assert [previews.is_due(100 + t) for t in (0, schedule.FIRST - 0.1, schedule.FIRST)] == [
        False, False, True,
    ]  # fmt: skip
    times, now = [], 100.0
    for _ in range(40):
        while not previews.is_due(now):
            now += 0.25
        times.append(now)
        previews.taken(now, cost=0.05)
    pauses = [b - a for a, b in pairwise(times)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == schedule.LONGEST
    previews.taken(now, cost=30.0)  # at most a hundredth of the time
    assert not previews.is_due(now + 2999)
    assert previews.is_due(now + 3000)


def test_one_that_is_slow_ends_where_it_is(text_file, tmp_path, monkeypatch):
    from charrnn.training import loop

    monkeypatch.setattr(loop, "PATIENCE", -1.0)
    shown = events(text_file, tmp_path / "a", ["train.sample_length=500"], Previews(lambda: True))
    assert {len(e.text) for e in shown if isinstance(e, Previewed)} == {16}  # the first piece


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="Windows has no SIGUSR1")
def test_a_signal_asks_once_and_is_what_it_was_afterwards():
    before = signal.getsignal(signal.SIGUSR1)
    with Requests() as requests:
        assert not requests.taken()
        signal.raise_signal(signal.SIGUSR1)
        assert [requests.taken(), requests.taken()] == [True, False]
    assert signal.getsignal(signal.SIGUSR1) is before


KEYS = """
import sys, time
from charrnn.runtime.requests import enter_was_pressed, reads_keys
assert reads_keys() and not enter_was_pressed()
print("ready", flush=True)
while not enter_was_pressed():
    time.sleep(0.001)
print("pressed", flush=True)
for _ in range(200):
    assert not enter_was_pressed()
    time.sleep(0.001)
print("left", repr(sys.stdin.readline()), flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_enter_asks_and_what_is_typed_ahead_is_left_to_the_shell():
    import pty

    pid, terminal = pty.fork()
    if not pid:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-c", KEYS])
    seen = b""

    def until(word):
        nonlocal seen
        while word not in seen:
            seen += os.read(terminal, 1024)

    until(b"ready")
    os.write(terminal, b"\n")
    until(b"pressed")
    os.write(terminal, b"ls -l\n")
    until(b"left 'ls -l\\n'")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(terminal)
