"""Sampling people want: where samples end, what they may hold, the best of some, what is new."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import charrnn as package
from charrnn import build
from charrnn.analysis.gradcheck.cases import reference_of
from charrnn.config import Config
from charrnn.data.corpus import load_corpus
from charrnn.inference.memorization import TrainingText
from charrnn.inference.sampling import StopConditions, Truncation
from charrnn.storage.checkpoint import read
from charrnn.storage.checkpoint_folder import locate
from tests.conftest import FIVE_STEPS, TEXT

LETTERS = st.text("ab\n", max_size=12)


@pytest.fixture(params=["stream", "lines"])
def mode(request, runs_of_modes, tmp_path):
    shutil.copytree(runs_of_modes / request.param, tmp_path / "run")
    return request.param


def printed(done):
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects(done):
    return [json.loads(line) for line in printed(done).splitlines()]


@given(LETTERS, st.lists(LETTERS, max_size=3), st.none() | st.integers(1, 3))
def test_a_stream_ends_where_the_whole_text_does(text, stops, lines):
    found = "".join(StopConditions(stops, lines).truncate(text))
    assert found == "".join(StopConditions(stops, lines).truncate([text]))
    # The end by its definition: the shortest beginning that meets a condition.
    for n in range(len(text) + 1):
        met = [stop for stop in stops if stop and text[:n].endswith(stop)]
        if met:
            assert found == text[: n - len(met[0])]
            return
        if lines is not None and text[:n].count("\n") == lines:
            assert found == text[:n]
            return
    assert found == text


@given(LETTERS, st.lists(LETTERS, max_size=3), st.lists(st.integers(0, 12), max_size=4))
def test_nothing_is_told_that_a_stop_may_still_take_back(text, stops, cuts):
    truncation, told, places = Truncation(StopConditions(stops)), "", [0, *sorted(cuts), None]
    whole = "".join(StopConditions(stops).truncate(text))
    for a, b in pairwise(places):
        told += truncation.feed(text[a:b])
        assert whole.startswith(told)
        held = truncation.held
        assert not held or any(stop.startswith(held) for stop in stops)
    assert told + truncation.held == whole


@given(LETTERS, st.lists(LETTERS, max_size=3), st.none() | st.integers(1, 3))
def test_an_ending_is_the_first_of_all(text, stops, lines):
    truncation = Truncation(StopConditions(stops, lines))
    found, ended = truncation.feed(text) + truncation.held, truncation.ended
    assert text.startswith(found)
    assert not any(stop in found for stop in stops if stop)
    assert lines is None or found.count("\n") <= lines
    assert ended or (found == text and (lines is None or text.count("\n") < lines))


def test_lines_and_stops(charrnn, mode):
    args = ("sample", "run", "--length", 1000, "--seed", 1)
    three = printed(charrnn(*args, "--lines", 3))
    assert three.count("\n") == 3
    assert three.endswith("\n")
    assert printed(charrnn(*args)).startswith(three)
    stopped = printed(charrnn(*args, "--stop", "e", "--stop", "th", "--count", 3))
    assert "e" not in stopped
    assert "th" not in stopped


def test_only_allowed_characters(charrnn, mode):
    for extra in ((), ("--count", 3)):
        done = charrnn("sample", "run", "--allow", r"aeht\n\u0020", "--forbid", "h", "--seed", 1,
                       "--length", 200, *extra)  # fmt: skip
        assert set(printed(done)) == set("aet\n ")
    empty = charrnn("sample", "run", "--allow", "a", "--forbid", "a")
    assert (empty.returncode, empty.stdout) == (2, "")
    lacking = charrnn("sample", "run", "--allow", "é")
    assert lacking.returncode == 3
    assert "--allow" in lacking.stderr


def test_the_best_is_the_likeliest_of_them(charrnn, mode, tmp_path):
    args = ("sample", "run", "--length", 30, "--seed", 3, "--format", "json", "--prime", "The ")
    every = objects(charrnn(*args, "--count", 6))
    best = objects(charrnn(*args, "--count", 2, "--best-of", 3))
    for group, found in zip((every[:3], every[3:]), best, strict=True):
        assert found == min(group, key=lambda sample: sample["nats_per_char"])
    path = locate(tmp_path / "run", "best")
    network, vocabulary, config = build.restore_network(read(path), str(path))
    reference, params = reference_of(config), dict(network.params)
    beginning = package.load(tmp_path / "run").beginning()
    ids = np.concatenate([[beginning.id], vocabulary.encode(every[0]["text"])])
    boundaries = np.flatnonzero(ids == vocabulary.id("\n")) if mode == "lines" else []
    cuts = sorted({0, *map(int, boundaries), len(ids) - 1})
    E = np.concatenate([
        reference.losses(params, ids[a:b, None], ids[a + 1 : b + 1, None], beginning.state)[0]
        for a, b in pairwise(cuts)
    ])  # fmt: skip
    assert every[0]["nats_per_char"] == pytest.approx(E[-30:].mean(), rel=1e-9)


@given(st.text("abc", max_size=20))
def test_the_longest_copied_span(tmp_path_factory, sample):
    path = tmp_path_factory.mktemp("t") / "t.txt"
    path.write_text("abcaabbcacb" + "c" * 4)
    data = Config().data.model_copy(update={"text": [str(path)], "split": (0.8, 0.2, 0.0)})
    text = path.read_text()[:12]
    spans = {sample[a:b] for a in range(len(sample) + 1) for b in range(a, len(sample) + 1)}
    longest = max((len(batch) for batch in spans if batch in text), default=0)
    found = TrainingText(load_corpus(data)).longest_copied(sample)
    assert (len(found), found in text, found in sample) == (longest, True, True)


def test_novelty_is_told_beside_the_text(charrnn, mode, text_file):
    args = ("sample", "run", "--length", 60, "--seed", 1)
    for extra in ((), ("--count", 2)):
        told = charrnn(*args, *extra, "--check-novelty")
        assert printed(told) == printed(charrnn(*args, *extra))
        assert "new; longest copied span" in told.stderr
    corpus = load_corpus(Config().data.model_copy(update={"text": [str(text_file)], "mode": mode}))
    known = TrainingText(corpus)
    line = "  The lamp (the small one) is on the table."
    assert [copied.known for copied in known.look_up(line)] == [True]
    assert [copied.known for copied in known.look_up(line[:9])] == [mode == "stream"]
    charrnn("train", "--text", text_file, "--out", "own", f"--set=data.mode={mode}", *FIVE_STEPS)
    text_file.unlink()
    gone = charrnn("sample", "own", "--length", 60, "--check-novelty")
    assert (gone.returncode, gone.stdout) == (3, "")
    assert "--check-novelty needs the text that the model was trained on" in gone.stderr
    assert line in TEXT
