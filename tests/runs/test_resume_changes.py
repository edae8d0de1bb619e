"""Resuming with another configuration or text: named and refused, or accepted by a flag."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from charrnn import build, config
from charrnn.config import known_keys
from charrnn.errors import ConfigError
from charrnn.runs.changes import REFUSED, Change, parts_to_reset, require_possible
from charrnn.runs.records import MetricsFile
from charrnn.runs.resume import resume_run
from charrnn.runs.start import start_run
from charrnn.runtime.signals import StopSignal
from charrnn.storage.checkpoint import Checkpoint, read, write
from charrnn.storage.checkpoint_folder import locate
from charrnn.training.events import Stepped
from charrnn.training.loop import train

SMALL = [
    "model.hidden_size=12", "model.num_layers=1", "bptt.k1=8", "bptt.k2=8", "train.batch_size=4",
    "train.sample_length=0", "train.eval_every=5", "train.log_every=1",
]  # fmt: skip


@pytest.fixture
def run(text_file: Path, tmp_path: Path) -> Path:
    """A run of 7 steps."""
    settings = config.load(None, [f"data.text={text_file}", *SMALL], {"train.steps": 7})
    launched = start_run(settings, "test", tmp_path / "run")
    metrics = MetricsFile(launched.run.metrics)
    for event in train(launched.trainer, launched.run.checkpoints, StopSignal()):
        metrics(event)
    return tmp_path / "run"


def generate_steps(run: Path, *sets: str, steps: int = 12):
    launched = resume_run(run, {"train.steps": steps}, sets, accept_changes=True)
    found = list(train(launched.trainer, launched.run.checkpoints, StopSignal()))
    return launched, [event for event in found if isinstance(event, Stepped)]


def edit(run: Path, before: str, after: str) -> None:
    text = (run / "config.yaml").read_text()
    assert text.count(before) == 1
    (run / "config.yaml").write_text(text.replace(before, after))


def contents(run: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(run)): path.read_bytes()
        for path in sorted(run.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def refused(done, code: int, *words: object) -> None:
    assert done.returncode == code, done.stderr
    for word in words:
        assert str(word) in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


# -- the configuration ------------------------------------------------------------------------


def test_a_changed_key_is_named_and_refused_and_nothing_is_touched(charrnn, run):
    before = contents(run)
    done = charrnn("train", "--resume", run, "--steps", 9, "--set", "optim.learning_rate=0.5")
    refused(done, 2, "optim.learning_rate: 0.002 → 0.5 (command line)", "--accept-changes")
    assert contents(run) == before


def test_a_changed_key_is_accepted_by_the_flag_and_stays(charrnn, run):
    done = charrnn(
        "train", "--resume", run, "--steps", 9, "--set", "optim.learning_rate=0.5",
        "--accept-changes", "-q",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "notice: optim.learning_rate: 0.002 → 0.5" in done.stderr
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    rates = {line["step"]: line["learning_rate"] for line in lines if not line.get("final")}
    assert rates[7] == 0.002
    assert rates[8] == rates[9] == 0.5
    again = charrnn("train", "--resume", run, "--steps", 10, "-q")
    assert again.returncode == 0, again.stderr
    assert config.load(run / "config.yaml").optim.learning_rate == 0.5


def test_an_edited_config_yaml_is_named_and_kept(charrnn, run):
    edit(run, "learning_rate: 0.002", "learning_rate: 0.25")
    before = contents(run)
    done = charrnn("train", "--resume", run, "--steps", 9)
    refused(done, 2, "optim.learning_rate: 0.002 → 0.25 (config.yaml)", "set them back")
    assert contents(run) == before
    assert charrnn("train", "--resume", run, "--steps", 9, "--accept-changes").returncode == 0
    assert config.load(run / "config.yaml").optim.learning_rate == 0.25
    assert read(locate(run, "last")).meta.values["config"]["optim"]["learning_rate"] == 0.25


def test_a_mistake_in_an_edited_config_yaml_has_its_line(charrnn, run):
    edit(run, "learning_rate: 0.002", "lerning_rate: 0.002")
    refused(charrnn("train", "--resume", run), 2, "config.yaml:", "learning_rate")


def test_a_missing_config_yaml_is_that_of_the_checkpoint(run):
    before = config.load(run / "config.yaml")
    (run / "config.yaml").unlink()
    assert resume_run(run, {}).config == before == config.load(run / "config.yaml")


def test_more_steps_need_no_flag_wherever_they_are_set(charrnn, run):
    edit(run, "steps: 7", "steps: 8")
    done = charrnn("train", "--resume", run, "-q", "--format", "json")
    assert json.loads(done.stdout)["step"] == 8, done.stderr
    assert "train.steps: 7 → 8 (config.yaml)" in done.stderr
    done = charrnn("train", "--resume", run, "-q", "--format", "json", "--set", "train.steps=9")
    assert json.loads(done.stdout)["step"] == 9, done.stderr


@pytest.mark.parametrize(
    ("item", "why"),
    [
        ("model.hidden_size=16", "the parameters"),
        ("model.cell=gru", "the parameters"),
        ("model.init.U.scale=2", "only when a run begins"),
        ("model.forget_bias=3", "only when a run begins"),
        ("data.split=[0.5,0.5,0]", "to validate it"),
        ("data.mode=lines", "read the other way"),
        ("data.unit=byte", "read the other way"),
    ],
)
def test_what_cannot_be_accepted_says_why(item, why, charrnn, run):
    before = contents(run)
    done = charrnn("train", "--resume", run, "--set", item, "--accept-changes")
    refused(done, 2, item.split("=")[0], why, f"--init-from {run}")
    assert contents(run) == before


def test_every_refused_key_is_one_of_the_schema():
    keys = known_keys()
    for prefix in REFUSED:
        assert any(key == prefix or key.startswith(f"{prefix}.") for key in keys), prefix


def test_dropout_is_no_part_of_the_parameters(run):
    require_possible([Change("model.dropout", 0.0, 0.5, "here")], run)
    with pytest.raises(ConfigError):
        require_possible([Change("model.bias", True, False, "here")], run)


def test_flags_that_do_not_go_with_resume(charrnn, run, text_file):
    refused(charrnn("train", "--resume", run, "--out", "b"), 2, "own folder", "--init-from")
    refused(charrnn("train", "--text", text_file, "--accept-changes"), 2, "belongs to --resume")


# -- what is reset ------------------------------------------------------------------------------


def test_every_key_that_may_change_trains_on(run):
    launched, steps = generate_steps(
        run, "model.dropout=0.2", "optim.grad_clip=0.5", "optim.grad_clip_mode=value",
        "optim.schedule.name=plateau", "train.loss_reduction=sum", "train.eval_every=2",
        "train.keep=3", "train.early_stopping=50", "runtime.dtype=float64", "bptt.k1=5",
        "bptt.k2=11", "train.batch_size=6", "optim.name=rmsprop", "train.seed=8",
    )  # fmt: skip
    assert [event.step for event in steps] == [8, 9, 10, 11, 12]
    last = read(locate(run, "last"))
    assert {str(array.dtype) for array in last.arrays.values()} == {"float64"}
    assert last.arrays["state"].shape[2] == 6
    del launched
    assert resume_run(run, {"train.steps": 13}).trainer.step == 12


def test_another_batch_begins_the_epoch_anew_and_says_so(run):
    stored = read(locate(run, "last"))
    assert stored.meta.values["cursor"] == [0, 7]
    launched = resume_run(run, {"train.steps": 9}, ["train.batch_size=7"], accept_changes=True)
    assert any("the epoch starts over" in notice for notice in launched.notices)
    trainer = launched.trainer
    assert (trainer.state.cursor.epoch, trainer.state.cursor.index, trainer.step) == (0, 0, 7)
    assert trainer.state.carried.shape[2] == 7
    assert not trainer.state.carried.any()
    for name, view in trainer.network.params.items():
        np.testing.assert_array_equal(view, stored.arrays[name])


def test_another_rate_leaves_all_else_as_it_was(run):
    stored = read(locate(run, "last"))
    trainer = resume_run(run, {}, ["optim.learning_rate=0.1"], accept_changes=True).trainer
    again = trainer.checkpoint()
    assert again.arrays.keys() == stored.arrays.keys()
    for name, array in again.arrays.items():
        np.testing.assert_array_equal(array, stored.arrays[name])
    differing = {k for k, v in again.meta.values.items() if v != stored.meta.values[k]}
    assert differing == {"config"}


def test_another_optimiser_begins_with_slots_of_zero(run):
    launched = resume_run(run, {}, ["optim.name=rmsprop"], accept_changes=True)
    assert any("the optimiser is reset" in notice for notice in launched.notices)
    assert launched.trainer.state.optimiser.steps == 0
    assert not launched.trainer.state.optimiser.slots["v"].any()


def test_plateau_keeps_its_drops_and_forgets_the_loss_of_another_text(run, text_file):
    plateau = ["optim.schedule.name=plateau", "optim.schedule.patience=1"]
    generate_steps(run, *plateau, "optim.learning_rate=1e-9", "train.eval_every=1")
    before = read(locate(run, "last")).meta.values["schedule"]
    assert before["scale"] < 1
    text_file.write_text(text_file.read_text()[:3000])
    after = resume_run(run, {}, accept_changes=True).trainer.state.schedule.state_dict()
    assert after == {"scale": before["scale"], "waited": 0}


def test_adam_and_adamw_share_their_slots():
    change = Change("optim.name", "adam", "adamw", "here")
    assert parts_to_reset([change], text=False) == set()


def test_a_rate_that_is_set_ends_the_scale_of_rollbacks(run):
    path = locate(run, "last")
    stored = read(path)
    write(path, Checkpoint(stored.arrays, stored.meta.replaced(rate_scale=0.25, rollbacks=2)))
    kept = resume_run(run, {}, ["optim.grad_clip=1"], accept_changes=True)
    assert (kept.trainer.state.rate_scale, kept.trainer.state.rollbacks) == (0.25, 2)
    assert any("times 0.25" in notice for notice in kept.notices)
    del kept
    trainer = resume_run(run, {}, ["optim.learning_rate=0.1"], accept_changes=True).trainer
    assert (trainer.state.rate_scale, trainer.state.rollbacks) == (1.0, 0)


def test_what_was_accepted_survives_a_kill_before_the_next_checkpoint(run):
    del_me = resume_run(run, {"train.steps": 12}, ["train.batch_size=6"], accept_changes=True)
    iterator = train(del_me.trainer, del_me.run.checkpoints, StopSignal())
    next(iterator)
    del iterator, del_me
    launched = resume_run(run, {})
    assert launched.config.train.batch_size == 6
    assert launched.config.train.steps == 12


# -- the text ---------------------------------------------------------------------------------


def test_a_changed_text_is_named_and_refused(charrnn, run, text_file):
    size = text_file.stat().st_size
    text_file.write_text(text_file.read_text() + "The lamp.\n")
    before = contents(run)
    done = charrnn("train", "--resume", run, "--steps", 9)
    refused(done, 3, "not the one that the run was trained on", f"had {size:,}", "--accept-changes",
            "--init-from")  # fmt: skip
    assert contents(run) == before


def test_a_text_of_the_same_length_with_other_characters(charrnn, run, text_file):
    text_file.write_text(text_file.read_text().swapcase().swapcase().replace("lamp", "pmal", 1))
    refused(charrnn("train", "--resume", run), 3, "as long as before, with other characters")


def test_a_changed_text_goes_on_with_the_flag_and_keeps_the_best(run, text_file):
    best = (run / "checkpoints" / "best.safetensors").read_bytes()
    text_file.write_text(text_file.read_text()[:3000])
    launched, steps = generate_steps(run)
    assert steps[-1].step == 12
    assert (run / "checkpoints" / "best-of-other-text.safetensors").read_bytes() == best
    assert launched.trainer.state.best_step > 7
    assert launched.trainer.corpus.sha256 == read(locate(run, "last")).meta.values["corpus_sha256"]
    del launched
    assert resume_run(run, {"train.steps": 13}).trainer.step == 12


def test_another_file_in_its_place(charrnn, run, tmp_path, text_file):
    (tmp_path / "other.txt").write_text(text_file.read_text()[::-1])
    args = ("train", "--resume", run, "--text", "other.txt", "--steps", 9, "-q")
    refused(charrnn(*args), 3, "other.txt is new", "text.txt is left out")
    done = charrnn(*args, "--accept-changes")
    assert done.returncode == 0, done.stderr
    stored = config.load(run / "config.yaml").data.text
    assert stored == (str((tmp_path / "other.txt").resolve()),)
    again = charrnn("train", "--resume", run, "--steps", 10, "-q")
    assert again.returncode == 0, again.stderr


def test_the_same_text_under_another_name_needs_no_flag(charrnn, run, tmp_path, text_file):
    text_file.rename(tmp_path / "moved.txt")
    refused(charrnn("train", "--resume", run), 3, "no such file")
    done = charrnn("train", "--resume", run, "--text", "moved.txt", "--steps", 9, "-q")
    assert done.returncode == 0, done.stderr


def test_characters_that_the_model_never_saw(charrnn, run, text_file):
    text_file.write_text(text_file.read_text() + "Ω\n")
    for flags in ([], ["--accept-changes"]):
        done = charrnn("train", "--resume", run, "--steps", 9, *flags)
        refused(done, 3, "not the one", "'Ω' (U+03A9)", f"--init-from {run}")
    skip = ("--set", "data.on_unknown=skip", "--accept-changes")
    done = charrnn("train", "--resume", run, "--steps", 9, "-q", *skip)
    assert done.returncode == 0, done.stderr


def test_the_same_characters_are_no_change(run):
    """A file that is touched, not changed, is no reason to ask."""
    name = Path(read(locate(run, "last")).meta.values["config"]["data"]["text"][0])
    name.write_text(name.read_text())
    assert resume_run(run, {}).trainer.step == 7
    assert build.text_bytes(resume_run(run, {}).config) == {str(name): name.stat().st_size}
