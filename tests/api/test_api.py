"""The Python API: what it says is what the commands print, and what the reference computes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from itertools import zip_longest

import numpy as np
import pytest
from click.testing import CliRunner

import charrnn
from charrnn.analysis.gradcheck.cases import reference_of
from charrnn.cli.main import cli
from charrnn.inference.sampling import Sampling
from tests.conftest import ROOT, TEXT

SETTINGS = {
    "model.hidden_size": 8, "model.num_layers": 1, "bptt.k1": 8, "bptt.k2": 8,
    "train.batch_size": 4, "train.sample_length": 10, "runtime.dtype": "float64",
    "model.init.V": {"scale": 3.0},
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("api")
    (folder / "text.txt").write_text(TEXT, encoding="utf-8")
    return folder


def trained(folder, name, **settings):
    return charrnn.train(
        files=folder / "text.txt", out=folder / name, steps=6, progress=False,
        settings=SETTINGS | {key.replace("__", "."): value for key, value in settings.items()},
    )  # fmt: skip


@pytest.fixture(scope="module")
def run(folder):
    return trained(folder, "stream")


@pytest.fixture(scope="module")
def lines(folder):
    return trained(folder, "lines", data__mode="lines")


@pytest.fixture(scope="module")
def bytes_run(folder):
    return trained(folder, "bytes", data__unit="byte")


def command(*args, stdin=None):
    done = CliRunner().invoke(cli, list(map(str, args)), input=stdin, catch_exceptions=False)
    return done.stdout


@pytest.fixture(params=["run", "lines"])
def any_run(request):
    return request.getfixturevalue(request.param)


def test_importing_it_imports_no_numpy():
    code = (
        "import sys, charrnn; dir(charrnn); assert 'numpy' not in sys.modules; "
        "[getattr(charrnn, name) for name in charrnn.__all__]; import charrnn.errors as e; "
        "assert charrnn.errors is e; from charrnn import *; load, train"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    assert set(charrnn.__all__) <= set(dir(charrnn))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = charrnn.no_such_name


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (["--temperature", 0.7, "--top-k", 5], {"temperature": 0.7, "top_k": 5}),
        (["--top-p", 0.8, "--stop", "e", "--stop", "th"], {"top_p": 0.8, "stop": ["e", "th"]}),
        (["--lines", 1, "--forbid", "a"], {"lines": 1, "forbid": "a"}),
        (["--allow", "The lamp", "--temperature", 0], {"allow": "The lamp", "temperature": 0}),
    ],
)
def test_sample_is_what_the_command_writes(any_run, options, asked):
    drawn = any_run.model().sample("The ", length=40, seed=3, **asked)
    written = command("sample", any_run, "--prime", "The ", "--length", 40, "--seed", 3, *options)
    assert "The " + "".join(drawn) == written


def test_iterators_side_by_side_do_not_disturb_each_other(run):
    model = run.model()
    alone = ["".join(model.sample(seed=seed, length=50)) for seed in (1, 2)]
    pairs = zip_longest(*(model.sample(seed=seed, length=50) for seed in (1, 2)), fillvalue="")
    assert ["".join(pieces) for pieces in zip(*pairs, strict=True)] == alone
    assert "".join(model.sample(length=50)) != "".join(model.sample(length=50))


def test_between_two_pieces_blas_has_the_callers_threads(run):
    from threadpoolctl import threadpool_info, threadpool_limits

    def limits():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    with threadpool_limits(2, user_api="blas"):
        before = limits()
        pieces = run.model().sample(length=20, seed=1)
        next(pieces)
        assert limits() == before


def test_bytes_are_decoded(bytes_run):
    model = bytes_run.model()
    kept = "".join(
        model.sample("“", length=60, seed=1, on_unknown="skip", errors="surrogateescape")
    )
    written = command("sample", bytes_run, "--length", 60, "--seed", 1)
    assert kept.encode("utf-8", "surrogateescape") == written.encode()
    assert "".join(model.sample(b"The ", length=9, seed=1)) == "".join(
        model.sample("The ", length=9, seed=1)
    )
    with pytest.raises(charrnn.errors.UsageError, match="error handler"):
        model.sample(errors="no-such")


def test_the_first_character_has_the_probabilities(any_run):
    model = any_run.model()
    p = model.probabilities("The lam")
    reference, beginning = reference_of(model.config), model.beginning()
    ids = np.concatenate([[beginning.id], model.vocabulary.encode("The lam")])
    y = np.arange(model.vocabulary.K)
    x = np.repeat(ids[:, None], len(y), axis=1)
    targets = np.vstack([x[1:], y])
    E, _ = reference.losses(dict(model.parameters), x, targets, beginning.states(len(y)))
    np.testing.assert_allclose(p, np.exp(-E[-1]), rtol=1e-9)
    best, chance = model.next_characters("The lam", top=1)[0]
    assert best == "".join(model.sample("The lam", length=1, temperature=0))
    assert chance == p.max()
    assert len(model.next_characters(top=3)) == 3
    uniform = np.random.default_rng([3, 5, 0]).random(1)[0]
    drawn = Sampling().choose(np.log(p), uniform)
    assert "".join(model.sample("The lam", length=1, seed=5)) == model.vocabulary.symbols[drawn]


def test_score_is_what_the_command_prints(any_run):
    text = "The lamp\n\n(small) “<b>”"
    scores = any_run.model().score(text, on_unknown="skip")
    printed = command("score", any_run, "--per", "char", "--format", "jsonl", "--on-unknown",
                      "skip", stdin=text)  # fmt: skip
    rows = [json.loads(line) for line in printed.splitlines()]
    assert [row["char"] for row in rows] == list(scores.text)
    for row, nats in zip(rows, scores.nats.tolist(), strict=True):
        assert row["nats"] == (None if np.isnan(nats) else pytest.approx(nats))
    assert scores.chars == sum(row["nats"] is not None for row in rows)
    assert scores.total == pytest.approx(sum(row["nats"] or 0 for row in rows))
    assert scores.perplexity == pytest.approx(2**scores.bits_per_char)
    by_line = [json.loads(line) for line in command(
        "score", any_run, "--format", "jsonl", "--on-unknown", "skip", stdin=text).splitlines()
    ]  # fmt: skip
    for line, row in zip(scores.lines(), by_line, strict=True):
        assert (line.line, line.text, line.chars) == (row["line"], row["text"], row["chars"])
        assert line.nats == pytest.approx(row["nats"])
    with pytest.raises(ValueError, match="read-only"):
        scores.nats[0] = 0


def test_an_empty_text_has_no_score(run):
    scores = run.model().score("")
    assert (len(scores), scores.chars, scores.lines()) == (0, 0, [])
    assert np.isnan(scores.nats_per_char)
    assert "0 characters" in scores._repr_html_()


def test_what_a_notebook_shows_is_escaped(run):
    html = run.model().score("<b>&" * 2000, on_unknown="map")._repr_html_()
    assert "<b>" not in html
    assert "more characters" in html
    assert "&lt;" in charrnn.Scores("<", np.array([2.0]), 5)._repr_html_()
    assert "<script>" not in charrnn.Run("<script>")._repr_html_()  # type: ignore[arg-type]
    assert "LSTM 1 × 8" in run.model()._repr_html_()


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ([], {}),
        (["--split", "train", "--protocol", "cold", "--context", 7],
         {"split": "train", "protocol": "cold", "context": 7}),
        (["--dynamic", 0.1], {"dynamic": 0.1}),
    ],
)  # fmt: skip
def test_evaluate_is_what_the_command_prints(run, options, asked):
    result = run.model().evaluate(**asked)
    printed = json.loads(command("eval", run, "--format", "json", *options))
    found = json.loads(json.dumps(result.values()))
    assert found == printed
    assert not asked or result.nats_per_char != run.model().evaluate().nats_per_char
    assert f"{result.nats_per_char:.4f}" in result._repr_html_()


def test_files_are_evaluated_whole(any_run, folder):
    model = any_run.model()
    result = model.evaluate(folder / "text.txt")
    assert result.split == "all"
    assert model.evaluate([str(folder / "text.txt")]) == result


def test_dynamic_evaluation_leaves_the_model_alone(run):
    model = run.model()
    before = model.score("The lamp").total
    model.evaluate(dynamic=0.5)
    assert model.score("The lamp").total == before


def test_parameters_are_read_only_arrays(run):
    model = run.model()
    for name, array in model.parameters.items():
        assert array.dtype == np.float64
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
        assert name in model.parameters
    with pytest.raises(TypeError):
        model.parameters["output.c"] = None  # type: ignore[index]
    arrays = json.loads(command("inspect", run, "--format", "json"))["arrays"]
    stored = {entry["name"]: entry["shape"] for entry in arrays}
    assert {name: list(array.shape) for name, array in model.parameters.items()} == stored


BAD = [
    (lambda m: m.sample(length=-1), "UsageError", "length: -1"),
    (lambda m: m.sample(length=2.5), "UsageError", "length: 2.5"),
    (lambda m: m.sample(temperature=float("nan")), "UsageError", "temperature"),
    (lambda m: m.sample(temperature="hot"), "UsageError", "temperature"),
    (lambda m: m.sample(top_k=0), "UsageError", "top_k"),
    (lambda m: m.sample(top_p=1.5), "UsageError", "top_p"),
    (lambda m: m.sample(top_p=0), "UsageError", "top_p"),
    (lambda m: m.sample(seed=-1), "UsageError", "seed"),
    (lambda m: m.sample("☃"), "DataError", "prime: the vocabulary lacks '☃'"),
    (lambda m: m.sample(allow="a", forbid="a"), "UsageError", "allow and forbid"),
    (lambda m: m.score("a☃", on_unknown="error"), "DataError", "set on_unknown"),
    (lambda m: m.score(b"a"), "UsageError", "str, not bytes"),
    (lambda m: m.score("a", on_unknown="drop"), "UsageError", "on_unknown: 'drop'"),
    (lambda m: m.evaluate(split="dev"), "UsageError", "split: 'dev'"),
    (lambda m: m.evaluate(context=5), "UsageError", "context is for protocol=\"cold\""),
    (lambda m: m.evaluate("no-such-file"), "DataError", "no such file"),
    (lambda m: charrnn.load("nowhere"), "CheckpointError", "nowhere"),
    (lambda m: charrnn.load(m.path, "newest"), "UsageError", "checkpoint: 'newest'"),
    (lambda m: charrnn.load_config({"model": {"hiden_size": 3}}), "ConfigError", "hidden_size"),
    (lambda m: charrnn.load_config({1: 2}), "ConfigError", "unknown key"),
    (lambda m: charrnn.load_config(3), "ConfigError", "not int"),
    (lambda m: charrnn.load_config(None, {"a.b": 1, "seed": "x"}), "ConfigError", "key `a`"),
    (lambda m: charrnn.train(m.config, out=m.path.parent), "UsageError", "never overwritten"),
    (lambda m: charrnn.resume(m.path), "CheckpointError", "is a checkpoint"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "words"), BAD)
def test_mistakes_are_errors_of_the_tree(run, call, kind, words):
    with pytest.raises(getattr(charrnn.errors, kind)) as caught:
        call(run.model())
    assert words in str(caught.value)


def test_configurations_from_what_python_has(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("model: {cell: gru, hidden_size: 16}\n")
    config = charrnn.load_config(file, {"model.hidden_size": np.int64(4), "data.text": [file]})
    assert (config.model.cell, config.model.hidden_size) == ("gru", 4)
    assert config.data.text == (str(file),)
    assert charrnn.load_config(config) == config
    assert charrnn.load_config({"model.cell": "gru", "model": {"hidden_size": 4},
                                "data": {"text": str(file)}}) == config  # fmt: skip


def test_training_is_that_of_the_command(run, folder, tmp_path):
    sets = [
        part for key, value in SETTINGS.items()
        for part in ("--set", f"{key}={json.dumps(value).strip(chr(34))}")
    ]  # fmt: skip
    out = tmp_path / "command"
    printed = json.loads(command("train", "--text", folder / "text.txt", "--steps", 6, "--out", out,
                                 "--format", "json", "-q", *sets))  # fmt: skip
    assert printed.keys() == run.summary.keys()
    assert printed["val_loss"] == run.summary["val_loss"]
    ours, theirs = run.model(), charrnn.load(out)
    for name, array in ours.parameters.items():
        assert np.array_equal(array, theirs.parameters[name])
    names = {p.name for p in run.path.iterdir()}
    assert {p.name for p in out.iterdir()} == names
    assert {"config.yaml", "metrics.jsonl", "samples.txt", "checkpoints"} <= names


def test_events_reach_every_callback_in_order(folder, tmp_path):
    first, second = [], []
    run = charrnn.train(
        files=folder / "text.txt", settings=SETTINGS | {"train.eval_every": 2}, steps=4,
        out=tmp_path / "r", on_event=[first.append, second.append], progress=False,
    )  # fmt: skip
    assert first == second
    steps = [event.step for event in first if isinstance(event, charrnn.events.Stepped)]
    assert steps == [1, 2, 3, 4]
    assert isinstance(first[-1], charrnn.events.Finished)
    logged = [event.loss for event in first if isinstance(event, charrnn.events.Logged)]
    assert [line["train_loss"] for line in run.metrics()] == logged


def stops_with_an_event(stop):
    return lambda event: stop.set() if event.step == 2 else None


def sends_sigint(stop):
    return lambda event: (
        signal.raise_signal(signal.SIGINT)
        if isinstance(event, charrnn.events.Stepped) and event.step == 2 else None
    )  # fmt: skip


def resumes_to_the_same(run, tmp_path, folder):
    assert run.interrupted
    assert run.summary["step"] < 6
    done = charrnn.resume(run, steps=6, progress=False, accept_changes=True)
    assert not done.interrupted
    whole = trained(folder, tmp_path / "whole")
    for name, array in whole.model("last").parameters.items():
        assert np.array_equal(array, done.model("last").parameters[name]), name


@pytest.fixture
def in_the_foreground():
    """A shell's background jobs ignore Ctrl-C, and so would tests that run as one."""
    found = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, found)


@pytest.mark.usefixtures("in_the_foreground")
@pytest.mark.parametrize("stopping", [stops_with_an_event, sends_sigint])
def test_stopping_saves_and_returns(folder, tmp_path, stopping):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    stop = threading.Event()
    run = charrnn.train(
        files=folder / "text.txt", settings=SETTINGS, out=tmp_path / "r", progress=False,
        on_event=stopping(stop), stop=stop, steps=6,
    )  # fmt: skip
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    resumes_to_the_same(run, tmp_path, folder)


def test_an_interrupt_in_a_callback_stops(folder, tmp_path):
    seen = []

    def callback(event):
        seen.append(event)
        if len(seen) == 4:
            raise KeyboardInterrupt

    run = charrnn.train(
        files=folder / "text.txt", settings=SETTINGS, out=tmp_path / "r", progress=False,
        on_event=callback, steps=6,
    )  # fmt: skip
    resumes_to_the_same(run, tmp_path, folder)


def test_in_another_thread_no_handler_is_set(folder, tmp_path):
    results, stop = [], threading.Event()

    def work():
        results.append(charrnn.train(
            files=folder / "text.txt", settings=SETTINGS, out=tmp_path / "r", progress=False,
            on_event=stops_with_an_event(stop), stop=stop, steps=6,
        ))  # fmt: skip

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    resumes_to_the_same(results[0], tmp_path, folder)


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_sigterm_saves_and_is_passed_on(folder, tmp_path):
    code = f"""
import charrnn, os, signal
def kill(event):
    if event.step == 2 and isinstance(event, charrnn.events.Stepped):
        os.kill(os.getpid(), signal.SIGTERM)
charrnn.train(files={str(folder / "text.txt")!r}, settings={SETTINGS!r}, out="r", steps=6,
              progress=False, on_event=kill)
print("still here")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == -signal.SIGTERM
    assert "still here" not in done.stdout
    assert 2 <= charrnn.load(tmp_path / "r", "last").step < 6


def test_a_failing_callback_leaves_a_run_to_go_on_with(folder, tmp_path):
    def fail(event):
        if isinstance(event, charrnn.events.Stepped):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        charrnn.train(files=folder / "text.txt", settings=SETTINGS, out=tmp_path / "r", steps=6,
                      progress=False, on_event=fail)  # fmt: skip
    assert charrnn.resume(tmp_path / "r", progress=False).summary["step"] == 6


def test_an_iterator_of_events(folder, tmp_path):
    asked = {"files": folder / "text.txt", "settings": SETTINGS, "steps": 6}
    with charrnn.training_events(**asked, out=tmp_path / "r") as training:
        for event in training:
            if isinstance(event, charrnn.events.Stepped) and event.step == 3:
                training.stop()
    resumes_to_the_same(training.run, tmp_path, folder)
    left = charrnn.training_events(**asked, out=tmp_path / "left")
    for event in left:
        if event.step == 3:
            break
    with pytest.raises(charrnn.errors.CheckpointError, match="another process"):
        charrnn.resume(tmp_path / "left")
    left.close()
    assert not left.run.interrupted
    assert charrnn.resume(tmp_path / "left", progress=False).summary["step"] == 6


def test_notices_are_warnings_at_the_callers_line(folder, tmp_path):
    with pytest.warns(charrnn.Notice, match="the text is short") as caught:
        trained(folder, tmp_path / "r", train__batch_size=5000, bptt__k1=50, bptt__k2=50)
    assert caught[0].filename == __file__


def test_progress_is_shown_when_it_is_asked_for(folder, tmp_path, capsys):
    for progress, shown in ((True, True), (False, False), ("auto", False)):
        charrnn.train(files=folder / "text.txt", settings=SETTINGS, steps=2,
                      out=tmp_path / str(progress), progress=progress)  # fmt: skip
        assert ("bits/char" in capsys.readouterr().err) == shown
    with pytest.raises(charrnn.errors.UsageError, match="progress"):
        charrnn.train(files=folder / "text.txt", out=tmp_path / "r", progress="never")
    assert not (tmp_path / "r").exists()


def test_a_notebook_has_a_bar(folder, tmp_path, monkeypatch, capsys):
    class Shell:
        config = {"IPKernelApp": {}}  # noqa: RUF012

    module = type(sys)("IPython")
    module.get_ipython = Shell  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", module)
    monkeypatch.setattr("charrnn.api.showing.find_spec", lambda name: None)
    charrnn.train(files=folder / "text.txt", settings=SETTINGS, steps=2, out=tmp_path / "r")
    shown = capsys.readouterr().err
    assert "%|" in shown
    assert "bits/char" in shown
