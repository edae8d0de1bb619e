"""The one reader of text: how it cuts, warms up and batches; all that stands on it agree."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn import build, config
from charrnn.analysis.units.activations import activations
from charrnn.data.corpus import load_corpus
from charrnn.inference.dynamic import evaluate_dynamically
from charrnn.inference.evaluation import evaluate
from charrnn.inference.reader import (
    EVALUATION,
    SCORING,
    UNITS,
    WARMUP,
    Plan,
    Rows,
    read,
    share,
    state_after,
)
from charrnn.inference.sampling import next_logits, state_before_last
from charrnn.inference.scoring import Scorer
from charrnn.runtime.workers import WorkerPool
from tests.conftest import TEXT

LENGTHS = st.lists(st.integers(1, 300), min_size=1, max_size=40)


def model_of(text_file, cell, dtype, mode="stream"):
    settings = config.load(None, [
        f"model.cell={cell}", "model.hidden_size=6", "model.num_layers=2",
        f"runtime.dtype={dtype}", f"data.text={text_file}", f"data.mode={mode}",
        "data.split=[1,0,0]",
    ])  # fmt: skip
    corpus = load_corpus(settings.data)
    network = build.network(settings, corpus.vocabulary.K)
    build.initialise(network, settings)
    network.params["output.V"][:] *= 20  # predictions far from even
    return corpus, network


def log_probabilities(network, ids, rows, steps):
    """log p of each target, by its place in ids; NaN where nothing was read."""
    found = np.full((len(ids), network.K), np.nan)
    for window in read(network, ids, rows, steps=steps):
        found[window.at[window.mask] + 1] = window.log_probabilities()[window.mask]
    return found


@pytest.mark.parametrize("mode", ["stream", "lines"])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-6)])
def test_all_that_read_find_the_same_nats(text_file, mode, cell, dtype, tolerance):
    corpus, network = model_of(text_file, cell, dtype, mode)
    ids = np.asarray(corpus.ids[:])
    if mode == "lines":
        start, stop = corpus.rows["train"].T
        rows = Rows.whole(start, stop - 1)
    else:
        rows = Rows.whole(0, len(ids) - 1)
    by_log_p = log_probabilities(network, ids, rows, 7)[np.arange(len(ids)), ids]
    each = -by_log_p[~np.isnan(by_log_p)].astype(np.float64)
    total, n = float(each.sum()), len(each)
    assert n == corpus.characters("train")

    def same(nats, characters=n):
        assert characters == n
        assert nats / n == pytest.approx(total / n, rel=tolerance)

    carried = evaluate(network, corpus, "train")
    same(carried.nats, carried.chars)
    dynamic = evaluate_dynamically(network, corpus, "train", 0.0, segment=11)
    same(dynamic.nats, dynamic.chars)
    scorer = Scorer(WorkerPool(network, 2), corpus.vocabulary, "error", layout=corpus.layout)
    text = corpus.vocabulary.decode(ids.tolist())
    # In lines mode the ids begin with a boundary that is no line's end.
    scored = scorer.nats(text[1:] if mode == "lines" else text)
    same(float(np.nansum(scored if mode == "lines" else scored[1:])))
    by_units = 0.0
    places = np.concatenate([
        np.arange(a, b) for a, b in zip(rows.begin.tolist(), rows.stop.tolist(), strict=True)
    ])  # fmt: skip
    for block in activations(network, ids, rows):
        p = block.p[np.arange(len(block.at)), ids[places[block.at] + 1]]
        by_units -= float(np.log(p).sum(dtype=np.float64))
    assert by_units / n == pytest.approx(total / n, rel=max(tolerance, 1e-9))


def test_the_prime_of_a_sample_is_read_like_any_text(text_file, monkeypatch):
    corpus, network = model_of(text_file, "lstm", "float64")
    ids = np.asarray(corpus.ids[:200])
    z = next_logits(network, ids)
    expected = log_probabilities(network, np.append(ids, ids[:1]), Rows.whole(0, 200), 9)[-1]
    found = z - z.max()
    np.testing.assert_allclose(found - np.log(np.exp(found).sum()), expected, rtol=1e-12)
    asked = []
    forward = network.forward
    monkeypatch.setattr("charrnn.inference.reader.LONGEST", 64)
    network.forward = lambda x, state: asked.append(len(x)) or forward(x, state)
    np.testing.assert_allclose(next_logits(network, ids), z, rtol=1e-12)
    assert max(asked) == 64  # no tape of the whole prime
    assert sum(asked) == 200
    asked.clear()
    state_after(network, np.tile(ids[:, None], 30))
    assert (max(asked), sum(asked)) == (2, 200)  # nor one of many streams that are warmed up


@given(st.integers(0, 3000), st.integers(1, 4000), st.integers(1, 9), st.integers(0, WARMUP))
def test_streams_have_every_input_once_and_are_warmed_up(start, n, count, warm):
    rows = Rows.streams(start, start + n, min(count, n), warm)
    own = [range(a, b) for a, b in zip(rows.begin.tolist(), rows.stop.tolist(), strict=True)]
    assert [at for stream in own for at in stream] == list(range(start, start + n))
    assert (rows.begin - rows.first == np.minimum(warm, rows.begin)).all()
    # Of one length, but for the last that have any: a short text may leave some with less.
    lengths = [len(stream) for stream in own]
    assert lengths == sorted(lengths, reverse=True)
    assert len({length for length in lengths[:-1] if length}) <= 2


@given(LENGTHS, st.sampled_from([EVALUATION, SCORING, UNITS, Plan(100), Plan(1)]))
def test_batches_have_every_row_once_and_keep_to_their_size(lengths, plan):
    sizes = np.array(lengths)
    batches = list(plan.batches(sizes))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(sizes)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * sizes[batch[0]] <= plan.chunk
        if plan.longest_first:
            assert sizes[batch].max() == sizes[batch[0]]


@given(st.integers(0, 1 << 20), st.integers(1, 200))
def test_streams_are_long_enough(characters, most):
    for plan in (EVALUATION, SCORING, UNITS):
        B = plan.streams(characters, most)
        assert 1 <= B <= most
        assert B == 1 or characters // B >= plan.shortest


@given(LENGTHS, st.integers(1, 50), st.integers(0, 2**32 - 1))
def test_windows_count_every_input_of_every_row_once(lengths, steps, seed):
    rng = np.random.default_rng(seed)
    ids = np.zeros(1000, np.int32)
    first = rng.integers(0, 600, len(lengths))
    begin, stop = first + rng.integers(0, np.array(lengths)), first + np.array(lengths)
    counted = []
    for window in read(Counting(), ids, Rows(first, begin, stop), steps=steps):
        assert len(window.at) <= steps
        assert (window.at < stop).all()
        b = np.broadcast_to(np.arange(len(lengths)), window.at.shape)
        counted += zip(b[window.mask].tolist(), window.at[window.mask].tolist(), strict=True)
    expected = [(b, at) for b in range(len(lengths)) for at in range(begin[b], stop[b])]
    assert sorted(counted) == expected


class Counting:
    """As much of a network as has no numbers: its state is how many steps it has made."""

    def zero_state(self, B):
        return np.zeros(B, int)

    def read(self, x, state):
        return None, state + len(x)


def test_warming_up_forgets_where_a_stream_began(text_file):
    """After 512 characters another beginning makes no difference to this network."""
    corpus, network = model_of(text_file, "gru", "float64")
    ids = np.tile(np.asarray(corpus.ids[:]), 1 + 2 * WARMUP // len(TEXT) * 2)
    near = state_after(network, ids[WARMUP : 2 * WARMUP, None])
    far = state_after(network, ids[: 2 * WARMUP, None])
    np.testing.assert_allclose(near, far, atol=1e-9)
    assert np.abs(near - network.zero_state(1)).max() > 1e-3


def test_workers_read_rows_of_their_own(text_file):
    corpus, network = model_of(text_file, "lstm", "float64")
    ids, rows = np.asarray(corpus.ids[:]), Rows.whole(np.arange(5) * 40, np.arange(5) * 40 + 30)

    def nats(own_network, own):
        return [(window.at, window.nats().copy()) for window in read(
            own_network, ids, own, steps=8)]  # fmt: skip

    parts = share(WorkerPool(network, 3), rows, nats)
    assert [part[0][0].shape[1] for part in parts] == [1, 2, 2]
    together = np.concatenate([np.concatenate([E for _, E in part]) for part in parts], axis=1)
    alone = np.concatenate([window.nats().copy() for window in read(network, ids, rows, steps=30)])
    np.testing.assert_allclose(together, alone, rtol=1e-12)
    assert replace(SCORING, chunk=8).steps(3) == 2


def test_a_long_prime_takes_the_memory_of_a_window():
    settings = config.load(None, ["model.hidden_size=8", "model.num_layers=1"])
    network = build.network(settings, 5)
    ids = np.zeros(40_000, np.int32)
    state_before_last(network, ids[:5000], None)
    tracemalloc.start()
    state_before_last(network, ids, None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < len(ids) * 8  # a tape of all of it has 50 numbers a character
