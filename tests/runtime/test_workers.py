"""Splitting the streams over threads changes nothing but the order of a sum."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from charrnn import build, config
from charrnn.build.hardware import Threads
from charrnn.errors import Notice
from charrnn.nn.bptt import Batch, CancelledError
from charrnn.runtime.workers import WorkerPool, blas_threads, limited
from charrnn.runtime.workers import threads as limited_threads

T, B, K = 9, 7, 11


def problem(*sets):
    settings = config.load(None, ["model.hidden_size=6", "runtime.dtype=float64", *sets])
    network = build.network(settings, K)
    build.initialise(network, settings)
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, K, (2, T, B)).astype(np.int32)
    mask = np.arange(T)[:, None] < rng.integers(3, T + 1, B)
    state = rng.standard_normal(network.zero_state(B).shape)
    return network, Batch(x, y, 2, 5, mask), state


def run(network, batch, state, threads, **more):
    grad = network.params.like()
    grad.flat[...] = 1  # gradients are added
    outcome = WorkerPool(network, threads).gradient(batch, state, grad, 0.1, **more)
    return np.array(outcome.loss), outcome.state, outcome.dstate, grad.flat


@pytest.mark.parametrize("threads", [2, 3, 7, 20])
@pytest.mark.parametrize("window", ["auto", 4])
def test_any_number_of_threads_gives_the_same(threads, window):
    made = problem("model.cell=lstm")
    for one, many in zip(
        run(*made, 1, window=window), run(*made, threads, window=window), strict=True
    ):
        np.testing.assert_allclose(many, one, rtol=1e-12, atol=1e-14)


def test_the_same_number_of_threads_gives_the_same_bits():
    made = problem("model.cell=gru", "runtime.dtype=float32")
    first = [np.array(part) for part in run(*made, 3)]
    for _ in range(5):
        for before, now in zip(first, run(*made, 3), strict=True):
            np.testing.assert_array_equal(before, now)


def test_masks_are_asked_for_by_network_and_streams():
    network, batch, state = problem("model.dropout=0.5")
    asked = []

    def masks(net, streams):
        asked.append(streams)
        return lambda window, steps: [np.zeros((steps, len(streams), net.H))] * len(net.cells)

    *_, grad = run(network, batch, state, 2, masks=masks)
    assert sorted(asked, key=lambda s: s.start) == [range(3), range(3, 7)]
    W = network.params.like()
    W.flat[...] = grad
    np.testing.assert_array_equal(W["layers.0.W"], 1)  # everything was dropped


def test_abandoning_waits_for_every_thread():
    network, batch, state = problem()
    calls = []

    def cancel():
        calls.append(threading.get_ident())
        return len(calls) > 3

    with pytest.raises(CancelledError):
        run(network, batch, state, 2, window=2, cancel=cancel)


def test_where_no_thread_can_begin_one_does_the_work_to_the_same_bits():
    made = problem("model.cell=lstm")
    whole = run(*made, 3)
    before = threading.stack_size(1 << 46)  # bytes: more than any system has for a stack
    try:
        with pytest.warns(Notice, match="refuses 3 threads"):
            alone = run(*made, 3)
    finally:
        threading.stack_size(before)
    for one, other in zip(whole, alone, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("sets", "split"),
    [
        ([], 2),
        (["runtime.kernels=numpy"], 2),
        (["runtime.kernels=numpy", "model.hidden_size=64"], 1),
        (["model.hidden_size=64"], 2),
        (["model.hidden_size=64", "model.num_layers=1", "train.batch_size=8", "bptt.k2=25"], 1),
        (["model.hidden_size=64", "model.num_layers=1", "train.batch_size=8", "bptt.k2=100"], 2),
        (["train.batch_size=7", "model.hidden_size=300"], 1),
    ],
)
def test_auto_threads_have_enough_to_do_and_asked_ones_are_taken(sets, split):
    chosen = config.load(None, ["bptt.k1=25", *sets])
    with threadpool_limits(2, user_api="blas"):
        assert build.threads(chosen) == Threads(split, 1)
    asked = config.load(None, ["bptt.k1=25", *sets, "runtime.threads=2"])
    assert build.threads(asked).split == (1 if chosen.train.batch_size < 8 else 2)


def test_auto_threads_do_not_depend_on_where_they_are_asked_for():
    """Within a limit of BLAS that was set here they are those outside of it."""
    many = config.load(None, ["train.batch_size=50"])

    def found():
        return blas_threads(), build.available_threads(many), build.threads(many).split

    def asked_again():
        while True:
            yield found()

    for count in (2, 3):  # as whoever calls this program wants
        with threadpool_limits(count, user_api="blas"):
            outside = found()
            assert outside == (count, count, count)
            with limited_threads(1):
                assert found() == outside
                with limited_threads("auto") as available, limited_threads(1):
                    assert available == count
                    assert found() == outside
                assert next(limited(asked_again(), 1)) == outside
            items = limited(asked_again(), 1)
            assert [next(items), found(), next(items)] == [outside] * 3
            with limited_threads(5) as available:
                assert (available, found()) == (5, outside)
