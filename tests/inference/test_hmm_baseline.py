"""`charrnn eval --hmm`: a hidden Markov model of the same training part, on the same characters."""

from __future__ import annotations

import json

import numpy as np
import pytest

from charrnn import config
from charrnn.data.corpus import load_corpus
from charrnn.inference import hmm
from charrnn.inference.baseline import hmm_baseline


@pytest.mark.parametrize("mode", ["stream", "lines"])
def test_one_state_is_the_unigram(text_file, mode):
    """With one state nothing is remembered: counts, each character once more than it was seen."""
    data = config.load(
        None, [f"data.text={text_file}", f"data.mode={mode}", "data.split=[0.8,0.2,0]"]
    ).data
    corpus = load_corpus(data)
    found = hmm_baseline(corpus, corpus, "val", 1, seed=1)
    if mode == "stream":
        (a, b), (c, d) = (corpus.rows[part][0].tolist() for part in ("train", "val"))
        learned, scored = corpus.ids[a:b], corpus.ids[c:d]
    else:
        learned = np.concatenate([corpus.ids[a:b] for a, b in corpus.rows["train"].tolist()])
        scored = np.concatenate([corpus.ids[a + 1 : b] for a, b in corpus.rows["val"].tolist()])
    counts = np.bincount(learned, minlength=corpus.vocabulary.K)
    p = (counts + 1) / (counts.sum() + len(counts))
    assert found.nats_per_char == pytest.approx(float(-np.log(p[scored]).mean()), abs=1e-9)
    assert found.parameters == len(counts) - 1


def test_a_stream_enters_from_the_text_before(text_file):
    data = config.load(None, [f"data.text={text_file}", "data.split=[0.8,0.2,0]"]).data
    corpus = load_corpus(data)
    found = hmm_baseline(corpus, corpus, "val", 6, seed=3)
    (a, b), (c, d) = (corpus.rows[part][0].tolist() for part in ("train", "val"))
    model = hmm.fit(corpus.ids[a:b], np.array([b - a]), 6, corpus.vocabulary.K, seed=3)
    nats, _ = hmm.losses(model, corpus.ids[c - 512 : d])
    assert found.nats_per_char == pytest.approx(float(nats[512:].mean()), abs=1e-12)


def test_eval_tells_of_it(text_file, charrnn):
    sets = ("model.hidden_size=5", "train.batch_size=4", "data.split=[0.8,0.2,0]")
    options = [part for item in sets for part in ("--set", item)]
    result = charrnn("train", "--text", text_file, *options, "--steps", 2, "--out", "run")
    assert result.returncode == 0, result.stderr
    answer = json.loads(charrnn("eval", "run", "--hmm", 4, "--format", "json").stdout)
    assert answer["hmm"]["states"] == 4
    assert 0 < answer["hmm"]["nats_per_char"] < answer["nats_per_char"]
    words = charrnn("eval", "run", "--hmm", 4).stdout
    assert f"hidden Markov model {answer['hmm']['nats_per_char']:.4f} nats" in words
    assert charrnn("eval", "run", "--hmm", 0).returncode == 2
