"""Planned runs: what is chosen is stored, and never chosen again."""

from __future__ import annotations

import io
import sys
import warnings
from types import SimpleNamespace

import pytest
from threadpoolctl import threadpool_limits

import charrnn
from charrnn import config
from charrnn.build import hardware, speed
from charrnn.build.speed import interpolated, seconds_per_character
from charrnn.data import planning as rules
from charrnn.data.corpus import load_corpus
from charrnn.errors import ConfigError, DataError, UsageError
from charrnn.report.plan import plan_lines
from charrnn.runs import planning
from tests.conftest import TEXT

SMALL = {"runtime.kernels": "numpy", "train.sample_length": 0}


@pytest.fixture
def measured(monkeypatch):
    """A machine that takes H · 10⁻⁷ seconds a character, and the widths that were asked for."""
    asked: list[config.Config] = []

    def measure(settings, corpus, seconds):
        asked.append(settings)
        return settings.model.hidden_size * 1e-7 * measure.slowness

    measure.slowness = 1.0
    monkeypatch.setattr(speed, "seconds_per_character", measure)
    monkeypatch.setattr(planning, "warm_up_mixture", lambda K: None)
    for module in (planning, hardware):
        monkeypatch.setattr(module, "has_compiled", lambda: False)
    return SimpleNamespace(asked=asked, measure=measure)


def begun(**arguments):
    """The configuration of a run that was started, its notices, and its plan."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with charrnn.training_events(**arguments) as training:
            launch = training._launch
            stored = config.load(launch.run.config)
    assert stored == launch.config
    return stored, " ".join(str(one.message) for one in told), launch.plan


def test_nothing_but_a_text_is_planned_for_ten_minutes(text_file, tmp_path, measured):
    planned, told, plan = begun(files=text_file, seed=7, out=tmp_path / "run")
    assert "planned for 10 minutes" in told
    assert f"adamw at {planned.optim.learning_rate:g} with weight decay" in plan_lines(plan)[2]
    assert plan.minutes == 10
    assert 8 < planned.train.minutes < 10
    assert planned.train.seed == 7
    assert planned.model.num_layers == 1
    assert planned.train.whole_epochs
    assert len(measured.asked) == 3
    assert planned.model.hidden_size == measured.asked[-1].model.hidden_size
    assert plan.settings["model.num_layers"] == 1


@pytest.mark.parametrize(
    "given",
    [
        {"steps": 3},
        {"epochs": 2},
        {"settings": {"model.hidden_size": 8}},
        {"config": {"model.hidden_size": 8}},
    ],
)
def test_whoever_says_more_gets_the_defaults(text_file, tmp_path, measured, given):
    planned, told, plan = begun(files=text_file, out=tmp_path / "run", **given)
    assert plan is None
    assert "planned" not in told
    assert not measured.asked
    assert planned.model.num_layers == 2
    assert planned.train.minutes is None
    assert ("is as built in" in told) == ("settings" in given)


def test_settings_are_held(text_file, tmp_path, measured):
    held = {
        "model": {"hidden_size": 12, "cell": "gru"}, "data.split": [0.5, 0.5, 0], "bptt.k1": 9,
        "train.whole_epochs": False, "ngram.order": 3,
    }  # fmt: skip
    planned, _, plan = begun(
        files=text_file, out=tmp_path / "run", minutes=5, epochs=2, settings=held
    )
    assert (planned.model.hidden_size, planned.model.cell) == (12, "gru")
    assert (planned.train.epochs, planned.data.split) == (2, (0.5, 0.5, 0))
    assert (planned.bptt.k1, planned.bptt.k2) == (9, 9)
    assert (planned.train.whole_epochs, planned.ngram.order) == (False, 3)
    assert plan.passes == 2
    assert ", 2 epochs" in plan_lines(plan)[0]
    assert len(measured.asked) == 1
    assert "model.hidden_size=12" in plan_lines(plan)[-1]


def test_a_configuration_keeps_all_but_its_length(text_file, tmp_path, measured):
    own = {"model.hidden_size": 8, "model.num_layers": 1, "train.epochs": 1000, **SMALL}
    measured.measure.slowness = 5000.0  # 4 ms a character
    planned, _, plan = begun(config=own, files=text_file, out=tmp_path / "run", minutes=5)
    characters = plan.characters
    assert planned.train.whole_epochs
    assert plan.passes == int(plan.passes)
    assert (
        plan.passes * characters * 4e-3 < 300 < 1.3 * ((plan.passes + 1) * characters * 4e-3)
    )  # fmt: skip
    assert 1.25 * plan.passes <= planned.train.epochs < 1.25 * plan.passes + 1
    assert f"about {plan.passes:g} epochs" in plan_lines(plan)[0]
    given = charrnn.load_config(own, {"data.text": list(planned.data.text)})
    assert planned == given.model_copy(update={"train": planned.train})
    # A limit of its own that comes first stays.
    few, _, _ = begun(config=own | {"train.epochs": 2}, files=text_file, out=tmp_path / "few",
                      minutes=5)  # fmt: skip
    assert few.train.epochs == 2
    # Of less than two epochs none is cut off.
    measured.measure.slowness *= plan.passes / 1.4
    by_clock, _, plan = begun(config=own, files=text_file, out=tmp_path / "clock", minutes=5)
    assert 1 < plan.passes < 2
    assert (by_clock.train.epochs, by_clock.train.whole_epochs) == (1000, False)


def test_the_most_that_is_planned_may_be_done_long_before(text_file, measured):
    long_before = "done long before that: more than 120 epochs are not planned"
    assert long_before in plan_lines(charrnn.plan(text_file, 600))[-1]
    few = charrnn.plan(text_file, 0.05)
    assert few.passes < 120
    assert "done long before" not in plan_lines(few)[-1]


@pytest.mark.parametrize("config", [None, {"model.hidden_size": 8}])
def test_steps_are_no_more_epochs_than_they_are(text_file, tmp_path, measured, config):
    planned, _, plan = begun(
        config=config, files=text_file, out=tmp_path / "run", minutes=5, steps=20
    )
    per_update = planned.train.batch_size * planned.bptt.k1
    assert plan.passes == pytest.approx(20 * per_update / plan.characters)
    assert planned.train.steps == 20
    assert planned.train.epochs == (50 if config else None)
    assert "ends after 20 steps" in " ".join(plan_lines(plan))


def test_the_clock_ends_what_has_no_time_for_an_epoch(text_file, tmp_path, measured):
    measured.measure.slowness = 1e6
    planned, _, plan = begun(files=text_file, out=tmp_path / "run", minutes=0.5)
    assert (planned.train.epochs, planned.train.whole_epochs) == (None, False)
    assert planned.model.hidden_size == 32
    assert plan.passes < 1
    assert "%" in plan_lines(plan)[0]


def test_a_plan_by_itself_may_be_by_the_clock_too(text_file, measured):
    measured.measure.slowness = 1e9
    plan = charrnn.plan(text_file)
    assert plan.passes < 1
    assert 0 < plan.config.train.minutes < 10


def test_lines_are_planned_as_lines(tmp_path, measured):
    (tmp_path / "names.txt").write_text("".join(f"name{n % 977}\n" for n in range(3000)))
    planned, _, plan = begun(files=tmp_path / "names.txt", out=tmp_path / "run", minutes=5)
    assert (planned.data.mode, planned.bptt.mode) == ("lines", "full")
    assert "sequences at a time" in " ".join(plan_lines(plan))


def test_records_and_bytes_that_were_asked_for(text_file, tmp_path, measured):
    text_file.write_bytes(text_file.read_bytes() + b"\xff\xfe\n\n")
    planned, _, _ = begun(
        files=text_file, out=tmp_path / "run", minutes=5,
        settings={"data.mode": "records", "data.unit": "byte"},
    )  # fmt: skip
    assert (planned.data.mode, planned.data.unit) == ("records", "byte")
    assert planned.bptt.mode in ("full", "truncated")


def test_stdin_is_planned_for_and_kept(tmp_path, measured, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    planned, _, _ = begun(files="-", out=tmp_path / "run", minutes=5)
    assert planned.data.text == (str(tmp_path / "run" / "text.txt"),)
    assert load_corpus(planned.data).text_characters == len(TEXT)


def test_a_model_to_begin_with_is_held(text_file, tmp_path, measured):
    own = {"model.hidden_size": 8, "model.num_layers": 1, **SMALL}
    source = charrnn.train(files=text_file, settings=own, steps=1, out=tmp_path / "source")
    planned, _, plan = begun(files=text_file, init_from=source, out=tmp_path / "run", minutes=5)
    assert (planned.model.hidden_size, plan.held["model.cell"]) == (8, "lstm")
    assert begun(files=text_file, init_from=source, out=tmp_path / "none")[2] is None


def test_a_resumed_run_never_plans_again(text_file, tmp_path, measured):
    """And is the run that was not stopped, byte for byte."""
    measured.measure.slowness = 3e4
    planned = charrnn.plan(text_file, 5, settings={"model.hidden_size": 8, **SMALL}).config
    assert planned.train.epochs == 3
    whole = charrnn.train(planned, out=tmp_path / "whole", progress=False)
    with charrnn.training_events(planned, out=tmp_path / "parts") as training:
        for event in training:
            if isinstance(event, charrnn.events.Stepped) and event.step == whole.step // 2:
                training.stop()
    measured.asked.clear()
    resumed = charrnn.resume(tmp_path / "parts", progress=False)
    assert not measured.asked
    assert resumed.step == whole.step
    last = [sorted((run.path / "checkpoints").glob("step-*"))[-1] for run in (whole, resumed)]
    assert last[0].read_bytes() == last[1].read_bytes()


def test_mistakes_are_told_before_anything_is_measured(text_file, tmp_path, measured):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    with pytest.raises(UsageError, match="exists already"):
        charrnn.train(files=text_file, out=tmp_path / "full", minutes=1)
    with pytest.raises(DataError, match="no such file"):
        charrnn.train(files=tmp_path / "none.txt", minutes=1)
    with pytest.raises(ConfigError, match="hidden_siz"):
        charrnn.train(files=text_file, settings={"model.hidden_siz": 1}, minutes=1)
    with pytest.raises(UsageError, match="minutes"):
        charrnn.plan(text_file, 0)
    (tmp_path / "latin.txt").write_bytes("déjà vu\n".encode("cp1252") * 99)
    with pytest.raises(DataError, match="not utf-8"):
        charrnn.plan(tmp_path / "latin.txt", 1)
    assert not measured.asked


def test_the_streams_of_these_kernels_are_measured(tmp_path, measured):
    (tmp_path / "long.txt").write_text(400 * TEXT)
    planned, _, _ = begun(files=tmp_path / "long.txt", out=tmp_path / "run", minutes=5)
    streams = {one.train.batch_size for one in [*measured.asked, planned]}
    assert streams == {rules.STREAM.streams["numpy"]}


def test_ranks_share_the_streams(text_file, tmp_path, measured, monkeypatch):
    monkeypatch.setattr(speed, "started", lambda: SimpleNamespace(size=2))
    planned, _, plan = begun(files=text_file, out=tmp_path / "run", minutes=5)
    H = planned.model.hidden_size
    assert measured.asked[0].train.batch_size == max(planned.train.batch_size // 2, 1)
    assert plan.speed == pytest.approx(2 / (H * 1e-7))


def test_the_real_measurement(text_file):
    settings = config.load(None, ["model.hidden_size=8", f"data.text={text_file}"])
    seconds = seconds_per_character(settings, load_corpus(settings.data), 0.001)
    assert 1e-9 < seconds < 1


def test_a_measurement_has_the_threads_that_the_run_will_have(text_file, monkeypatch):
    pools = []

    def made(*arguments):
        trainer = build_trainer(*arguments)
        pools.append(trainer.pool.threads)
        return trainer

    build_trainer = speed.trainer
    monkeypatch.setattr(speed, "trainer", made)
    settings = config.load(None, ["runtime.kernels=numpy", f"data.text={text_file}"])
    corpus = load_corpus(settings.data)
    with threadpool_limits(2, user_api="blas"):  # which "auto" are
        seconds_per_character(settings, corpus, 0.001)
        assert pools == [hardware.threads(settings).split]
    assert pools == [2]


def test_speeds_between_those_measured():
    power = {96: 96**1.5, 320: 320**1.5}
    for H in (32, 96, 200, 320, 768):
        assert interpolated(power, H) == pytest.approx(H**1.5)
    assert interpolated({100: 5.0}, 7) == 5.0
    assert interpolated({100: 5.0, 200: 3.0}, 400) == 5.0


def test_a_long_epoch_is_saved_and_evaluated_on_the_way(text_file, measured):
    measured.measure.slowness = 1e5
    short = charrnn.plan(text_file, 300, settings={"model.hidden_size": 8})
    held = {"model.hidden_size": 80, "data.split": [0.98, 0.02, 0]}
    long = charrnn.plan(text_file, 9000, settings=held)
    assert long.passes >= 1
    assert short.config.train.checkpoint_every == "epoch"
    per_update = long.config.bptt.k1 * long.config.train.batch_size
    seconds = long.config.train.checkpoint_every * per_update / long.speed
    assert 500 < seconds <= 600
    assert long.config.train.eval_every >= long.config.train.checkpoint_every
