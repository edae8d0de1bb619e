"""`charrnn score` and `charrnn eval`: what they print is what the reference makes of the text."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from math import log

import numpy as np
import pytest

import charrnn as charrnn_api
from charrnn import build
from charrnn.analysis.gradcheck.cases import reference_of
from charrnn.config.schema import DataConfig
from charrnn.data.layout import layout_of, whole_lines
from charrnn.inference.interval import SHORTEST
from charrnn.inference.reader import SCORING
from charrnn.inference.scoring import Scorer
from charrnn.runtime.workers import WorkerPool
from charrnn.storage.checkpoint import read
from charrnn.storage.checkpoint_folder import locate
from tests.conftest import FIVE_STEPS, TEXT

PART = "OWEN:\n\nThe lamp\n(the clerk)"


@pytest.fixture(params=["stream", "lines"])
def mode(request):
    return request.param


@pytest.fixture
def model(runs_of_modes, mode, tmp_path):
    shutil.copytree(runs_of_modes / mode, tmp_path / "run")
    return mode


def restored(tmp_path):
    path = locate(tmp_path / "run", "best")
    return build.restore_network(read(path), str(path))


def expected(tmp_path, text, initial_state=None):
    """Nats of each character by the textbook's network; None where there is no score."""
    beginning = charrnn_api.load(tmp_path / "run").beginning(initial_state)
    network, vocabulary, config = restored(tmp_path)
    reference, params = reference_of(config), dict(network.params)
    start = vocabulary.id("\n")
    found = []

    def scored(x, y):
        if not len(y):
            return []
        E, _ = reference.losses(params, np.array(x)[:, None], np.array(y)[:, None],
                                beginning.state)  # fmt: skip
        return E[:, 0].tolist()

    if config.data.mode == "stream":
        ids = vocabulary.encode(text).tolist()
        if initial_state == "zero":
            return scored([start], ids[:1]) + scored(ids[:-1], ids[1:])
        return scored([beginning.id, *ids[:-1]], ids)
    for line in text.splitlines(keepends=True):
        ids = vocabulary.encode(line).tolist()
        found += [None] if line == "\n" else scored([start, *ids[:-1]], ids)
    return found


def objects(done):
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_per_char_is_what_the_reference_says(charrnn, model, tmp_path):
    text = PART + "\n"
    rows = objects(charrnn("score", "run", "--per", "char", "--format", "jsonl", stdin=text))
    assert [row["char"] for row in rows] == list(text)
    assert all(set(row) == {"char", "nats"} for row in rows)
    for row, nats in zip(rows, expected(tmp_path, text), strict=True):
        assert row["nats"] == (None if nats is None else pytest.approx(nats, rel=1e-8))


def test_lines_and_files_are_sums_of_characters(charrnn, model, tmp_path):
    (tmp_path / "part.txt").write_text(PART + "\n")
    wanted = expected(tmp_path, PART + "\n")
    rows = objects(charrnn("score", "run", "part.txt", "--format", "jsonl"))
    assert [row["line"] for row in rows] == [1, 2, 3, 4]
    assert [row["text"] for row in rows] == PART.split("\n")
    at = 0
    for row in rows:
        assert set(row) == {"line", "text", "chars", "nats", "bits_per_char"}
        own = [n for n in wanted[at : at + len(row["text"]) + 1] if n is not None]
        at += len(row["text"]) + 1
        assert row["chars"] == len(own)
        assert row["nats"] == pytest.approx(sum(own), rel=1e-8)
        if own:
            assert row["bits_per_char"] == pytest.approx(sum(own) / len(own) / log(2), rel=1e-8)
    (whole,) = objects(charrnn("score", "run", "part.txt", "--per", "file", "--format", "jsonl"))
    assert whole["nats"] == pytest.approx(sum(row["nats"] for row in rows))
    assert whole["chars"] == sum(row["chars"] for row in rows)


def test_it_is_what_eval_says(charrnn, model, tmp_path, text_file):
    (row,) = objects(charrnn("score", "run", text_file, "--per", "file", "--format", "jsonl",
                             "--initial-state", "zero"))  # fmt: skip
    (scored,) = objects(charrnn("eval", "run", "--text", text_file, "--format", "json"))
    extra = 0.0 if model == "lines" else expected(tmp_path, TEXT[:1], "zero")[0]
    assert row["nats"] - extra == pytest.approx(scored["nats_per_char"] * scored["chars"], rel=1e-9)
    if model == "stream":
        assert scored["interval"] is None
        assert scored["chars"] < SHORTEST
        said = charrnn("eval", "run", "--text", text_file).stdout
        assert "no 95 % interval: it takes at least 5,000 characters\n" in said
    else:
        low, high = scored["interval"]
        assert low < scored["nats_per_char"] < high


def test_a_line_without_its_end(charrnn, model):
    rows = objects(charrnn("score", "run", "--format", "jsonl", stdin="The\nlamp"))
    ended = 1 if model == "lines" else 0
    assert [row["chars"] for row in rows] == [4, 4 + ended]
    assert charrnn("score", "run", stdin="").stdout.count("\n") == 1


@pytest.mark.parametrize("threads", [1, 2])
def test_pieces_and_streams_change_nothing(model, tmp_path, threads):
    network, vocabulary, _ = restored(tmp_path)
    text = (TEXT * 5)[:20_017]
    text += "The lamp " * 700 + "\n"  # a line of several windows
    pool, plan = WorkerPool(network, threads), replace(SCORING, chunk=1000, worth_cutting=10_000)

    def nats(pieces):
        scorer = Scorer(
            pool, vocabulary, "error", layout=layout_of(DataConfig(mode=model)), plan=plan
        )
        return np.concatenate([scorer.nats(piece) for piece in pieces])

    cuts = [text[a : a + 4_001] for a in range(0, len(text), 4_001)]
    small = text.splitlines(keepends=True)
    pieces = list(whole_lines(cuts, closed=False)) if model == "lines" else cuts
    assert "".join(pieces) == text
    one = nats(small)
    np.testing.assert_allclose(nats(pieces), one, rtol=1e-9)
    np.testing.assert_allclose(nats([text]), one, rtol=1e-5, atol=1e-7)


def test_strangest_first(charrnn, model):
    text = "The lamp\n(((((\nThe letter\n\n"
    rows = objects(charrnn("score", "run", "--format", "jsonl", "--sort", "strangest", stdin=text))
    bits = [-1 if row["bits_per_char"] is None else row["bits_per_char"] for row in rows]
    assert len(rows) == 4
    assert bits == sorted(bits, reverse=True)
    top = charrnn("score", "run", "--format", "jsonl", "--sort", "strangest", "--top", 2,
                  stdin=text)  # fmt: skip
    assert objects(top) == rows[:2]
    assert charrnn("score", "run", "--top", 2, stdin=text).returncode == 2
    assert charrnn("score", "run", "--per", "char", "--sort", "strangest").returncode == 2


def test_which_one_wrote_this(charrnn, text_file, tmp_path):
    (tmp_path / "b.txt").write_text(TEXT[::-1])
    for name, text in (("fore", text_file), ("back", "b.txt")):
        charrnn("train", "--text", text, "--out", name, "--set", "model.hidden_size=16",
                "--set", "train.batch_size=4", "--steps", 60, "-q")  # fmt: skip
    args = ("score", "fore", "--with", "back", "--per", "file", "--format", "jsonl")
    for text, name in ((TEXT, "fore"), (TEXT[::-1], "back")):
        (row,) = objects(charrnn(*args, stdin=text))
        assert row["likeliest"] == name
        assert [m["model"] for m in row["models"]] == ["fore", "back"]
        assert row["nats"] == row["models"][0]["nats"]
    table = charrnn("score", "fore", "--with", "back", "--on-unknown", "error",
                    stdin="The\tlamp\\\r\n")  # fmt: skip
    assert table.returncode == 3
    table = charrnn("score", "fore", "--with", "back", "--on-unknown", "skip", stdin="The\tx\\\r\n")
    header, line = (row.split("\t") for row in table.stdout.splitlines())
    assert header == ["line", "chars", "nats", "bits_per_char", "nats:back", "likeliest", "text"]
    assert line[-1] == "The\\tx\\\\\\r"
    assert line[1] == "4"


def test_several_files(charrnn, model, tmp_path):
    (tmp_path / "a.txt").write_text("The\n")
    (tmp_path / "b.txt").write_text("lamp\n")
    rows = objects(charrnn("score", "run", "a.txt", "b.txt", "--format", "jsonl"))
    assert [(row["file"], row["line"], row["text"]) for row in rows] == [
        ("a.txt", 1, "The"), ("b.txt", 1, "lamp"),
    ]  # fmt: skip
    alone = objects(charrnn("score", "run", "b.txt", "--format", "jsonl"))
    assert alone[0]["nats"] == pytest.approx(rows[1]["nats"])


def test_texts_that_cannot_be_scored(charrnn, model, tmp_path):
    (tmp_path / "bad.txt").write_bytes(b"The lamp\xff\n")
    (tmp_path / "nul.txt").write_bytes(b"The\0lamp\n")
    for name, *parts in (
        ("bad.txt", "0xFF at offset 8"),
        ("nul.txt", "U+0000", "character 3", "--on-unknown"),
        ("none.txt", "No such file"),
    ):
        done = charrnn("score", "run", name, "--on-unknown", "error")
        assert (done.returncode, done.stdout) == (3, "")
        assert all(part in done.stderr for part in parts), done.stderr
        assert "Traceback" not in done.stderr
    skipped = objects(charrnn("score", "run", "nul.txt", "--on-unknown", "skip", "--per", "char",
                              "--format", "jsonl"))  # fmt: skip
    assert [row["char"] for row in skipped if row["nats"] is None] == ["\0"]


def test_a_long_line(charrnn, model):
    (row,) = objects(charrnn("score", "run", "--format", "jsonl", stdin="The lamp " * 8_000))
    assert row["chars"] == 72_000 + (model == "lines")


def test_eval_with_a_baseline(charrnn, model, text_file):
    done = charrnn("eval", "run", "--baseline")
    assert done.returncode == 0, done.stderr
    assert "Kneser-Ney" in done.stdout
    assert "the n-gram is better than the network by" in done.stdout
    (scored,) = objects(charrnn("eval", "run", "--baseline", "--format", "json"))
    other = scored["baseline"]
    assert set(other) == {"nats_per_char", "bits_per_char", "order", "smoothing"}
    assert other["bits_per_char"] == pytest.approx(other["nats_per_char"] / log(2))
    charrnn("train", "--text", text_file, "--out", "own", f"--set=data.mode={model}", *FIVE_STEPS)
    text_file.rename(text_file.with_suffix(".kept"))
    done = charrnn("eval", "own", "--text", text_file.with_suffix(".kept"), "--baseline")
    assert done.returncode == 3
    assert "--baseline needs the text that the model was trained on" in done.stderr
