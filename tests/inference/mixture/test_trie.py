"""The stored n-gram: a distribution, the formulas', the same by NumPy and Numba, and small."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.inference.mixture.counting import (
    BYTES_PER_SYMBOL,
    NUMPY_COUNTING,
    compiled_counting,
    fit,
)
from charrnn.inference.mixture.trie import LONGEST, advance, distributions, fresh
from charrnn.nn.backends.compiled import ngram as ngram_reading
from tests.inference.slow_ngram import Slow

K = 3
SEQUENCES = st.lists(
    st.lists(st.integers(0, K - 1), min_size=1, max_size=30).map(tuple), min_size=1, max_size=4
)
CONTEXT = st.lists(st.integers(0, K - 1), max_size=12).map(tuple)


def fitted(sequences, order, counting=NUMPY_COUNTING, K=K):
    ids = np.array([c for sequence in sequences for c in sequence])
    return fit(ids, np.array([len(sequence) for sequence in sequences]), K, order, counting)


def by_numpy(trie, context, orders):
    stream = fresh(trie.K, 1)[0]
    for c in context:
        advance(trie, stream, c)
    return distributions(trie, stream, orders)


def compiled(trie, context, orders):
    stream, p = fresh(trie.K, 1)[0], np.empty((len(orders), trie.K))
    for c in context:
        ngram_reading.advance(trie.flat, stream, c)
    path = np.empty(trie.order + 1, np.int64)
    ngram_reading.distributions(trie.flat, stream, np.array(orders), path, p)
    return p


@given(SEQUENCES, st.integers(1, 7))
@settings(max_examples=60, deadline=None)
def test_numpy_and_numba_store_the_same(sequences, order):
    plain, fast = fitted(sequences, order), fitted(sequences, order, compiled_counting())
    for name, array in plain.arrays.items():
        np.testing.assert_array_equal(array, fast.arrays[name], err_msg=name)
        assert array.dtype == fast.arrays[name].dtype
    plain.require_sound()


@pytest.mark.parametrize("read", [by_numpy, compiled])
@given(SEQUENCES, CONTEXT, st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_every_order_is_what_the_formulas_give(read, sequences, context, order):
    p = read(fitted(sequences, order), context, range(1, order + 1))
    slow = Slow(sequences, order, K)
    expected = [[slow.p(context, c, m) for c in range(K)] for m in range(1, order + 1)]
    np.testing.assert_allclose(p, expected, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-12)


@pytest.mark.parametrize("read", [by_numpy, compiled])
@pytest.mark.parametrize("size", [2, 255, 256, 5000])
def test_small_and_large_vocabularies(read, size):
    rng = np.random.default_rng(size)
    words = rng.integers(0, size, (6, 9))
    text = tuple(words[rng.integers(0, 6, 40)].ravel().tolist())
    trie, slow = fitted([text, text[7:20]], 5, K=size), Slow([text, text[7:20]], 5, size)
    for context in [(), text[:3], text[30:39], (*text[:4], size - 1), (size - 1,) * 5]:
        p = read(trie, context, [5])[0]
        assert abs(p.sum() - 1) < 1e-12
        for c in {0, size - 1, *text[:12]}:
            assert p[c] == pytest.approx(slow.p(context, c), rel=1e-10)


def test_a_text_is_read_as_the_baseline_reads_it():
    rng = np.random.default_rng(5)
    words = ["the cat ", "sat on ", "the mat ", "and ate "]
    ids = np.array([ord(c) % 32 for c in "".join(rng.choice(words, 400))])
    train, scored = ids[:1500], ids[1500:]
    trie = fit(train, np.array([1500]), 32, 10, compiled_counting())
    expected = NUMPY_COUNTING.order_losses(trie, [10], scored, np.array([len(scored)]), 0)[0]
    found = [-np.log(compiled(trie, scored[max(t - 20, 0) : t], [10])[0, scored[t]])
             for t in range(1, len(scored))]  # fmt: skip
    assert np.mean(found) == pytest.approx(expected, abs=1e-11)


def test_the_longest_known_context_is_found_beyond_what_repeats():
    trie = fitted([(0, 1, 2, 2, 1, 0, 0, 2)], 8)
    stream = fresh(K, 1)[0]
    for length, c in enumerate((1, 2, 2, 1, 0), 1):
        advance(trie, stream, c)
        assert stream[LONGEST] == length
    advance(trie, stream, 2)  # "0 2" stands at the end, and nothing longer
    assert stream[LONGEST] == 2


@pytest.mark.parametrize("text", ["random", "twice", "again and again"])
def test_memory_is_bounded_by_a_lower_order(text):
    rng, n = np.random.default_rng(1), 100_000
    ids = rng.integers(0, 60, n)
    if text == "twice":
        ids[n // 2 :] = ids[: n // 2]
    if text == "again and again":
        ids = np.tile(ids[:1000], n // 1000)
    trie = fit(ids, np.array([n]), 60, 24, compiled_counting())
    assert trie.nbytes <= BYTES_PER_SYMBOL * n * 1.01
    assert (trie.order == 24) == (text != "twice")
    p = compiled(trie, ids[n // 2 - 30 : n // 2], [trie.order])[0]
    assert abs(p.sum() - 1) < 1e-12


def test_the_order_that_memory_allows_is_an_order_like_any_other():
    ids = np.tile(np.random.default_rng(1).integers(0, 60, 40_000), 2)
    bounded = fit(ids, np.array([len(ids)]), 60, 24, compiled_counting())
    asked = fit(ids, np.array([len(ids)]), 60, bounded.order, compiled_counting())
    context = ids[100:130]
    np.testing.assert_allclose(
        compiled(bounded, context, [bounded.order]), compiled(asked, context, [asked.order]),
        rtol=1e-12,
    )  # fmt: skip
