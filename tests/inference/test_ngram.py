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
from charrnn.inference.mixture.counting import NUMPY_COUNTING, compiled_counting, fit, rising
from tests.inference.slow_ngram import Slow

K = 3
SEQUENCES = st.lists(
    st.lists(st.integers(0, K - 1), min_size=2, max_size=30).map(tuple), min_size=1, max_size=4
)
BOTH = pytest.mark.parametrize("kernels", [NUMPY_COUNTING, compiled_counting()], ids=["np", "fast"])


def joined(sequences):
    ids = np.array([i for sequence in sequences for i in sequence])
    return ids, np.array([len(sequence) for sequence in sequences])


@BOTH
@given(SEQUENCES, st.integers(1, 7))
@settings(max_examples=40, deadline=None)
def test_one_sort_gives_the_ngram_of_every_order(kernels, train, order):
    for m, trie in enumerate(rising(*joined(train), K, order, kernels), 1):
        alone = fit(*joined(train), K, m, kernels)
        assert trie.order == m
        for name, array in alone.arrays.items():
            if name == "text":  # which has room for the highest order behind it
                array = np.append(array, np.full(order - m, K))
            np.testing.assert_array_equal(trie.arrays[name], array, err_msg=name)


@BOTH
@given(SEQUENCES, SEQUENCES, st.integers(1, 6), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_it_is_what_a_dictionary_of_counts_gives(kernels, train, scored, order, skipped):
    # A context longer than what the sequence has falls back to the longest there is.
    counted = [(s, t) for s in scored for t in range(len(s))][skipped:]
    counted = [(s, t) for s, t in counted if t > 0]
    if not counted:
        return
    trie, slow = fit(*joined(train), K, order, kernels), Slow(train, order, K)
    orders = range(1, order + 1)
    found = kernels.order_losses(trie, orders, *joined(scored), skipped)
    expected = [np.mean([-log(slow.p(s[:t], s[t], m)) for s, t in counted]) for m in orders]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@BOTH
@given(SEQUENCES, st.lists(st.integers(0, K - 1), min_size=1, max_size=12))
@settings(max_examples=40, deadline=None)
def test_probabilities_sum_to_one_after_any_context(kernels, train, context):
    orders, trie = range(1, 11), fit(*joined(train), K, 10, kernels)
    nats = [
        kernels.order_losses(trie, orders, *joined([(*context, c)]), len(context)) for c in range(K)
    ]
    np.testing.assert_allclose(np.exp(-np.array(nats)).sum(0), 1, atol=1e-12)


def corpus_of(text, tmp_path, **data):
    path = tmp_path / "t.txt"
    path.write_text(text)
    return load_corpus(Config().data.model_copy(update={"text": [str(path)], **data}))


def test_every_character_of_the_part_is_scored_with_what_stands_before_it(tmp_path):
    text = "abcabdabcabeabc" * 30
    corpus = corpus_of(text, tmp_path, split=(0.7, 0.3, 0.0))
    found = baseline(corpus, corpus, "val")
    ids, (start, stop) = corpus.ids.tolist(), corpus.rows["val"][0].tolist()
    slow = Slow([tuple(ids[:start])], found.order, corpus.vocabulary.K)
    nats = [-log(slow.p(tuple(ids[t - 10 : t]), ids[t])) for t in range(start, stop)]
    assert found.nats_per_char == pytest.approx(np.mean(nats), rel=1e-12)
    assert stop - start == corpus.characters("val")


def test_lines_do_not_see_each_other(tmp_path):
    # What stands in the lines around says everything, and the line's own beginning nothing.
    rng = np.random.default_rng(0)
    text = "".join(f"{c}\n{c}{c}{c}\n" for c in rng.choice(list("abcdefgh"), 400))
    lines = corpus_of(text, tmp_path, mode="lines", split=(0.8, 0.2, 0.0))
    found = baseline(lines, lines, "val")
    assert found.nats_per_char * lines.characters("val") > 0.9 * log(8) * len(lines.rows["val"])


def test_shortest_texts(tmp_path):
    short = corpus_of("ab", tmp_path, split=(1.0, 0.0, 0.0))
    assert np.isfinite(baseline(short, short, "train").nats_per_char)
    line = corpus_of("ab\n", tmp_path, mode="lines", split=(1.0, 0.0, 0.0))
    assert np.isfinite(baseline(line, line, "train").nats_per_char)
