"""A stream split in shuffled blocks: nothing of what validates is trained on, all is somewhere."""

from __future__ import annotations

import numpy as np
import pytest

from charrnn.config.schema import DataConfig
from charrnn.data.corpus import Corpus, load_corpus
from charrnn.data.loader import WARMUP_SHARE, Cursor, StreamLoader
from charrnn.inference.evaluation import evaluate
from charrnn.inference.metrics import Score
from charrnn.inference.reader import WARMUP, Rows, read

N = 12_000


@pytest.fixture
def corpus(tmp_path) -> Corpus:
    """A text of numbers' digits, whose ids tell little; its places are what is looked at."""
    text = "".join(chr(ord("a") + c) for c in np.random.default_rng(0).integers(0, 26, N))
    (tmp_path / "a.txt").write_text(text)
    return load_corpus(DataConfig(text=(str(tmp_path / "a.txt"),), split_by="blocks"))


def test_every_character_is_in_one_part(corpus):
    places = np.concatenate([
        np.arange(start, stop) for rows in corpus.rows.values() for start, stop in rows
    ])  # fmt: skip
    np.testing.assert_array_equal(np.sort(places), np.arange(N))
    val = corpus.rows["val"]
    assert len(val) > 1
    assert (val[:, 1] - val[:, 0]).sum() == pytest.approx(0.1 * N, rel=0.3)
    assert val.tolist() != [[0.9 * N, N]]


@pytest.mark.parametrize(("B", "k1", "k2"), [(4, 10, 10), (3, 10, 35), (1, 7, 7), (2, None, None)])
def test_training_never_reads_what_validates(corpus, B, k1, k2):
    places = Corpus(corpus.vocabulary, np.arange(N, dtype=np.int32), corpus.rows, corpus.layout, "")
    loader = StreamLoader(places.ids, B, k1, k2, 1, corpus.rows["train"])
    held = np.concatenate([np.arange(a, b) for a, b in corpus.rows["val"]])
    begins = corpus.rows["train"][1:, 0]
    counted = 0
    for index in range(loader.batches_per_epoch):
        cursor = Cursor(0, index)
        batch, _ = loader.batch(cursor)
        assert not np.isin(batch.x, held).any()
        assert loader.size(cursor) == (loader.B, batch.count)
        counted += batch.count
        if batch.mask is None:
            continue
        learned = batch.y[batch.first :][batch.mask[batch.first :]]
        assert not np.isin(learned, begins).any(), "the first after a cut has another's context"
    lengths = corpus.rows["train"][:, 1] - corpus.rows["train"][:, 0]
    assert counted >= loader.B * loader._length - (lengths // WARMUP_SHARE).sum()


def test_a_block_is_scored_after_what_stands_before_it(corpus, tmp_path):
    from charrnn import build, config

    settings = config.load(None, ["model.hidden_size=5", "model.num_layers=1"])
    network = build.network(settings, corpus.vocabulary.K, np.float64)
    build.initialise(network, settings)
    expected = Score()
    for start, stop in corpus.rows["val"].tolist():
        first = max(start - 1 - WARMUP, 0)
        own = Rows(*(np.array([n]) for n in (first, max(start, 1) - 1, stop - 1)))
        for window in read(network, corpus.ids, own, steps=64):
            expected.add(*window.nats_and_correct(), window.mask)
    found = evaluate(network, corpus, "val")
    assert found.chars == corpus.characters("val") == expected.chars
    assert found.nats_per_char == pytest.approx(expected.nats_per_char, rel=1e-12)
