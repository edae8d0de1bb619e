"""Variational dropout and DropConnect: their gradients, and that they drop what they say."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest

from charrnn import build, config
from charrnn.analysis.gradcheck import comparison as gradcheck
from charrnn.analysis.gradcheck.cases import case, reference_of
from charrnn.data.corpus import load_corpus
from charrnn.nn import bptt
from charrnn.nn.bptt import Batch
from charrnn.nn.dropout import DropoutMasks, draw_weight_masks
from charrnn.runtime.workers import even_ranges

VARIATIONAL = ["model.dropout=0.4", "model.variational_dropout=true"]
MODES = {
    "(k1, k2)": ["bptt.k1=3", "bptt.k2=6"],
    "full, windows": ["bptt.mode=full", "bptt.window=2"],
    "lines": ["data.mode=lines", "bptt.mode=full"],
}


def worst(sets: list[str]) -> float:
    cfg = config.load(None, sets)
    problem = case(cfg)
    results = gradcheck.check(
        problem.network, reference_of(cfg), problem.problem, window=cfg.bptt.window
    )
    return max(result.max_relative_error for result in results)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dropped", [VARIATIONAL, ["model.weight_dropout=0.4"]], ids=str)
def test_gradient(cell, mode, dropped):
    assert worst([f"model.cell={cell}", *MODES[mode], *dropped]) < 1e-10


def test_a_gradient_that_is_not_masked_is_caught(monkeypatch):
    @contextmanager
    def careless(params, masks, grad):
        whole = {name: params[name].copy() for name in masks}
        for name, mask in masks.items():
            params[name][...] *= mask
        yield
        for name in masks:
            params[name][...] = whole[name]

    monkeypatch.setattr(gradcheck, "apply_weight_dropout", careless)
    assert worst(["model.weight_dropout=0.4"]) > 1e-3


def test_weights_are_dropped_in_their_share_and_only_in_U():
    net = build.network(config.load(None, ["model.hidden_size=64"]), 5)
    masks = draw_weight_masks(net.params, 0.3, np.random.default_rng(1))
    assert set(masks) == {"layers.0.U", "layers.1.U"}
    for mask in masks.values():
        assert set(np.unique(mask)) == {np.float32(0), np.float32(1 / 0.7)}
        assert abs(np.mean(mask == 0) - 0.3) < 0.02


def test_the_parameters_are_whole_again_after_a_window_was_abandoned(session_of):
    trainer = session_of(["model.weight_dropout=0.5"])
    before = trainer.network.params.flat.copy()
    with pytest.raises(bptt.CancelledError):
        trainer.update(cancel=lambda: True)
    np.testing.assert_array_equal(trainer.network.params.flat, before)


def test_variational_masks_are_those_of_every_window_of_a_span(session_of):
    """Full BPTT in windows draws for each; the same units must be missing in all of them."""
    sets = [*VARIATIONAL, "bptt.mode=full", "train.batch_size=2"]
    gradients = []
    for window in (4, 64):
        trainer = session_of([*sets, f"bptt.window={window}"])
        x = np.random.default_rng(3).integers(0, trainer.network.K, (12, 2))
        trainer.grad.flat.fill(0)
        bptt.gradient(
            trainer.network, Batch(x, x), trainer.network.zero_state(2), trainer.grad, 1.0,
            window=window, masks=trainer.dropout_masks(2).of_streams(trainer.network, range(2)),
        )  # fmt: skip
        gradients.append(trainer.grad.flat.copy())
    np.testing.assert_allclose(*gradients, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("variational", [False, True])
@pytest.mark.parametrize("H", [5, 8])
def test_masks_do_not_depend_on_how_the_streams_are_shared_out(H, variational):
    """An odd number of random numbers a stream must not shift those of the streams after it."""
    sets = [f"model.hidden_size={H}", "model.dropout=0.4"]
    net = build.network(config.load(None, [*sets, f"model.variational_dropout={variational}"]), 5)
    T, B, window = 3, 7, 2

    def masks(parts: int, conventions: int) -> np.ndarray:
        drawer = DropoutMasks((4, 1, 9), B, conventions)
        drawn = [
            np.stack([mask.copy() for mask in drawer.of_streams(net, streams)(window, T)])
            for streams in even_ranges(B, parts)
        ]
        return np.concatenate(drawn, axis=2)

    whole = masks(1, 3)
    assert whole.shape == (2, 1 if variational else T, B, H)
    for parts in (2, 3, 7):
        np.testing.assert_array_equal(masks(parts, 3), whole)
        np.testing.assert_array_equal(masks(parts, 1), masks(1, 1))
        assert not np.array_equal(masks(parts, 2), masks(1, 2))  # what conventions 3 mend


def test_masks_drop_their_share_of_every_stream_step_and_layer():
    net = build.network(config.load(None, ["model.hidden_size=64", "model.dropout=0.3"]), 5)
    masks = np.stack(DropoutMasks((4, 1, 0), 50, 3).of_streams(net, range(50))(0, 40))
    assert set(np.unique(masks)) == {np.float32(0), np.float32(1 / 0.7)}
    for axes in [(1, 2, 3), (0, 2, 3), (0, 1, 3), (0, 1, 2)]:
        share, count = np.mean(masks == 0, axis=axes), np.prod([masks.shape[a] for a in axes])
        assert np.abs(share - 0.3).max() < 5 * (0.21 / count) ** 0.5
    flat = (masks == 0).reshape(-1, 64).astype(float) - 0.3
    for lag in (1, 50, 50 * 40):  # the next stream, the next step, the next layer
        assert abs((flat[lag:] * flat[:-lag]).mean()) < 5 * 0.21 / (flat[lag:].size) ** 0.5


def test_masks_of_other_windows_steps_and_seeds_are_others():
    net = build.network(config.load(None, ["model.hidden_size=8", "model.dropout=0.5"]), 5)
    keys = [(4, 1, 0), (4, 1, 1), (4, 2, 0)]
    drawn = {
        np.stack(DropoutMasks(key, 4, 3).of_streams(net, range(4))(window, 6)).tobytes()
        for key in keys
        for window in (0, 1)
    }
    assert len(drawn) == 6


@pytest.mark.parametrize("extreme", [1e-12, 1 - 1e-12])
def test_extreme_shares_are_drawn(extreme):
    net = build.network(config.load(None, ["model.hidden_size=8", f"model.dropout={extreme!r}"]), 5)
    masks = np.stack(DropoutMasks((4, 1, 0), 4, 3).of_streams(net, range(4))(0, 6))
    assert np.mean(masks == 0) == pytest.approx(extreme, abs=0.01)


DROPPED = {
    "units": ["model.dropout=0.4"],
    "variational": VARIATIONAL,
    "weights": ["model.weight_dropout=0.4"],
}


@pytest.mark.parametrize("dropped", DROPPED)
@pytest.mark.parametrize("mode", MODES)
def test_a_run_does_not_depend_on_threads(session_of, dropped, mode):
    sets = [*DROPPED[dropped], *MODES[mode], "train.batch_size=12"]

    def losses(threads: int, conventions: int = 3) -> list[float]:
        trainer = session_of([*sets, f"runtime.threads={threads}"])
        assert trainer.pool.threads == threads
        trainer.state.conventions = conventions
        return [trainer.update().loss for _ in range(4)]

    one = losses(1)
    for threads in (2, 3):
        np.testing.assert_allclose(losses(threads), one, rtol=1e-10)
    if dropped != "weights":
        assert not np.allclose(losses(2, conventions=2), losses(1, conventions=2), rtol=1e-4)


@pytest.fixture
def session_of(tmp_path):
    """Makes a session in float64 on a small text."""
    text = tmp_path / "text.txt"
    text.write_text("what is dropped in a step is back in the next one\n" * 8)

    def make(sets: list[str]):
        small = ["model.hidden_size=8", "runtime.dtype=float64", f"data.text={text}"]
        cfg = config.load(None, [*small, *sets])
        return build.trainer(cfg, load_corpus(cfg.data))

    return make
