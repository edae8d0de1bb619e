"""The n-gram baseline is a distribution, and agrees with a slow dictionary of counts."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.config import Config
from charrnn.data.corpus import load_corpus
from charrnn.inference.baseline import baseline
from charrnn.inference.ngram import Sequences, losses
from tests.inference.slow_ngram import Slow

K = 3
SEQUENCES = st.lists(
    st.lists(st.integers(0, K - 1), min_size=2, max_size=30).map(tuple), min_size=1, max_size=4
)


def joined(sequences):
    ids = np.array([i for sequence in sequences for i in sequence])
    return Sequences.of(ids, np.array([len(sequence) for sequence in sequences]))


@given(SEQUENCES, SEQUENCES, st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_it_is_what_a_dictionary_of_counts_gives(train, scored, order):
    *_, nats = losses(joined(train), joined(scored), K, order)
    slow = Slow(train, order, K)
    # A context longer than what the sequence has falls back to the longest there is.
    expected = [-log(slow.p(s[:t], s[t])) for s in scored for t in range(1, len(s))]
    np.testing.assert_allclose(nats, expected, rtol=1e-12, atol=1e-12)


@given(SEQUENCES, st.lists(st.integers(0, K - 1), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_probabilities_sum_to_one_after_any_context(train, context):
    alternatives = joined([(*context, c) for c in range(K)])
    for nats in losses(joined(train), alternatives, K, 10):
        last = nats.reshape(K, len(context))[:, -1]
        assert np.exp(-last).sum() == pytest.approx(1, abs=1e-12)


def corpus_of(text, tmp_path, **data):
    path = tmp_path / "t.txt"
    path.write_text(text)
    return load_corpus(Config().data.model_copy(update={"text": [str(path)], **data}))


def test_every_character_of_the_part_is_scored_with_what_stands_before_it(tmp_path):
    text = "abcabdabcabeabc" * 30
    corpus = corpus_of(text, tmp_path, split=(0.7, 0.3, 0.0))
    found = baseline(corpus, corpus, "val")
    ids, (start, stop) = corpus.ids, corpus.bounds["val"]
    whole = Sequences.of(ids.astype(np.int64), np.array([len(ids)]))
    train = Sequences.of(ids[:start].astype(np.int64), np.array([start]))
    *_, nats = losses(train, whole, corpus.vocabulary.K, found.order)
    assert found.nats_per_char == pytest.approx(nats[start - 1 :].mean(), rel=1e-12)
    assert len(nats[start - 1 :]) == stop - start == corpus.characters("val")


def test_lines_do_not_see_each_other(tmp_path):
    # What stands in the lines around says everything, and the line's own beginning nothing.
    rng = np.random.default_rng(0)
    text = "".join(f"{c}\n{c}{c}{c}\n" for c in rng.choice(list("abcdefgh"), 400))
    lines = corpus_of(text, tmp_path, mode="lines", split=(0.8, 0.2, 0.0))
    found = baseline(lines, lines, "val")
    first = Sequences.of(np.array([0, 1]), np.array([2]))
    assert len(next(iter(losses(first, first, 2, 1)))) == 1
    assert found.nats_per_char * lines.characters("val") > 0.9 * log(8) * len(lines.lines["val"])


def test_shortest_texts(tmp_path):
    short = corpus_of("ab", tmp_path, split=(1.0, 0.0, 0.0))
    assert np.isfinite(baseline(short, short, "train").nats_per_char)
    line = corpus_of("ab\n", tmp_path, mode="lines", split=(1.0, 0.0, 0.0))
    assert np.isfinite(baseline(line, line, "train").nats_per_char)
