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
from charrnn.nn.weight_dropout import draw_weight_masks

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
            window=window, masks=trainer._masks(trainer.network, range(2)),
        )  # fmt: skip
        gradients.append(trainer.grad.flat.copy())
    np.testing.assert_allclose(*gradients, rtol=1e-10, atol=1e-12)


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
