"""`charrnn score`: lines alone, lines as they come, the strangest of those that are long enough."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import charrnn as api
from charrnn.api.file_scores import score_files
from charrnn.errors import UsageError
from tests.conftest import ROOT, TEXT

SETTINGS = {
    "model.hidden_size": 6, "model.num_layers": 1, "bptt.k1": 8, "bptt.k2": 8,
    "train.batch_size": 4, "runtime.kernels": "numpy", "runtime.dtype": "float64",
}  # fmt: skip
LINES = ["The lamp", "said OWEN:", "", "the table of the clerk", "The lamp", "zzz 7"]
KINDS = {
    "stream": {}, "lines": {"data.mode": "lines"},
    "records": {"data.mode": "records", "data.separator": "blank"},
    "no line end": {}, "mixture": {}, "mixture of lines": {"data.mode": "lines"},
}  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A model of every kind, trained by a few steps."""
    folder, found = tmp_path_factory.mktemp("models"), {}
    for kind, own in KINDS.items():
        text = folder / f"{kind}.txt"
        text.write_text(TEXT.replace("\n", " ") if kind == "no line end" else TEXT)
        run = api.train(files=text, settings={**SETTINGS, **own}, steps=3, out=folder / kind)
        if "mixture" in kind:
            api.mix(run, 4)
        found[kind] = api.load(run)
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore::charrnn.errors.Notice")
def test_what_a_line_costs_alone_is_what_it_costs_among_others(models, kind):
    model, end = models[kind], "\n\n" if kind == "records" else "\n"
    text = end.join(LINES)
    scores = model.score(text, independent=True)
    at = 0
    for line in LINES:
        alone = model.score(line + end, independent=True)
        own = scores.nats[at : at + len(alone)]
        np.testing.assert_allclose(own, alone.nats[: len(own)], rtol=1e-9)
        at += len(line) + len(end)
    dependent = model.score(text)
    alike = kind in ("lines", "records")  # whose sequences are independent anyway
    assert np.allclose(dependent.nats, scores.nats[: len(dependent)], equal_nan=True) == alike


def test_order_does_not_decide_which_is_likeliest(models):
    model = models["stream"]
    forth = model.score("\n".join(LINES), independent=True).lines()
    back = model.score("\n".join(LINES[::-1]), independent=True).lines()
    assert {(r.text, r.chars, round(r.nats, 9)) for r in forth} == {
        (r.text, r.chars, round(r.nats, 9)) for r in back
    }
    plain = model.score("\n".join(LINES)).lines()
    assert plain[0].nats != pytest.approx(plain[4].nats)  # the same line
    assert forth[0].nats == pytest.approx(forth[4].nats)


def rows_of(model, path, **how):
    return list(score_files([model], ["m"], (str(path),), tell=lambda _: None, **how).rows())


def test_the_strangest_of_those_that_are_long_enough(models, tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(LINES))
    rows = rows_of(models["stream"], path, independent=True)
    by_total = rows_of(models["stream"], path, independent=True, sort="total")
    assert by_total == sorted(rows, key=lambda row: -row.nats[0])
    assert by_total[0].text == "the table of the clerk"
    by_mean = rows_of(models["stream"], path, independent=True, sort="strangest", min_chars=7)
    assert len(by_mean) == 4
    assert all(row.chars[0] >= 7 for row in by_mean)
    bits = [row.bits(0) for row in by_mean]
    assert bits == sorted(bits, reverse=True)


@pytest.mark.parametrize(
    ("how", "what"),
    [
        ({"follow": True}, "stdin"),
        ({"follow": True, "files": ("-",), "sort": "total"}, "waits for the end"),
        ({"follow": True, "files": ("-",), "per": "file"}, "waits for the end"),
        ({"per": "char", "min_chars": 2}, "not for chars"),
    ],
)
def test_what_does_not_go_together(models, how, what):
    files = how.pop("files", ("a.txt",))
    with pytest.raises(UsageError, match=what):
        score_files([models["stream"]], ["m"], files, **how)


@pytest.mark.parametrize("kind", ["stream", "lines"])
def test_each_line_is_answered_as_it_comes(models, kind, tmp_path):
    run = models[kind].path
    args = [sys.executable, "-m", "charrnn", "score", str(run), "--follow", "--format", "jsonl"]
    with subprocess.Popen(
        args, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:  # fmt: skip
        watch = threading.Timer(300, process.kill)  # of a program that waits for more
        watch.start()
        found = []
        for line in (b"The lamp\n", b"said \xff OWEN: 7\n", "Zürich\n".encode(), b"The lamp\n"):
            process.stdin.write(line)
            process.stdin.flush()
            found.append(json.loads(process.stdout.readline()))  # before the next one is written
        process.stdin.write(b"no end")
        process.stdin.close()
        found += map(json.loads, process.stdout)
        said = process.stderr.read().decode()
        assert process.wait() == 0
        watch.cancel()
    assert [row["text"] for row in found] == [
        "The lamp", "said \ufffd OWEN: 7", "Zürich", "The lamp", "no end",
    ]  # fmt: skip
    whole = models[kind].score("".join(row["text"] + "\n" for row in found)[:-1])
    for row, line in zip(found, whole.lines(), strict=True):
        assert (row["chars"], row["nats"]) == (line.chars, pytest.approx(line.nats, rel=1e-9))
    assert "counted as surprise" in said


def test_a_model_of_a_stream_without_line_ends_gives_them_no_score(models):
    scores = models["no line end"].score("The lamp\nsaid\n", independent=True)
    assert np.flatnonzero(np.isnan(scores.nats)).tolist() == [8, 13]
