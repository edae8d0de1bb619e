"""`data.min_count`: rare characters are one symbol, which is learned, scored, and never sampled."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import charrnn
from charrnn import build, config
from charrnn.data import sources
from charrnn.data.corpus import load_corpus
from charrnn.data.survey import survey
from charrnn.data.vocabulary import UNKNOWN
from charrnn.errors import ConfigError
from charrnn.inference.sampling import Sampling, numpy_sampler, sample, writable

TEXT = "abc abd\nabe ab\u00e9 ab\u4e2d\n" * 3 + "xyz\u6587\n"


def corpus_of(tmp_path: Path, *sets: str, text: str = TEXT):
    (tmp_path / "t.txt").write_text(text, encoding="utf-8")
    return load_corpus(config.load(None, [f"data.text={tmp_path / 't.txt'}", *sets]).data)


@pytest.mark.parametrize("mode", ["stream", "lines"])
@pytest.mark.parametrize("large", [False, True])
def test_rare_characters_are_one_symbol(tmp_path, monkeypatch, mode, large):
    if large:
        monkeypatch.setattr(sources, "LARGE", 10)
        monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "cache"))
    for _ in range(2):  # the second time from the cache
        corpus = corpus_of(tmp_path, "data.min_count=3", f"data.mode={mode}")
        read = corpus.vocabulary.decode(np.asarray(corpus.ids).tolist())
        rare = {c for c, n in Counter(TEXT).items() if n < 3}
        assert rare == set("xyz\u6587")
        begin = "\n" if mode == "lines" else ""
        assert read == begin + "".join(UNKNOWN if c in rare else c for c in TEXT)
        assert set(corpus.vocabulary.symbols) == (set(TEXT) - rare) | {UNKNOWN}
        assert corpus.text_characters == len(TEXT)
    K, share = survey(tmp_path / "t.txt").with_min_count(3)
    assert (K, share) == (corpus.vocabulary.K, 4 / len(TEXT))


def test_where_nothing_is_rare_nothing_changes(tmp_path):
    assert corpus_of(tmp_path, "data.min_count=1").vocabulary.unknown is None
    again = corpus_of(tmp_path, "data.min_count=2", text="aabb\n")
    assert (again.vocabulary.unknown, again.vocabulary.symbols) == (None, ("\n", "a", "b"))


@pytest.mark.parametrize("compiled", [False, True])
def test_the_unknown_symbol_is_never_sampled(compiled):
    settings = config.load(None, ["model.hidden_size=32", "model.num_layers=1"])
    symbols = "\nab" + UNKNOWN
    network = build.network(settings, len(symbols))
    network.params["output.c"][3] = 50.0  # it would be nearly certain
    vocabulary = charrnn.data.vocabulary.Vocabulary(symbols, unknown=UNKNOWN)
    mask = writable(vocabulary)
    make = numpy_sampler
    if compiled:
        pytest.importorskip("numba")
        from charrnn.nn.backends.compiled.sampling import compiled_sampler

        def make(network, sampling):
            return compiled_sampler(network, 1.0, None, None, sampling.allowed, None)

    drawn = sample(network, np.zeros(1, np.int32), 40, make(network, Sampling(allowed=mask)), 1)
    assert 3 not in np.concatenate([ids[:, 0] for ids in drawn])


def test_a_run_with_it(tmp_path):
    (tmp_path / "t.txt").write_text(TEXT * 20 + "!\u7b2c", encoding="utf-8")
    small = {"model.hidden_size": 4, "model.num_layers": 1, "train.batch_size": 2,
             "data.min_count": 5}  # fmt: skip
    charrnn.train(files=tmp_path / "t.txt", settings=small, steps=2, out=tmp_path / "run")
    model = charrnn.load(tmp_path / "run")
    assert model.vocabulary.unknown == UNKNOWN
    assert UNKNOWN not in "".join(model.sample(length=500, seed=1, temperature=3.0))
    with pytest.warns(charrnn.Notice, match="1 character that the vocabulary lacks is counted"):
        scores = model.score("ab\u7b2c\n")
    assert scores.nats[2] == model.score(f"ab{UNKNOWN}\n").nats[2]
    with pytest.warns(charrnn.Notice, match="1 of its characters are unknown"):
        assert len("".join(model.sample("ab\u7b2c", length=5, seed=1))) == 5
    resumed = charrnn.resume(tmp_path / "run", steps=3)
    assert charrnn.load(resumed.path).vocabulary == model.vocabulary


@pytest.mark.parametrize("other", ["data.unit=byte", "data.on_unknown=skip"])
def test_what_it_is_not_for(other):
    with pytest.raises(ConfigError, match=r"data\.min_count"):
        config.load(None, ["data.min_count=2", other])
