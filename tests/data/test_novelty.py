"""The share of new grams, against sets of Python's tuples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn import config
from charrnn.data.corpus import load_corpus
from charrnn.data.novelty import ORDER, new_grams


def corpus_of(folder, text, share):
    (folder / "t.txt").write_text(text, encoding="utf-8")
    split = f"data.split=[{1 - share},{share},0]"
    return load_corpus(config.load(None, [f"data.text=[{folder / 't.txt'}]", split]).data)


@given(seed=st.integers(0, 99), length=st.integers(20, 400), K=st.sampled_from([1, 2, 3, 5000]))
def test_it_counts_each_gram_of_the_validation_part(tmp_path_factory, seed, length, K):
    symbols = np.random.default_rng(seed).integers(0, K, length)
    text = "".join(chr(0x4E00 + symbol) for symbol in symbols)
    corpus = corpus_of(tmp_path_factory.mktemp("t"), text, 0.25)
    train, val = (corpus.part(name).tolist() for name in ("train", "val"))
    known = {tuple(train[i : i + ORDER]) for i in range(len(train) - ORDER + 1)}
    grams = [tuple(val[i : i + ORDER]) for i in range(len(val) - ORDER + 1)]
    new = [gram not in known for gram in grams]
    assert new_grams(corpus) == pytest.approx(np.mean(new) if new else 1.0)


def test_what_repeats_itself_has_nothing_new(tmp_path):
    assert new_grams(corpus_of(tmp_path, "the cat sat. " * 100, 0.1)) == 0
