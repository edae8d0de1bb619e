"""Minutes that end a run with an epoch: `train.whole_epochs`."""

from __future__ import annotations

from math import cos, pi

import pytest

from charrnn import config
from charrnn.runs.resume import resume_run
from charrnn.runs.start import start_run
from charrnn.runtime.signals import StopSignal
from charrnn.training.events import Finished, Stepped
from charrnn.training.loop import train
from charrnn.training.plan import Clock, Limits

SETS = [
    "model.hidden_size=6", "model.num_layers=1", "bptt.k1=40", "train.batch_size=8",
    "train.sample_length=0", "train.whole_epochs=true", "optim.schedule.name=cosine",
    "optim.learning_rate=0.01",
]  # fmt: skip


class Paced(Clock):
    """As if each update took one second."""

    def __init__(self, trainer):
        super().__init__()
        self._trainer = trainer

    @property
    def seconds(self):
        return float(self._trainer.step)


def begin(text_file, out, minutes, *sets):
    launch = start_run(
        config.load(None, [*SETS, f"data.text={text_file}", f"train.minutes={minutes!r}", *sets]),
        "test", out,
    )  # fmt: skip
    launch.trainer.clock = Paced(launch.trainer)
    return launch


def trained(launch):
    events = list(train(launch.trainer, launch.run.checkpoints, StopSignal()))
    return [event for event in events if isinstance(event, Stepped)], events[-1]


@pytest.fixture
def per_epoch(text_file, tmp_path):
    return begin(text_file, tmp_path / "probe", 1).trainer.loader.batches_per_epoch


def test_another_epoch_that_does_not_fit_is_not_begun(text_file, tmp_path, per_epoch):
    launch = begin(text_file, tmp_path / "run", 2.6 * per_epoch / 60, "train.epochs=4")
    steps, end = trained(launch)
    assert len(steps) == 2 * per_epoch
    assert isinstance(end, Finished)
    assert "hold no more epochs" in end.reason
    # One epoch tells that two fit: of the second the schedule is that of a run of two.
    rates = [step.learning_rate for step in steps]
    half = [0.01 * (1 + cos(pi * n / per_epoch / 4)) / 2 for n in range(per_epoch)]
    assert rates[:per_epoch] == pytest.approx(half)
    rest = [0.01 * (1 + cos(pi * (1 + n / per_epoch) / 2)) / 2 for n in range(per_epoch)]
    assert rates[per_epoch:] == pytest.approx(rest)


def test_minutes_end_a_first_epoch_that_does_not_fit(text_file, tmp_path, per_epoch):
    steps, end = trained(begin(text_file, tmp_path / "run", 0.5 * per_epoch / 60))
    assert len(steps) == -(-per_epoch // 2)
    assert end.reason.endswith("minutes")
    assert steps[-1].learning_rate < 0.001


def test_epochs_that_fit_are_a_run_without_minutes(text_file, tmp_path):
    """No update knows the clock: resumed or not, it is the run of so many epochs."""
    losses = []
    for name, more in (("with", []), ("without", ["train.minutes=null", "train.steps=null"])):
        launch = begin(text_file, tmp_path / name, 9, "train.epochs=2", *more)
        losses.append([step.loss for step in trained(launch)[0]])
    assert losses[0] == losses[1]


def test_a_resumed_run_keeps_the_epochs_that_fit(text_file, tmp_path, per_epoch):
    minutes, limit = 3.5 * per_epoch / 60, "train.epochs=9"
    whole, _ = trained(begin(text_file, tmp_path / "whole", minutes, limit))
    launch = begin(text_file, tmp_path / "parts", minutes, limit)
    stop = StopSignal()
    for event in train(launch.trainer, launch.run.checkpoints, stop):
        if isinstance(event, Stepped) and event.step == per_epoch + 2:
            stop.wanted.set()
    launch.run.unlock()
    resumed = resume_run(tmp_path / "parts", {})
    assert resumed.trainer.state.fitting_epochs == 3
    resumed.trainer.clock = Paced(resumed.trainer)
    rest, _ = trained(resumed)
    assert [s.loss for s in rest] == [s.loss for s in whole[per_epoch + 2 :]]
    assert rest[-1].step == 3 * per_epoch


def test_a_run_that_its_whole_epochs_ended_can_be_made_longer(text_file, tmp_path, per_epoch):
    launch = begin(text_file, tmp_path / "run", 2.1 * per_epoch / 60, "train.epochs=2")
    trained(launch)
    launch.run.unlock()
    (tmp_path / "run" / "metrics.jsonl").write_text(
        f'{{"step": {2 * per_epoch}, "seconds": {2.0 * per_epoch}}}\n'
    )
    resumed = resume_run(tmp_path / "run", {"train.epochs": 3})
    assert resumed.config.train.minutes is None
    assert len(trained(resumed)[0]) == per_epoch


def test_limits_by_themselves():
    limits = Limits(epochs=4, minutes=1, whole_epochs=True)
    assert limits.fitting_epochs(1, 25) == 2
    assert limits.fitting_epochs(0, 25) is None
    assert Limits(epochs=4, minutes=1).fitting_epochs(1, 25) is None
    assert limits.share(9, 0.5, 5.9) == 0.125
    assert limits.share(9, 1.0, 59, 2) == 0.5
    assert limits.reached(9, 1.5, 50, 0) == {}
    assert list(limits.reached(9, 2.0, 50, 0)) == ["minutes"]
    assert limits.reached(9, 2.0, 40, 0) == {}
    assert list(limits.reached(9, 4.0, 30, 0)) == ["epochs"]
    assert list(limits.reached(9, 4.0, 50, 0)) == ["epochs", "minutes"]
