"""The ready configurations: valid, described, and their gradients proved."""

from __future__ import annotations

from pathlib import Path

import pytest

from charrnn import config
from charrnn.analysis.gradcheck.cases import case, reference_of
from charrnn.analysis.gradcheck.comparison import check
from tests.conftest import ROOT
from tests.helpers.commands import CONFIGS


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_gradients_of_every_config(path: Path):
    chosen = case(config.load(path))
    results = check(
        chosen.network, reference_of(chosen.config), chosen.problem,
        window=chosen.config.bptt.window,
    )  # fmt: skip
    assert max(result.max_relative_error for result in results) < 1e-10


def test_char_rnn_is_the_original():
    """Its train.lua adds the gradients of a window's steps, means over the batch, and clamps."""
    chosen = config.load(ROOT / "configs" / "char-rnn.yaml")
    assert chosen.train.loss_reduction == "sum"
    assert (chosen.optim.grad_clip, chosen.optim.grad_clip_mode) == (5.0, "value")
    defaults = {
        "hidden_size": 128, "num_layers": 2, "dropout": 0.0, "cell": "lstm", "forget_bias": 1.0,
    }  # fmt: skip
    assert {key: getattr(chosen.model, key) for key in defaults} == defaults
    assert (chosen.bptt.k1, chosen.bptt.k2, chosen.train.batch_size) == (50, 50, 50)
    optim = chosen.optim
    assert (optim.name, optim.learning_rate, optim.rho) == ("rmsprop", 2e-3, 0.95)
    schedule = optim.schedule
    assert (schedule.name, schedule.factor, schedule.after, schedule.every) == ("step", 0.97, 10, 1)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_opens_with_what_it_is(path: Path):
    head = path.read_text().split("\n\n")[0]
    assert head.startswith("# ")
    for part in ("charrnn train configs/", "nats", "minute"):
        assert part in head, part
