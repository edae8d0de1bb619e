"""The mixture of a run: counted when training ends, added, damaged, of another checkpoint."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from charrnn.api.evaluation import evaluate
from charrnn.api.inspection import inspect
from charrnn.api.mixing import mix
from charrnn.api.model import load
from charrnn.config import load as load_config
from charrnn.errors import CheckpointError, UsageError
from charrnn.inference.mixture import scoring as ordered
from charrnn.runs.records import Summary
from charrnn.training.events import Finished, Mixed
from tests.helpers.commands import fails
from tests.helpers.runs import finish, play, resume, start

LINES = ["data.mode=lines"]


def mixed_run(text_file, out, sets=(), steps=6):
    launch = start(text_file, out, ["ngram.order=4", *sets], steps)
    return launch, list(play(launch))


def quiet(_):
    pass


def test_training_ends_with_the_mixture_and_checkpoints_do_not_know(text_file, tmp_path):
    launch, events = mixed_run(text_file, tmp_path / "a")
    summary = Summary(launch)
    for event in events:
        summary(event)
    assert isinstance(events[-1], Mixed)
    assert events[-1].order == 4
    model = load(tmp_path / "a")
    result = evaluate(model, tell=quiet)
    assert result.used == "mixture"
    assert result.nats_per_char == pytest.approx(summary.values["mixture_val_loss"], abs=1e-6)
    alone = evaluate(model, use="network", tell=quiet)
    assert (alone.used, alone.parts) == ("network", None)
    assert result.parts["network"] == pytest.approx(alone.nats_per_char, abs=1e-6)

    plain = finish(start(text_file, tmp_path / "b", [], 6))
    for path in plain.run.checkpoints.folder.iterdir():
        assert path.read_bytes() == (tmp_path / "a/checkpoints" / path.name).read_bytes()
    assert load(tmp_path / "b").mixture is None


@pytest.mark.parametrize("sets", [[], LINES, ["data.unit=byte"]], ids=["text", "lines", "bytes"])
def test_little_room_gives_the_same(sets, text_file, tmp_path, monkeypatch):
    mixed_run(text_file, tmp_path / "r", sets)
    model = load(tmp_path / "r")
    text = (
        text_file.read_bytes()[:500] if sets == ["data.unit=byte"] else text_file.read_text()[:500]
    )
    cases = [{}, {"dynamic": 0.05}] if sets == LINES else [
        {}, {"dynamic": 0.05}, {"protocol": "cold", "context": 9},
    ]  # fmt: skip
    results = [evaluate(model, tell=quiet, **case) for case in cases]
    nats = model.score(text).nats
    monkeypatch.setattr(ordered, "ROOM", 40 * model.vocabulary.K)
    for case, before in zip(cases, results, strict=True):
        now = evaluate(model, tell=quiet, **case)
        assert now.nats_per_char == pytest.approx(before.nats_per_char, abs=1e-5)
        assert now.chars == before.chars
        assert now.used == "mixture"
    np.testing.assert_allclose(model.score(text).nats, nats, atol=1e-4)
    assert not np.allclose(model.score(text, use="network").nats, nats, equal_nan=True)


def test_a_run_killed_while_it_counts_is_resumed_to_the_same_bytes(text_file, tmp_path):
    mixed_run(text_file, tmp_path / "whole")
    launch = start(text_file, tmp_path / "cut", ["ngram.order=4"], 6)
    events = play(launch)
    for event in events:
        if isinstance(event, Finished):
            break
    events.close()  # as if killed
    assert not launch.run.mixture.exists()
    assert evaluate(load(tmp_path / "cut"), tell=quiet).used == "network"
    finish(resume(tmp_path / "cut"))
    whole = (tmp_path / "whole/mixture.safetensors").read_bytes()
    assert launch.run.mixture.read_bytes() == whole


def test_a_resumed_run_counts_anew_and_the_old_mixture_is_not_used(text_file, tmp_path):
    mixed_run(text_file, tmp_path / "whole", steps=9)
    launch, _ = mixed_run(text_file, tmp_path / "r", steps=5)
    old = launch.run.mixture.read_bytes()
    events = play(resume(tmp_path / "r", steps=9))
    for event in events:
        if isinstance(event, Finished):
            break
    events.close()
    told = []
    model = load(tmp_path / "r", "last")
    assert evaluate(model, tell=told.append).used == "network"
    assert any("another checkpoint" in text for text in told)
    with pytest.raises(CheckpointError, match="another checkpoint"):
        evaluate(model, use="mixture", tell=quiet)
    assert inspect(tmp_path / "r", "last").facts["mixture"]["problem"] == (
        "belongs to another checkpoint"
    )
    finish(resume(tmp_path / "r"))
    assert launch.run.mixture.read_bytes() != old
    whole = (tmp_path / "whole/mixture.safetensors").read_bytes()
    assert launch.run.mixture.read_bytes() == whole


def test_mix_adds_to_a_run_and_a_damaged_file_is_an_error(charrnn, text_file, tmp_path):
    run = finish(start(text_file, tmp_path / "r", [], 4)).run
    with pytest.raises(UsageError, match="no n-gram"):
        evaluate(load(run.path), use="mixture", tell=quiet)
    done = charrnn("mix", "r", "--order", 3, "--format", "json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["order"] == 3
    assert set(answer["parts"]) == {"network", "ngram"}
    assert load_config(run.config).ngram.order == 3
    facts = inspect(run.path).facts["mixture"]
    assert (facts["order"], facts["bytes"], facts["problem"]) == (3, answer["bytes"], None)
    assert f"n-gram of order 3: r/{run.mixture.name}" in charrnn("inspect", "r").stdout
    result = json.loads(charrnn("eval", "r", "--format", "json").stdout)
    assert result["used"] == "mixture"
    assert result["parts"] == pytest.approx(answer["parts"])

    beside = tmp_path / "alone"  # enough beside a checkpoint, without run and text
    beside.mkdir()
    shutil.copy(run.checkpoints.best(), beside / "model.safetensors")
    shutil.copy(run.mixture, beside)
    assert load(beside / "model.safetensors").mixture.order == 3

    data = bytearray(run.mixture.read_bytes())
    data[len(data) // 2] ^= 1
    run.mixture.write_bytes(data)
    fails(charrnn("eval", "r"), 4, "mixture.safetensors", "is damaged", "charrnn mix")
    assert evaluate(load(run.path), use="network", tell=quiet).used == "network"
    assert mix(run.path, 2).order == 2
    assert load(run.path).mixture.order == 2


def test_an_absent_section_is_no_ngram(text_file, tmp_path):
    run = finish(start(text_file, tmp_path / "r", [], 2)).run
    model = load(run.path)
    assert "ngram" not in model.meta["config"]
    assert model.config.ngram.order == 0
    old = run.config.read_text().replace("ngram:\n  order: 0\n", "")
    run.config.write_text(old)
    finish(resume(run.path))
    assert run.config.read_text() == old
