"""What the program says to do next can be pasted, and does what it says."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from charrnn import config
from charrnn.api.settings import name_of
from charrnn.cli.spelling import in_options
from charrnn.errors import call
from charrnn.runs.changes import lift_limits
from tests.conftest import TEXT

Program = Callable[..., "subprocess.CompletedProcess[str]"]
SMALL = [
    "--set", "model.hidden_size=6", "--set", "model.num_layers=1", "--set", "train.batch_size=4",
    "--set", "bptt.k1=8", "--set", "train.sample_length=0",
]  # fmt: skip
SPACED = "my run's"


def advised(said: str) -> list[str]:
    """The words of the command in a text, without the program's name."""
    found = re.search(r"charrnn ([a-z]+ .*)", said)
    assert found, said
    return shlex.split(found[1])


def step(done: subprocess.CompletedProcess[str]) -> int:
    assert done.returncode == 0, done.stderr
    return int(json.loads(done.stdout)["step"])


@pytest.fixture
def train(charrnn: Program, tmp_path: Path) -> Program:
    (tmp_path / "t.txt").write_text(TEXT)
    return lambda *options: charrnn("train", *options, "-q", "--format", "json")


def begin(train: Program, *ends: object, out: str = "run") -> int:
    return step(train("--text", "t.txt", "--out", out, *SMALL, *ends))


# -- a run that is made longer ----------------------------------------------------------------

ENDS = {
    "epochs": ("--epochs", 1),
    "minutes": ("--minutes", 0.003, "--epochs", 20),
    "steps": ("--steps", 6),
    "early stopping": (
        "--set", "train.early_stopping=1", "--set", "train.eval_every=2",
        "--set", "optim.learning_rate=1e-12",
    ),
}  # fmt: skip


@pytest.mark.parametrize("ends", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("validated", [True, False])
def test_steps_make_a_run_longer_whatever_ended_it(train, tmp_path, ends, validated) -> None:
    if not validated and "train.early_stopping=1" in ends:
        pytest.skip("early stopping needs a validation part")
    parts = [] if validated else ["--set", "data.split=[1, 0, 0]"]
    first = begin(train, *ends, *parts)
    assert first > 0
    done = train("--resume", "run", "--steps", first + 7)
    assert step(done) == first + 7
    assert "the run is finished" not in done.stderr
    assert config.load(tmp_path / "run" / "config.yaml").train.steps == first + 7
    assert step(train("--resume", "run")) == first + 7


@pytest.mark.parametrize("limit", ["epochs", "minutes"])
def test_epochs_and_minutes_make_a_run_longer_that_its_steps_ended(train, tmp_path, limit) -> None:
    begin(train, "--steps", 3, "--epochs", 0.5)
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    seconds = max(json.loads(line)["seconds"] for line in lines)
    length = 2.0 if limit == "epochs" else (seconds + 0.5) / 60
    assert step(train("--resume", "run", f"--{limit}", length)) > 3
    changed = config.load(tmp_path / "run" / "config.yaml").train
    assert (changed.steps, getattr(changed, limit)) == (None, length)


def test_a_limit_that_did_not_end_the_run_stays(train, tmp_path) -> None:
    begin(train, "--steps", 3, "--epochs", 1)
    longer = train("--resume", "run", "--steps", 100_000, "--minutes", 9)
    assert step(longer) < 100_000
    assert config.load(tmp_path / "run" / "config.yaml").train.epochs == 1.0
    assert "train.epochs" not in longer.stderr


@pytest.mark.parametrize("length", [("--steps", 200), ("--epochs", 2)])
def test_what_a_plan_had_set_is_no_limit_to_a_longer_run(train, tmp_path, length) -> None:
    """Its epochs and its minutes were for each other."""
    plan = ("--minutes", 5, "--set", "train.whole_epochs=true")
    first = begin(train, *plan, "--epochs", 1)
    done = train("--resume", "run", *length)
    assert step(done) > first
    after = config.load(tmp_path / "run" / "config.yaml").train
    limits = {"--minutes": after.minutes, "--steps": after.steps, "--epochs": after.epochs}
    assert {name: limit for name, limit in limits.items() if limit is not None} == dict([length])
    assert re.search(r"train.minutes: \S+ → null \(was planned for another length\)", done.stderr)


@pytest.mark.parametrize("whole", [True, False])
def test_more_minutes_lift_the_epochs_of_a_plan(whole) -> None:
    had = {"train.minutes": 3.0, "train.epochs": 9.0, "train.whole_epochs": whole}
    limits = SimpleNamespace(is_nearly_over=lambda seconds: False)
    trainer = SimpleNamespace(
        limits=limits, clock=SimpleNamespace(seconds=60.0), limits_reached=lambda: {}
    )
    settings = config.load(None, [f"{key}={value}" for key, value in had.items()])
    longer, changes = lift_limits(settings, {"train.minutes"}, trainer)
    assert longer.train.epochs == (None if whole else 9.0)
    assert [change.key for change in changes] == ["train.epochs"] * whole


def test_what_was_lifted_is_said(train) -> None:
    first = begin(train, "--epochs", 1)
    done = train("--resume", "run", "--steps", first + 1)
    assert "train.epochs: 1.0 → null (had ended the run)" in done.stderr


def test_a_run_made_longer_is_the_run_of_that_length(train, tmp_path) -> None:
    """The schedule too goes by the length that is asked for, as in a run that had it at once."""
    plan = ("--set", "optim.schedule.name=step", "--set", "optim.schedule.after=0")
    first = begin(train, "--epochs", 1, *plan, out="parts")
    step(train("--resume", "parts", "--epochs", 2))
    begin(train, "--epochs", 2, *plan, out="whole")
    last = [
        sorted((tmp_path / out / "checkpoints").glob("step-*"))[-1] for out in ("parts", "whole")
    ]
    assert last[0].name != f"step-{first:08d}.safetensors"
    assert last[0].read_bytes() == last[1].read_bytes()


@pytest.mark.parametrize(
    ("length", "said"),
    [(("--steps", 2), "at step"), (("--epochs", 0.25), "epochs already"),
     (("--minutes", 1e-9), "minutes already")],
)  # fmt: skip
def test_a_length_that_has_passed_is_an_error(train, length, said) -> None:
    begin(train, "--epochs", 1)
    done = train("--resume", "run", *length)
    assert done.returncode == 2
    assert said in done.stderr
    assert length[0] in done.stderr


@pytest.mark.parametrize("ends", ENDS.values(), ids=ENDS)
def test_the_advice_for_a_finished_run_makes_it_longer(charrnn, train, ends) -> None:
    first = begin(train, *ends, out=SPACED)
    done = train("--resume", SPACED)
    if "--minutes" not in ends:
        assert "the run is finished" in done.stderr
    if "the run is finished" not in done.stderr:
        return  # the last line of its log is from just before its end
    words = advised(done.stderr)
    assert words[1:3] == ["--resume", SPACED]
    assert words[3] == (ends[0] if str(ends[0]) != "--set" else "--steps")
    if words[3] == "--minutes":
        assert words[4] == "1"
        words[4] = "0.03"
    assert step(charrnn(*words, "-q", "--format", "json")) > first


def test_advice_does_not_repeat_what_was_given(charrnn, train) -> None:
    first = begin(train, "--epochs", 1)
    done = train("--resume", "run", "--steps", first)
    assert f"--steps {first}\n" not in done.stderr
    assert f"--steps {2 * first}" in done.stderr
    refused = charrnn("train", "--resume", "run", "--init-from", "run", "--out", "b", *SMALL)
    assert refused.returncode == 2
    words = advised(refused.stderr)
    assert words == ["train", "--init-from", "run", "--out", "b"]
    refused = charrnn("train", "my.yaml", "--resume", "run")
    assert "--set KEY=VALUE --accept-changes" in refused.stderr
    assert "--init-from" not in refused.stderr


# -- pasted -----------------------------------------------------------------------------------


def test_every_command_that_is_advised_is_quoted(charrnn, train) -> None:
    begun = charrnn("train", "--text", "t.txt", "--out", SPACED, *SMALL, "--steps", 2, "-q")
    words = advised(begun.stdout.splitlines()[-1])
    assert words == ["sample", SPACED]
    assert charrnn(*words, "--length", 3).returncode == 0
    again = charrnn("train", "--text", "t.txt", "--out", SPACED, *SMALL, "--steps", 2)
    assert advised(again.stderr) == ["train", "--resume", SPACED]
    checkpoint = charrnn("report", f"{SPACED}/checkpoints/best.safetensors")
    assert advised(checkpoint.stderr) == ["report", SPACED]
    assert advised(charrnn("mix", SPACED).stdout) == ["eval", SPACED]
    folder = charrnn("train", SPACED)
    assert advised(folder.stderr) == ["train", "--resume", SPACED]


def test_a_text_with_a_space_names_a_run_that_is_quoted(charrnn, tmp_path) -> None:
    (tmp_path / "My Lyrics.txt").write_text(TEXT)
    done = charrnn("train", "--text", "My Lyrics.txt", *SMALL, "--steps", 1, "-q")
    assert advised(done.stdout.splitlines()[-1]) == ["sample", "runs/My Lyrics-1"]
    as_config = charrnn("train", "My Lyrics.txt")
    assert advised(as_config.stderr.split(";")[0])[:3] == ["train", "--text", "My Lyrics.txt"]


def test_a_name_like_an_option_is_not_one() -> None:
    assert in_options(call("sample", "-x")) == "charrnn sample ./-x"


@pytest.mark.parametrize(
    ("recipe", "text", "name"),
    [
        ("configs/char-rnn.yaml", None, "char-rnn"),
        ("configs/char-rnn.yaml", "data/my.txt", "my"),
        (None, "My Lyrics.txt", "My Lyrics"),
        (None, "-", "stdin"),
        ("configs/char-rnn.yaml", "-", "stdin"),
        (None, "data/texts/*.txt", "texts"),
        (None, "bell\x07.txt", "bell_"),
        (None, "\udcff.txt", "_"),
        (None, None, "run"),
    ],
)
def test_a_run_is_called_after_its_text(recipe, text, name) -> None:
    assert name_of(recipe, text) == name
