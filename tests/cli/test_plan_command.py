"""`charrnn train --minutes` and `charrnn corpus --minutes`: what they print of a plan."""

from __future__ import annotations

import json

import pytest
import yaml
from click.testing import CliRunner

import charrnn
from charrnn import config
from charrnn.build import hardware, speed
from charrnn.cli.main import cli
from charrnn.runs import planning


@pytest.fixture
def command(monkeypatch):
    for module in (planning, hardware):
        monkeypatch.setattr(module, "has_compiled", lambda: False)
    monkeypatch.setattr(speed, "seconds_per_character", lambda made, corpus, seconds: 1e-5)

    def run(*args):
        done = CliRunner().invoke(cli, list(map(str, args)), catch_exceptions=False)
        assert done.exit_code == 0, done.stderr
        return done

    return run


def test_a_plan_is_printed_and_stored(command, text_file, tmp_path):
    train = ("train", "--text", text_file, "--minutes", 5, "--steps", 20)
    small = [
        f"--set={key}" for key in ("model.hidden_size=8", "train.sample_length=0", "ngram.order=0")
    ]
    done = command(*train, *small, "--out", tmp_path / "run")
    lines = done.stderr.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("plan      for 5 minutes: LSTM"))
    held = next(line for line in lines if "held: " in line)
    assert "model.hidden_size=8" in held
    assert "train.steps=20" in held
    assert any(line.startswith("model     LSTM") for line in lines[at:])
    stored = config.load(tmp_path / "run" / "config.yaml")
    assert stored.model.hidden_size == 8
    assert stored.optim.schedule.name == "cosine"
    quiet = command(*train, *small, "--out", tmp_path / "quiet", "-q")
    assert quiet.stderr == ""


def test_a_configuration_keeps_its_rate(command, text_file, tmp_path):
    (tmp_path / "own.yaml").write_text("model: {hidden_size: 6}\noptim: {learning_rate: 0.5}\n")
    done = command("train", tmp_path / "own.yaml", "--text", text_file, "--minutes", 5,
                   "--steps", 1, "--out", tmp_path / "run")  # fmt: skip
    assert "plan      for 5 minutes: LSTM 2×6" in done.stderr
    assert "held" not in done.stderr
    assert "ends after 1 step\n" in done.stderr
    assert config.load(tmp_path / "run" / "config.yaml").optim.learning_rate == 0.5


def test_corpus_shows_what_would_be_chosen(command, text_file):
    shown = command("corpus", text_file, "--minutes", 5).stdout
    answer = json.loads(command("corpus", text_file, "--minutes", 5, "--format", "json").stdout)
    suggested = answer["suggestion"]
    assert suggested["minutes"] == 5
    assert suggested["command"] == f"charrnn train --text {text_file} --minutes 5"
    assert f"\n  {suggested['command']}\n" in shown
    planned = charrnn.plan(text_file, 5).config
    made = charrnn.load_config(yaml.safe_load(shown[shown.index("\n  data:\n") :]))
    assert made.model == planned.model
    assert made.bptt == planned.bptt
    without = json.loads(command("corpus", text_file, "--format", "json").stdout)["suggestion"]
    assert (without["minutes"], without["keys"]) == (None, {})
    assert without["command"].endswith("--minutes 10")


def test_minutes_have_a_range(text_file):
    for name in ("train", "corpus"):
        texts = ["--text", str(text_file)] if name == "train" else [str(text_file)]
        done = CliRunner().invoke(cli, [name, *texts, "--minutes", "0"])
        assert done.exit_code == 2
        assert "--minutes" in done.stderr
