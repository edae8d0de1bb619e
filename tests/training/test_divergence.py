"""Divergence: caught in its step, explained, never saved, and rolled back where asked for."""

from __future__ import annotations

import json
import re
import shlex
from contextlib import suppress
from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np
import pytest

from charrnn import build, config
from charrnn.data.corpus import load_corpus
from charrnn.errors import DivergenceError
from charrnn.nn import bptt
from charrnn.report.advice import Advice
from charrnn.runs.records import MetricsFile, SampleFile
from charrnn.runs.resume import resume_run
from charrnn.runs.start import start_run
from charrnn.runtime.signals import StopSignal
from charrnn.storage.checkpoint import read
from charrnn.training.divergence import DivergedError, first_not_finite, remedies
from charrnn.training.events import Evaluated, Interrupted, RolledBack, Stepped
from charrnn.training.loop import train
from charrnn.training.optim.optimisers import Adam, is_finite

SMALL = [
    "model.hidden_size=12", "model.num_layers=1", "bptt.k1=8", "bptt.k2=8", "train.batch_size=4",
    "train.sample_length=20",
]  # fmt: skip
# A relu RNN that leaves the finite numbers within some ten steps.
WILD = [
    *SMALL, "model.cell=rnn", "model.activation=relu", "model.hidden_size=32", "bptt.k1=30",
    "bptt.k2=30", "optim.name=sgd", "optim.learning_rate=2", "optim.grad_clip=null",
]  # fmt: skip
ROLLBACK = "train.on_divergence=rollback"


def launch(text_file: Path, out: Path, *sets: str, steps: int = 40):
    settings = config.load(None, [f"data.text={text_file}", *sets], {"train.steps": steps})
    return start_run(settings, "test", out)


def trainer(text_file: Path, *sets: str):
    settings = config.load(None, [f"data.text={text_file}", *SMALL, *sets])
    return build.trainer(settings, load_corpus(settings.data))


def events(launched):
    """Those of the whole course, with the files of the run kept as the program keeps them."""
    found = []
    reporters = [MetricsFile(launched.run.metrics), SampleFile(launched.run.samples)]
    for event in train(launched.trainer, launched.run.checkpoints, StopSignal()):
        for reporter in reporters:
            reporter(event)
        found.append(event)
    return found


def checkpoints(run: Path) -> list[Path]:
    return sorted((run / "checkpoints").glob("*.safetensors"))


def arguments(*sets: str) -> list[str]:
    return [f"--set={item}" for item in sets]


# -- what is said -----------------------------------------------------------------------------


def test_the_message_names_step_norms_element_checkpoint_and_remedies(charrnn, text_file):
    done = charrnn(
        "train", "--text", text_file, "--out", "run", "--steps", 60, "-q",
        *arguments(*WILD, "train.checkpoint_every=2"),
    )  # fmt: skip
    assert done.returncode == 5, done.stderr
    assert re.search(r"diverged at step \d+: the loss is \S+ nats per character", done.stderr)
    assert re.search(r"norm was \S+ in the step before; median \S+ over the last", done.stderr)
    for said in (
        "optim.grad_clip=5",
        "2 is high for sgd",
        "nothing bounds a relu RNN",
        "warmup_steps",
    ):
        assert said in done.stderr
    assert "last good checkpoint is of step" in done.stderr


def test_the_command_in_the_message_goes_on_at_half_the_rate(charrnn, text_file, tmp_path):
    done = charrnn(
        "train", "--text", text_file, "--out", "a run", "--steps", 60, "-q",
        *arguments(*SMALL, "optim.name=sgd", "optim.learning_rate=1e38", "optim.grad_clip=null"),
    )  # fmt: skip
    assert done.returncode == 5, done.stderr
    command = shlex.split(re.search(r"charrnn (train --resume .*)", done.stderr)[1])
    again = charrnn(*command, "--steps", 0, "-q", "--format", "json")
    assert again.returncode == 0, again.stderr
    resolved = config.load(tmp_path / "a run" / "config.yaml")
    assert resolved.optim.learning_rate == pytest.approx(5e37)


@pytest.mark.parametrize(
    ("sets", "said", "unsaid"),
    [
        (["optim.grad_clip=null"], ["optim.grad_clip=5"], ["lower optim.grad_clip"]),
        (["optim.grad_clip=3"], ["lower optim.grad_clip, which is 3"], ["optim.grad_clip=5"]),
        (["optim.learning_rate=0.5"], ["0.5 is high for adam"], []),
        (["optim.learning_rate=0.002"], ["which is 0.002"], ["is high"]),
        (["train.loss_reduction=sum"], ["train.loss_reduction=mean"], ["relu"]),
        (["model.cell=rnn", "model.activation=relu"], ["relu RNN", "tanh"], ["reduction"]),
        (["optim.schedule.warmup_steps=10"], [], ["warmup"]),
    ],
)
def test_remedies_follow_the_configuration(sets, said, unsaid):
    settings = config.load(None, sets).model_dump(mode="json")
    text = "\n".join(remedies(settings, step=10, high_rate=Adam.high_rate))
    assert all(words in text for words in said)
    assert not any(words in text for words in unsaid)


def test_clipping_comes_first_where_the_gradient_was_long_before():
    settings = config.load(None, ["optim.grad_clip=null"]).model_dump(mode="json")
    assert "grad_clip=5" in remedies(settings, 10, [0.4, 80.0])[0]
    assert "learning_rate" in remedies(settings, 10, [80.0, 0.4])[0]


def test_warm_up_is_no_remedy_late_in_a_run():
    settings = config.load(None, []).model_dump(mode="json")
    assert "warmup" in "\n".join(remedies(settings, step=10))
    assert "warmup" not in "\n".join(remedies(settings, step=10_000))


def test_first_bad_element_and_its_index():
    arrays = {"b": np.zeros(3), "U": np.zeros((4, 5))}
    assert first_not_finite(arrays) is None
    arrays["U"][3, 1] = np.inf
    arrays["U"][2, 4] = np.nan
    assert first_not_finite(arrays) == "U[2, 4] is nan"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_finite_is_not_fooled_by_squares_that_overflow(dtype):
    array = np.full((3, 4), np.finfo(dtype).max / 2, dtype)
    with np.errstate(over="ignore"):
        assert is_finite(array)
        for bad in (np.nan, np.inf, -np.inf):
            array[1, 2] = bad
            assert not is_finite(array)


# -- where it is caught -----------------------------------------------------------------------


def test_a_gradient_that_is_not_finite_is_named(text_file, monkeypatch):
    one = trainer(text_file)
    real = bptt.gradient

    def spoiled(network, batch, state, grad, *args, **more):
        outcome = real(network, batch, state, grad, *args, **more)
        grad["layers.0.U"][3, 7] = np.nan
        return outcome

    one.update()
    before = one.network.params.flat.copy()
    monkeypatch.setattr(bptt, "gradient", spoiled)
    with pytest.raises(
        DivergedError, match=r"the gradient of layers\.0\.U\[3, 7\] is nan"
    ) as caught:
        one.update()
    assert "diverged at step 2" in str(caught.value)
    assert not caught.value.by_update
    np.testing.assert_array_equal(one.network.params.flat, before)


def test_a_state_that_is_not_finite_though_the_loss_is(text_file, monkeypatch):
    one = trainer(text_file)
    real = bptt.gradient

    def spoiled(*args, **more):
        outcome = real(*args, **more)
        state = [np.where(np.arange(part.shape[-1]) == 5, np.inf, part) for part in outcome.state]
        return replace(outcome, state=np.stack(state))

    monkeypatch.setattr(bptt, "gradient", spoiled)
    with pytest.raises(DivergedError, match=r"the state\[0, 0, 0, 5\] is inf"):
        one.update()
    assert np.isfinite(one.state.carried).all()


def test_a_finite_gradient_that_overflows_the_parameters(text_file):
    one = trainer(text_file, "optim.name=sgd", "optim.learning_rate=1e300", "optim.grad_clip=null")
    with pytest.raises(
        DivergedError, match=r"overflowed the parameters\s+the first .*\] is -?inf|nan"
    ):
        one.update()


def test_a_gradient_too_large_to_be_squared(text_file, monkeypatch):
    one = trainer(text_file, "optim.name=adam", "optim.grad_clip=null")
    real = bptt.gradient

    def huge(network, batch, state, grad, *args, **more):
        outcome = real(network, batch, state, grad, *args, **more)
        grad["output.c"][2] = 1e25
        return outcome

    monkeypatch.setattr(bptt, "gradient", huge)
    with pytest.raises(DivergedError, match=r"optim\.v of output\.c\[2\] is inf") as caught:
        one.update()
    assert not caught.value.by_update


def test_a_validation_loss_that_is_not_finite(text_file, tmp_path):
    """The step that was too long is not seen in its own loss, and must not be saved either."""
    launched = launch(
        text_file, tmp_path / "run", *SMALL, "optim.name=sgd", "optim.learning_rate=1e35",
        "optim.grad_clip=null", "train.eval_every=1", "train.checkpoint_every=1",
    )  # fmt: skip
    with pytest.raises(DivergenceError, match="validation loss"):
        events(launched)
    assert [path.name for path in checkpoints(tmp_path / "run")] == ["step-000000000.safetensors"]


@pytest.mark.parametrize("rate", [0.5, 8, 1e6, 1e20, 1e38, 1e300])
@pytest.mark.parametrize("name", ["sgd", "adagrad", "adam"])
def test_whatever_diverges_no_checkpoint_holds_what_is_not_finite(name, rate, text_file, tmp_path):
    launched = launch(
        text_file, tmp_path / "run", *WILD, f"optim.name={name}", f"optim.learning_rate={rate}",
        "train.eval_every=3", "train.checkpoint_every=1", "train.keep=100", steps=12,
    )  # fmt: skip
    with suppress(DivergenceError):
        events(launched)
    found = checkpoints(tmp_path / "run")
    assert found
    for path in found:
        assert all(np.isfinite(array).all() for array in read(path).arrays.values()), path


def test_restoring_undoes_a_best_that_came_after(text_file):
    one = trainer(text_file)
    before = one.checkpoint()
    assert one.state.record_validation(1.5)
    one.restore(before, "it")
    assert (one.state.best_loss, one.state.best_step) == (inf, None)


# -- rolling back -----------------------------------------------------------------------------


def test_rollback_saves_a_run_that_stop_ends(text_file, tmp_path):
    every = ["train.checkpoint_every=4", "train.log_every=1"]
    with pytest.raises(DivergenceError):
        events(launch(text_file, tmp_path / "stop", *WILD, *every))
    launched = launch(text_file, tmp_path / "back", *WILD, *every, ROLLBACK)
    found = events(launched)
    back = [event for event in found if isinstance(event, RolledBack)]
    assert launched.trainer.step == 40
    assert [event.rate_scale for event in back] == [0.5**n for n in range(1, len(back) + 1)]
    meta = read(checkpoints(tmp_path / "back")[-1]).meta.values
    assert (meta["rate_scale"], meta["rollbacks"]) == (0.5 ** len(back), len(back))

    lines = [line for line in launched.run.lines() if not line.get("final")]
    assert [line["step"] for line in lines] == list(range(1, 41))
    assert lines[-1]["learning_rate"] == 2 * 0.5 ** len(back)
    after = back[-1].step
    assert {line["learning_rate"] for line in lines if line["step"] > after} == {
        lines[-1]["learning_rate"]
    }
    steps = [int(n) for n in re.findall(r"--- step (\d+)", launched.run.samples.read_text())]
    assert steps == sorted(set(steps))


def test_the_same_checkpoint_twice_is_a_quarter_of_the_rate(text_file, tmp_path):
    launched = launch(text_file, tmp_path / "run", *WILD, ROLLBACK)
    back = [event for event in events(launched) if isinstance(event, RolledBack)]
    assert [event.step for event in back[:2]] == [0, 0]
    assert [event.rate_scale for event in back[:2]] == [0.5, 0.25]


@pytest.mark.parametrize("every", [3, 4, 100])
@pytest.mark.parametrize("kill_at", [1, 2])
def test_killed_right_after_a_rollback_it_comes_to_the_same(every, kill_at, text_file, tmp_path):
    sets = [*WILD, ROLLBACK, f"train.checkpoint_every={every}", "train.log_every=1"]
    whole = launch(text_file, tmp_path / "whole", *sets)
    back = sum(isinstance(event, RolledBack) for event in events(whole))
    assert back >= kill_at

    killed = launch(text_file, tmp_path / "parts", *sets)
    count = 0
    for event in train(killed.trainer, killed.run.checkpoints, StopSignal()):
        count += isinstance(event, RolledBack)
        if count == kill_at:
            break
    del killed, event
    parts = resume_run(tmp_path / "parts", {})
    events(parts)
    one, two = (
        {path.name: path.read_bytes() for path in checkpoints(tmp_path / name)}
        for name in ("whole", "parts")
    )
    assert one.keys() == two.keys()
    assert all(one[name] == two[name] for name in one)


def test_a_checkpoint_that_is_bad_itself_is_set_aside(text_file, tmp_path):
    """One is saved after every step: the last one is that of the step that was too long."""
    sets = [*WILD, "train.checkpoint_every=1", "train.keep=3"]
    with pytest.raises(DivergenceError, match="last good checkpoint") as caught:
        events(launch(text_file, tmp_path / "stop", *sets))
    aside = [path for path in checkpoints(tmp_path / "stop") if path.name.startswith("diverged-")]
    assert len(aside) == 1
    named = re.search(r"of step (\d+): (\S+)", str(caught.value))
    assert read(Path(named[2])).meta.step == int(named[1]) == read(aside[0]).meta.step - 1
    launched = launch(text_file, tmp_path / "back", *sets, ROLLBACK, "train.max_rollbacks=30")
    events(launched)
    assert launched.trainer.step == 40


def test_tries_are_limited(charrnn, text_file):
    done = charrnn(
        "train", "--text", text_file, "--out", "run", "--steps", 60, "-q",
        *arguments(*WILD, "optim.learning_rate=1e30", ROLLBACK, "train.max_rollbacks=2"),
    )  # fmt: skip
    assert done.returncode == 5
    assert done.stderr.count("notice: diverged at step") == 2
    assert "rollback 2 of 2" in done.stderr
    assert "train.max_rollbacks is reached: 2 rollbacks were made" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_to_go_back_to(text_file, tmp_path):
    """The parameters that the run begins with give no finite loss: a lower rate is no remedy."""
    launched = launch(text_file, tmp_path / "run", *WILD, ROLLBACK)
    launched.trainer.network.params["output.V"][...] = np.nan
    with pytest.raises(DivergenceError, match="nothing good was saved"):
        events(launched)


def test_the_json_summary_after_a_rollback(charrnn, text_file):
    done = charrnn(
        "train", "--text", text_file, "--out", "run", "--steps", 40, "--format", "json",
        *arguments(*WILD, ROLLBACK),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["step"] == 40
    assert "notice: diverged at step" in done.stderr


def test_advice_forgets_the_evaluations_that_were_undone():
    advice = Advice(K=60, from_scratch=True)
    for step, val in ((1, 2.0), (2, 1.999), (3, 1.998), (4, 9.0)):
        advice(Evaluated(step, step, 3.0 - step / 10, val, False))
    assert "overfits" in advice.end()
    advice(RolledBack(3, 3.0, 4, "diverged", 0.5, 1, 5, None, None))
    assert advice.end() is None


# -- a signal inside a long step --------------------------------------------------------------


class After(StopSignal):
    """A signal that comes when it was asked about for the n-th time."""

    def __init__(self, asked: int) -> None:
        super().__init__()
        self.left = asked

    @property
    def requested(self) -> bool:
        self.left -= 1
        return self.left < 0


FULL = [*SMALL, "bptt.mode=full", "bptt.window=20", "train.checkpoint_every=2"]


@pytest.mark.parametrize("asked", [0, 7, 150, 260, 400])
def test_a_signal_between_windows_abandons_the_step_and_resume_is_exact(asked, text_file, tmp_path):
    whole = launch(text_file, tmp_path / "whole", *FULL, steps=4)
    events(whole)
    parts = launch(text_file, tmp_path / "parts", *FULL, steps=4)
    stopped = list(train(parts.trainer, parts.run.checkpoints, After(asked)))
    assert isinstance(stopped[-1], Interrupted)
    assert sum(isinstance(event, Stepped) for event in stopped) == stopped[-1].step < 4
    del parts
    events(resume_run(tmp_path / "parts", {}))
    for name in ("step-000000004.safetensors", "best.safetensors"):
        one, two = (tmp_path / run / "checkpoints" / name for run in ("whole", "parts"))
        assert one.read_bytes() == two.read_bytes()
