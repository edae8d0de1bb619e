"""What `charrnn runs` is told of a folder of runs, and names that are parts of a run's name."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

import charrnn
from charrnn.cli.main import cli
from charrnn.errors import CheckpointError
from charrnn.runs.listing import describe_run, find_run, runs_below
from charrnn.storage.checkpoint import read, read_meta
from charrnn.storage.checkpoint_folder import locate
from charrnn.training.events import Saved, Stepped
from tests.conftest import TEXT
from tests.helpers.runs import finish, play, start

SETS = ["train.eval_every=4", "train.sample_length=0"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("listing")
    text = folder / "some text.txt"
    text.write_text(TEXT[:2000], encoding="utf-8")
    finish(start(text, folder / "runs" / "gru-2", [*SETS, "model.cell=gru"], 8))
    finish(start(text, folder / "runs" / "grid" / "lstm-10", [*SETS, "train.epochs=0.31"]))
    (folder / "runs" / "grid" / "points").mkdir()
    stopped = play(start(text, folder / "runs" / "lstm-1", SETS, 50))
    for event in stopped:
        if isinstance(event, Saved) and event.step == 4:
            break
    stopped.close()
    return folder


@pytest.fixture
def here(made, tmp_path, monkeypatch):
    for path in made.rglob("*"):
        if path.is_file():
            copy = tmp_path / path.relative_to(made)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def states(sort="name"):
    return {str(run.path): run.state for run in charrnn.list_runs(sort=sort)}


def test_states_figures_and_order(here):
    assert states() == {
        "runs/grid/lstm-10": "finished", "runs/gru-2": "finished", "runs/lstm-1": "interrupted"
    }  # fmt: skip
    run = describe_run(Path("runs/gru-2"))
    facts = charrnn.inspect("runs/gru-2").facts
    assert (run.parameters, run.K) == (facts["parameters"], facts["K"])
    assert (run.best_val_loss, run.best_step) == (facts["best_val_loss"], facts["best_step"])
    assert run.step == 8
    assert run.seconds == charrnn.Run("runs/gru-2").metrics()[-1]["seconds"]
    assert [*states("loss")] == sorted(
        states(), key=lambda path: charrnn.inspect(path).facts["best_val_loss"]
    )
    os.utime("runs/lstm-1/metrics.jsonl", (4e9, 4e9))
    assert next(iter(states("age"))) == "runs/lstm-1"


@pytest.mark.parametrize(("end", "state"), [(1.0, "finished"), (0.5, "interrupted")])
def test_a_part_of_an_epoch_without_an_evaluation_at_its_end(here, end, state):
    sets = [*SETS, "data.split=[1,0,0]", "train.epochs=0.9", "bptt.k1=5", "bptt.k2=5",
            "train.checkpoint_every=40"]  # fmt: skip
    training = play(start(here / "some text.txt", here / "runs" / "part", sets))
    for event in training:
        if isinstance(event, Saved) and event.step and end < 1:
            break
        if isinstance(event, Stepped):
            last = event.step
    training.close()
    run = describe_run(Path("runs/part"))
    assert (run.state, run.best_val_loss, run.step) == (state, None, last)


def test_a_run_that_is_trained_now(here):
    training = play(start(here / "some text.txt", here / "runs" / "now", SETS, 20))
    for event in training:
        if isinstance(event, Stepped) and event.step == 7:
            break
    run = describe_run(Path("runs/now"))
    assert (run.state, run.step) == ("running", 6)  # as the last line of its log says
    training.close()
    assert describe_run(Path("runs/now")).state == "interrupted"


def test_the_head_of_a_checkpoint_is_what_the_whole_says(here):
    path = locate(Path("runs/gru-2"))
    head, whole = read_meta(path), read(path)
    assert head.meta.values == whole.meta.values
    assert head.shapes == {name: array.shape for name, array in whole.arrays.items()}


def test_arrays_are_not_read(here):
    path = locate(Path("runs/gru-2"))
    data = bytearray(path.read_bytes())
    data[-5] ^= 255
    path.write_bytes(data)
    with pytest.raises(CheckpointError):
        read(path)
    assert describe_run(Path("runs/gru-2")).state == "finished"


@pytest.mark.parametrize("cut", [0, 5, 300, -1])
def test_a_damaged_run_is_a_row_and_ends_nothing(here, cut):
    for path in Path("runs/gru-2/checkpoints").iterdir():
        path.write_bytes(path.read_bytes()[:cut])
    Path("runs/lstm-1/metrics.jsonl").unlink()
    Path("runs/lstm-1/metrics.jsonl").symlink_to("/etc/passwd")
    found = {run.path.name: run for run in charrnn.list_runs()}
    assert found["gru-2"].state == found["lstm-1"].state == "damaged"
    assert "is damaged" in found["gru-2"].problem
    assert "is a link" in found["lstm-1"].problem
    assert found["lstm-10"].state == "finished"


@pytest.mark.parametrize(
    "line",
    ['{"step": 3, "seconds": NaN, "epoch": Infinity}', '{"step": 0, "seconds": 1, "epoch": "x"}',
     f'{{"step": 1{"0" * 400}, "seconds": 1{"0" * 400}, "epoch": 1{"0" * 400}}}', "[]", "x"],
)  # fmt: skip
def test_whatever_a_log_holds(here, line):
    Path("runs/lstm-1/metrics.jsonl").write_text(line + "\n")
    os.utime("runs/lstm-1/metrics.jsonl", (1e10, 1e10))
    assert describe_run(Path("runs/lstm-1")).state == "interrupted"
    for form in ("text", "json"):
        assert invoke("runs", "--format", form).exit_code == 0


def test_a_run_is_listed_once_whatever_leads_to_it(here):
    Path("runs/again").symlink_to("gru-2", target_is_directory=True)
    Path("runs/grid/loop").symlink_to("..", target_is_directory=True)
    Path("runs/loop").symlink_to(".", target_is_directory=True)
    assert len(runs_below(Path("runs"))) == 3


def test_without_a_checkpoint_a_run_is_listed_by_its_configuration(here):
    for path in Path("runs/gru-2/checkpoints").iterdir():
        path.unlink()
    run = describe_run(Path("runs/gru-2"))
    assert (run.state, run.step, run.config.model.cell) == ("interrupted", None, "gru")


def invoke(*words):
    return CliRunner().invoke(cli, words, standalone_mode=False, catch_exceptions=False)


def test_the_command_shows_names_safely_and_its_json_is_complete(here):
    strange = here / "runs" / "a\x1b[31m\nb"
    (here / "runs" / "gru-2").rename(strange)
    told = invoke("runs", "--sort", "name")
    assert "\x1b" not in told.stdout
    assert "runs/a\\x1b[31m\\nb" in told.stdout
    assert len(told.stdout.splitlines()) == 4
    values = json.loads(invoke("runs", "--sort", "loss", "--format", "json").stdout)
    first = next(one for one in values if one["cell"] == "gru")
    assert first["run"] == "runs/a\x1b[31m\nb"
    assert first["state"] == "finished"
    assert first["text"] == [str(here.parent / first["text"][0])]
    assert {"parameters", "best_val_loss", "step", "seconds", "age", "updated"} <= set(first)
    reverse = json.loads(invoke("runs", "--sort", "loss", "--reverse", "--format", "json").stdout)
    assert [one["run"] for one in reverse] == [one["run"] for one in values][::-1]
    assert "\\begin{tabular}" in invoke("runs", "--format", "latex").stdout


def test_a_part_of_a_name_stands_for_the_run(here):
    with pytest.warns(charrnn.Notice, match="gru is taken for runs/gru-2"):
        assert find_run("gru") == Path("runs/gru-2")
    with pytest.warns(charrnn.Notice):
        assert find_run("grid/lstm") == find_run("runs/grid/ls") == Path("runs/grid/lstm-10")
    assert find_run("lstm-1") == Path("runs/lstm-1")  # a whole name, though a part of another
    with pytest.warns(charrnn.Notice):
        assert charrnn.load("gru").config.model.cell == "gru"


def test_an_ambiguous_part_is_an_error_that_lists_the_runs(here):
    with pytest.raises(CheckpointError, match="2 runs' names") as caught:
        find_run("lstm")
    assert caught.value.then == "name one: runs/grid/lstm-10, runs/lstm-1"


def test_a_path_always_wins(here):
    (here / "gru").mkdir()
    assert find_run("gru") == Path("gru")
    assert find_run("grid") == Path("runs/grid")
    for name in ("nothing", "runs/nothing", "no/thing", "/", ""):
        assert find_run(name) == Path(name)


def test_the_folder_may_be_a_run(here):
    assert runs_below(Path("runs/gru-2")) == [Path("runs/gru-2")]


def test_eval_and_inspect_compare_several_runs(here):
    one = invoke("eval", "runs/gru-2", "--format", "json").stdout
    both = json.loads(invoke("eval", "gru", "lstm-1", "--format", "json").stdout)
    assert both[0] == {"run": "runs/gru-2", **json.loads(one)}
    table = invoke("eval", "runs/gru-2", "runs/lstm-1").stdout.splitlines()
    assert table[0].split()[:2] == ["run", "nats"]
    assert table[2].split()[:2] == ["runs/lstm-1", f"{both[1]['nats_per_char']:.4f}"]
    lines = invoke("inspect", "runs/gru-2", "runs/lstm-1").stdout.splitlines()
    assert "model.cell gru lstm" in [" ".join(line.split()) for line in lines]
    assert not any(line.startswith("train.seed") for line in lines)
    values = json.loads(invoke("inspect", "runs/gru-2", "lstm-1", "--format", "json").stdout)
    assert values[0] == charrnn.inspect("runs/gru-2").facts
