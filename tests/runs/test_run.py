"""Runs: learning, resuming bit for bit, stopping, evaluating, sampling."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from math import log
from pathlib import Path

import numpy as np
import pytest

from charrnn import config
from charrnn.analysis.gradcheck.cases import reference_of
from charrnn.analysis.gradcheck.reference.cells import softmax
from charrnn.inference.evaluation import evaluate
from charrnn.inference.sampling import Sampling, numpy_sampler, sample
from charrnn.runs.resume import resume_run
from charrnn.runs.start import start_run
from charrnn.runtime.signals import StopSignal
from charrnn.storage.checkpoint import read
from charrnn.storage.checkpoint_folder import locate
from charrnn.training.events import Evaluated, Finished, Logged, Saved, Saving, Stepped
from charrnn.training.loop import train
from tests.conftest import PATIENCE, ROOT, wait_for

SMALL = [
    "model.hidden_size=12", "bptt.k1=8", "bptt.k2=8", "train.batch_size=4", "train.sample_length=0",
    "train.epochs=null",
]  # fmt: skip


def run(text_file: Path, out: Path, *sets: str, steps: int):
    launch = start_run(
        config.load(None, [*SMALL, f"data.text={text_file}", *sets], {"train.steps": steps}),
        "test", out,
    )  # fmt: skip
    return launch, list(train(launch.trainer, launch.run.checkpoints, StopSignal()))


def generate_steps(out: Path, steps: int):
    launch = resume_run(out, {"train.steps": steps})
    return launch, list(train(launch.trainer, launch.run.checkpoints, StopSignal()))


RESUMED = {
    "lstm adam dropout": ["model.dropout=0.3"],
    "gru rmsprop plateau": [
        "model.cell=gru", "optim.name=rmsprop", "optim.schedule.name=plateau",
        "optim.schedule.patience=1", "train.eval_every=5",
    ],
    "rnn k2 > k1": ["model.cell=rnn", "bptt.k2=20", "optim.name=adagrad"],
    "lines": ["data.mode=lines", "bptt.mode=full", "optim.name=momentum"],
    "lines truncated": ["data.mode=lines", "bptt.k1=5", "bptt.k2=7", "optim.name=adamw"],
}  # fmt: skip


@pytest.mark.parametrize("label", RESUMED)
@pytest.mark.parametrize("stop_at", [7, 26])
def test_resume_is_bit_exact(label, stop_at, text_file, tmp_path):
    sets = RESUMED[label]
    whole, _ = run(text_file, tmp_path / "whole", *sets, steps=2 * stop_at)
    run(text_file, tmp_path / "parts", *sets, steps=stop_at)
    parts, _ = generate_steps(tmp_path / "parts", 2 * stop_at)
    names = [f"step-{2 * stop_at:09d}.safetensors", "best.safetensors"]
    for name in names:
        one = (whole.run.path / "checkpoints" / name).read_bytes()
        assert one == (parts.run.path / "checkpoints" / name).read_bytes(), name


def test_final_evaluation_leaves_the_last_checkpoint_alone(text_file, tmp_path):
    _, events = run(text_file, tmp_path / "a", steps=7)
    assert [type(event) for event in events[-6:]] == [
        Saving, Saved, Evaluated, Logged, Saved, Finished,
    ]  # fmt: skip
    assert sum(isinstance(event, Evaluated) for event in events) == 1
    assert read(locate(tmp_path / "a", "last")).meta.values["best"] is None
    assert read(locate(tmp_path / "a", "best")).meta.values["best"] is not None


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("mode", ["stream", "lines"])
def test_it_learns(cell, mode, text_file, tmp_path):
    sets = [f"model.cell={cell}", f"data.mode={mode}", "optim.learning_rate=0.02", "bptt.k1=30",
            "bptt.k2=30"]  # fmt: skip
    launch, events = run(text_file, tmp_path / "a", *sets, "model.hidden_size=32", steps=150)
    first = next(e for e in events if isinstance(e, Stepped))
    last = [e for e in events if isinstance(e, Evaluated)][-1]
    assert first.loss == pytest.approx(log(launch.trainer.network.K), abs=0.4)
    assert last.val_loss < 1.0


def test_loss_reduction_sum_is_mean_times_the_window(text_file, tmp_path):
    norms = {}
    for reduction in ("mean", "sum"):
        _, events = run(
            text_file, tmp_path / reduction, f"train.loss_reduction={reduction}",
            "runtime.dtype=float64", steps=1,
        )  # fmt: skip
        norms[reduction] = next(e for e in events if isinstance(e, Stepped)).grad_norm
    assert norms["sum"] == pytest.approx(8 * norms["mean"], rel=1e-12)


def test_early_stopping(text_file, tmp_path):
    _, events = run(
        text_file, tmp_path / "a", "train.early_stopping=2", "train.eval_every=1",
        "optim.learning_rate=1e-12", "optim.name=sgd", "runtime.dtype=float32", steps=100,
    )  # fmt: skip
    assert "without a better validation loss" in events[-1].reason
    assert events[-1].step < 100


def trained(text_file, tmp_path, *sets, steps=40):
    launch, _ = run(text_file, tmp_path / "run", "optim.learning_rate=0.02", *sets, steps=steps)
    return launch


def test_evaluation_scores_every_character_once_with_carried_state(text_file, tmp_path):
    launch = trained(text_file, tmp_path, "runtime.dtype=float64")
    network, corpus = launch.trainer.network, launch.trainer.corpus
    start, stop = corpus.rows["val"][0].tolist()
    reference = reference_of(launch.config)
    begin_at = max(start - 1 - 512, 0)
    x, y = corpus.ids[begin_at : stop - 1, None], corpus.ids[begin_at + 1 : stop, None]
    E, _ = reference.losses(dict(network.params), x, y, network.zero_state(1))
    expected = E[-(stop - start) :].mean()
    score = evaluate(network, corpus, "val")
    assert score.chars == stop - start
    assert score.nats_per_char == pytest.approx(expected, rel=1e-12)
    assert score.bits_per_char == pytest.approx(expected / log(2))


def test_streams_side_by_side_score_the_same(tmp_path):
    path = tmp_path / "long.txt"
    path.write_text("".join(f"{n} is a number; " for n in range(6000)))
    launch = trained(path, tmp_path, "runtime.dtype=float64", "data.split=[0.2,0.8,0]")
    network, corpus = launch.trainer.network, launch.trainer.corpus
    one = evaluate(network, corpus, "val", streams=1)
    many = evaluate(network, corpus, "val", streams=16)
    assert many.chars == one.chars == corpus.characters("val")
    assert many.nats_per_char == pytest.approx(one.nats_per_char, rel=1e-6)
    cold = evaluate(network, corpus, "val", cold=10)
    assert cold.chars == one.chars
    assert cold.nats_per_char > one.nats_per_char


def test_lines_are_scored_with_their_end(text_file, tmp_path):
    launch = trained(text_file, tmp_path, "data.mode=lines", "runtime.dtype=float64")
    network, corpus = launch.trainer.network, launch.trainer.corpus
    reference, total, count = reference_of(launch.config), 0.0, 0
    for start, stop in corpus.rows["val"]:
        ids = corpus.ids[start:stop, None]
        E, _ = reference.losses(dict(network.params), ids[:-1], ids[1:], network.zero_state(1))
        total, count = total + E.sum(), count + E.size
    score = evaluate(network, corpus, "val")
    assert score.chars == count
    assert score.nats_per_char == pytest.approx(total / count, rel=1e-12)


def test_sampling_follows_the_model(text_file, tmp_path):
    launch = trained(text_file, tmp_path, "runtime.dtype=float64")
    network, K = launch.trainer.network, launch.trainer.network.K
    prime = np.array([3, 1, 4], np.int32)
    reference = reference_of(launch.config)
    state = network.zero_state(1)
    for index in prime:
        z, state = reference.step(dict(network.params), np.eye(K)[[index]], state)
    p = softmax(z[0])
    plain = numpy_sampler(network, Sampling())
    drawn = next(sample(network, prime, 1, plain, 1, indices=range(2000)))[0]
    shares = np.bincount(drawn, minlength=K) / len(drawn)
    assert np.abs(shares - p).max() < 0.04
    greedy = numpy_sampler(network, Sampling(temperature=0))
    assert next(sample(network, prime, 5, greedy, 0))[0, 0] == int(np.argmax(p))


def test_the_same_seed_gives_the_same_text(text_file, tmp_path):
    network = trained(text_file, tmp_path).trainer.network
    prime = np.array([0], np.int32)
    generate_steps = numpy_sampler(network, Sampling(0.9))
    texts = [
        np.concatenate(list(sample(network, prime, 50, generate_steps, seed))).tolist()
        for seed in (1, 1, 2)
    ]
    assert texts[0] == texts[1] != texts[2]


def test_temperature_top_k_and_top_p():
    z = np.log(np.array([0.5, 0.3, 0.15, 0.05]))
    np.testing.assert_allclose(Sampling().probabilities(z), [0.5, 0.3, 0.15, 0.05])
    np.testing.assert_allclose(Sampling(top_k=2).probabilities(z), [0.625, 0.375, 0, 0])
    np.testing.assert_allclose(Sampling(top_p=0.7).probabilities(z), [0.625, 0.375, 0, 0])
    np.testing.assert_allclose(Sampling(top_p=0.01).probabilities(z), [1, 0, 0, 0])
    cold = Sampling(temperature=0.5).probabilities(z)
    np.testing.assert_allclose(cold, np.array([25, 9, 2.25, 0.25]) / 36.5)


class Scripted(Sampling):
    """Chooses what a script says, and notes the logits that it was asked with."""

    def __init__(self, script):
        super().__init__()
        object.__setattr__(self, "script", iter(script))
        object.__setattr__(self, "seen", [])

    def choose(self, z, uniform):
        self.seen.append(z.copy())
        return next(self.script)


def test_lines_mode_resets_the_state_at_each_boundary(text_file, tmp_path):
    launch = trained(text_file, tmp_path, "data.mode=lines")
    network, boundary = launch.trainer.network, launch.trainer.corpus.vocabulary.id("\n")
    script = Scripted([5, 7, boundary, 5, 7, boundary, 3])
    plain = numpy_sampler(network, script, boundary)
    list(sample(network, np.array([4, boundary], np.int32), 7, plain, 0, boundary))
    np.testing.assert_array_equal(script.seen[:3], script.seen[3:6])
    np.testing.assert_array_equal(script.seen[0], script.seen[6])
    assert not np.array_equal(script.seen[0], script.seen[1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_the_step_saves_and_says_how_to_resume(number, text_file, tmp_path):
    out = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-m", "charrnn", "train", "--text", str(text_file), "--out", str(out),
         *(f"--set={item}" for item in SMALL), "--steps", "1000000"],
        cwd=ROOT, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_for((out / "checkpoints").exists, process)
    process.send_signal(number)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + number
    assert f"charrnn train --resume {out}" in said
    step = read(locate(out, "last")).meta.step
    assert f"step {step:,} is saved" in said
    launch, _ = generate_steps(out, step + 3)
    assert launch.trainer.step == step + 3
    steps = [line["step"] for line in launch.run.lines()]
    assert steps == sorted(set(steps))


def test_metrics_have_what_scripts_rely_on(charrnn, text_file, tmp_path):
    done = charrnn(
        "train", "--text", text_file, "--out", "r", "--steps", 30, "--format", "json",
        *(f"--set={item}" for item in SMALL),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert set(summary) == {
        "run", "step", "epoch", "train_loss", "val_loss", "val_bpc", "best_val_loss", "best_step",
        "chars_per_second", "seconds", "parameters", "mixture_val_loss", "unit",
    }  # fmt: skip
    assert summary["step"] == 30
    assert summary["val_bpc"] == pytest.approx(summary["val_loss"] / log(2))
    lines = [json.loads(line) for line in (tmp_path / "r/metrics.jsonl").read_text().splitlines()]
    for key in ("step", "epoch", "train_loss", "learning_rate", "grad_norm", "chars_per_second"):
        assert key in lines[0]
    assert "val_loss" in lines[-1]


@pytest.mark.parametrize("letter", ["a", "猫"])
def test_a_text_with_the_longest_name_there_is(letter, charrnn, text_file, tmp_path):
    name = letter * (255 // len(letter.encode()))
    text_file.rename(tmp_path / name)
    done = charrnn("train", "--text", name, "--steps", 1, "--set=model.hidden_size=4", "-q")
    assert done.returncode == 0, done.stderr
    [run] = (tmp_path / "runs").iterdir()
    assert run.name.startswith(letter * 80)
    for command in (["sample", run, "--length", 9], ["report", run], ["eval", run]):
        used = charrnn(*command)
        assert used.returncode == 0, used.stderr
