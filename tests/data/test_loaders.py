"""Streams and lines: every character where it should be, the same from any cursor."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn import config
from charrnn.data.corpus import load_corpus
from charrnn.data.loader import Cursor, StreamLoader
from charrnn.data.sequence_loader import SequenceLoader, pad
from charrnn.errors import DataError


def corpus_of(tmp_path, text, *sets):
    path = tmp_path / "t.txt"
    path.write_bytes(text.encode())
    return load_corpus(config.load(None, [f"data.text={path}", *sets]).data)


def epoch_of(loader, epoch=0):
    return [loader.batch(Cursor(epoch, index)) for index in range(loader.batches_per_epoch)]


@settings(deadline=None)
@given(
    N=st.integers(2, 300), B=st.integers(1, 9), k1=st.integers(1, 20), more=st.integers(0, 15),
    epoch=st.integers(0, 3),
)  # fmt: skip
def test_streams_are_contiguous_and_carry_on(N, B, k1, more, epoch):
    loader = StreamLoader(np.arange(N, dtype=np.int32), B, k1, k1 + more, seed=1)
    last, position = None, None
    for index, (batch, fresh) in enumerate(epoch_of(loader, epoch)):
        assert fresh == (index == 0)
        np.testing.assert_array_equal(batch.y, batch.x + 1)
        np.testing.assert_array_equal(np.diff(batch.x, axis=0), 1)
        owned = batch.x[batch.first :]
        if last is not None:
            np.testing.assert_array_equal(owned[0], last + 1)
            np.testing.assert_array_equal(batch.x[0], position)
        last, position = owned[-1], batch.x[0] + batch.advance
    assert loader.characters_per_epoch == sum(batch.count for batch, _ in epoch_of(loader, epoch))
    # Little is left out: less than a window a stream, and one for the offset.
    assert N - 1 - loader.characters_per_epoch < loader.T * (2 * loader.B + 1)


def test_offsets_change_from_epoch_to_epoch():
    loader = StreamLoader(np.arange(1000, dtype=np.int32), 4, 10, 10, seed=1)
    phases = {int(loader.batch(Cursor(epoch, 0))[0].x[0, 0]) % 10 for epoch in range(60)}
    assert len(phases) == 10
    again = StreamLoader(np.arange(1000, dtype=np.int32), 4, 10, 10, seed=1)
    np.testing.assert_array_equal(loader.batch(Cursor(7, 3))[0].x, again.batch(Cursor(7, 3))[0].x)


def test_full_stream_is_one_span():
    loader = StreamLoader(np.arange(101, dtype=np.int32), 4, None, None, seed=1)
    assert loader.batches_per_epoch == 1
    assert loader.batch(Cursor())[0].x.shape == (25, 4)


def test_short_texts_shrink_batch_then_window():
    assert StreamLoader(np.arange(30, dtype=np.int32), 50, 10, 10, 1).B == 2
    tiny = StreamLoader(np.arange(4, dtype=np.int32), 50, 10, 10, 1)
    assert (tiny.B, tiny.T) == (1, 3)


def test_split_is_contiguous(tmp_path):
    corpus = corpus_of(tmp_path, "abcdefghij" * 10, "data.split=[0.7, 0.2, 0.1]")
    assert [len(corpus.part(p)) for p in ("train", "val", "test")] == [70, 20, 10]
    assert corpus.characters("train") == 69
    whole = np.concatenate([corpus.part(p) for p in ("train", "val", "test")])
    np.testing.assert_array_equal(whole, corpus.ids)


def test_last_part_takes_what_rounding_leaves(tmp_path):
    assert len(corpus_of(tmp_path, "ab" * 33, "data.split=[0.9, 0.1, 0]").part("val")) == 7
    assert len(corpus_of(tmp_path, "ab" * 33, "data.split=[1, 0, 0]").part("train")) == 66


LINES = st.lists(st.text("abc", min_size=1, max_size=9), min_size=3, max_size=40)


@settings(deadline=None)
@given(lines=LINES, B=st.integers(1, 7), k1=st.sampled_from([None, 1, 3, 20]), end=st.booleans())
def test_every_line_once_with_its_boundary(tmp_path_factory, lines, B, k1, end):
    text = "\n".join(lines) + "\n" * end
    corpus = corpus_of(
        tmp_path_factory.mktemp("lines"), text, "data.mode=lines", "data.split=[1,0,0]"
    )
    loader = SequenceLoader(corpus.ids, corpus.rows["train"], B, k1, k1 and k1 + 2, seed=1)
    boundary = corpus.vocabulary.id("\n")
    seen, open_lines = [], None
    for batch, fresh in epoch_of(loader):
        if fresh:
            open_lines = [""] * batch.x.shape[1]
            assert (batch.x[0] == boundary).all()
        for b in range(batch.x.shape[1]):
            kept = batch.y[batch.first :, b]
            if batch.mask is not None:
                kept = kept[batch.mask[batch.first :, b]]
            open_lines[b] += corpus.vocabulary.decode(kept)
            if open_lines[b].endswith("\n"):
                seen.append(open_lines[b][:-1])
                open_lines[b] = ""
    assert sorted(seen) == sorted(lines)
    assert loader.characters_per_epoch == sum(len(line) + 1 for line in lines)


def test_little_is_padded(tmp_path):
    rng = np.random.default_rng(0)
    text = "\n".join("x" * int(n) for n in rng.integers(2, 16, 2000))
    corpus = corpus_of(tmp_path, text, "data.mode=lines", "data.split=[1,0,0]")
    assert SequenceLoader(corpus.ids, corpus.rows["train"], 50, None, None, 1).padding < 0.02


def test_padding_is_masked():
    ids = np.array([9, 1, 2, 3, 9, 4, 9], np.int32)
    x, y, mask = pad(ids, np.array([[0, 5], [4, 7]]))
    np.testing.assert_array_equal(x.T, [[9, 1, 2, 3], [9, 4, 0, 0]])
    np.testing.assert_array_equal(y.T, [[1, 2, 3, 9], [4, 9, 0, 0]])
    np.testing.assert_array_equal(mask.T, [[1, 1, 1, 1], [1, 1, 0, 0]])


def test_lines_are_split_by_the_split_seed_alone(tmp_path):
    text = "\n".join(f"{n:03d}" for n in range(100))
    sets = ["data.mode=lines", "data.split=[0.8, 0.1, 0.1]"]
    one = corpus_of(tmp_path, text, *sets)
    two = corpus_of(tmp_path, text, *sets, "train.seed=9")
    other = corpus_of(tmp_path, text, *sets, "data.split_seed=2")
    assert [len(one.rows[p]) for p in ("train", "val", "test")] == [80, 10, 10]
    np.testing.assert_array_equal(one.rows["val"], two.rows["val"])
    assert not np.array_equal(one.rows["val"], other.rows["val"])


@pytest.mark.parametrize(
    ("text", "sets", "message"),
    [
        ("", [], "empty"),
        ("a", [], "too short"),
        ("abc", ["data.split=[0.5,0.25,0.25]"], "part"),
        ("abc", ["data.mode=lines"], None),
        ("\n\n\n", ["data.mode=lines"], "every line is empty"),
    ],
)
def test_texts_too_short(tmp_path, text, sets, message):
    if message is None:
        sets = [*sets, "data.split=[1,0,0]"]
        assert corpus_of(tmp_path, text, *sets).characters("train") == 4
        return
    with pytest.raises(DataError, match=message):
        corpus_of(tmp_path, text, *sets)


def test_files_and_globs_in_order_line_ends_kept(tmp_path):
    for name, text in {"b.txt": "b\r\n", "a.txt": "\ufeffa\r"}.items():
        (tmp_path / name).write_bytes(text.encode())
    loaded = load_corpus(config.load(None, [f"data.text={tmp_path}/*.txt"]).data)
    assert loaded.vocabulary.decode(loaded.ids) == "a\rb\r\n"
