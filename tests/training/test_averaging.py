"""The moving mean of the weights: what it is, and that it is what is validated and kept."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.storage.checkpoint import read
from charrnn.training.optim.averaging import WeightAverage
from charrnn.training.state import TRAINING


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=40), st.floats(0.01, 0.999))
def test_it_is_a_weighted_mean_of_what_it_has_seen(values, decay):
    theta = np.array([7.0])
    average = WeightAverage(theta, decay)
    weights: list[float] = []
    for n, value in enumerate(values):
        theta[0] = value
        average.update(n)
        d = min(decay, n / (n + 9))
        weights = [w * d for w in weights] + [1 - d]
    np.testing.assert_allclose(sum(weights), 1)  # θ at the beginning has no part in it
    np.testing.assert_allclose(average.mean[0], np.dot(weights, values), atol=1e-12)


def test_theta_is_back_after_use_even_after_an_error():
    theta = np.array([1.0, 2.0])
    average = WeightAverage(theta, 0.9)
    average.mean[...] = 5

    def use() -> None:
        with average.in_use():
            assert theta.tolist() == [5, 5]
            raise KeyError

    with pytest.raises(KeyError):
        use()
    assert theta.tolist() == [1, 2]
    assert average.mean.tolist() == [5, 5]


def test_the_mean_is_what_is_evaluated_and_kept(charrnn, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("the mean of the weights is smoother than the weights\n" * 40)
    sets = ["model.hidden_size=16", "model.num_layers=1", "train.batch_size=4", "bptt.k1=8"]
    args = [item for s in [*sets, "optim.ema_decay=0.9"] for item in ("--set", s)]
    run = tmp_path / "run"
    trained = charrnn(
        "train", "--text", text, "--out", run, "--steps", "40", "--format", "json", *args
    )
    last = json.loads(trained.stdout)["val_loss"]
    checkpoint = run / "checkpoints" / "step-000000040.safetensors"
    scored = json.loads(charrnn("eval", checkpoint, "--format", "json").stdout)["nats_per_char"]
    assert abs(scored - last) < 1e-3  # a few characters more of context
    arrays = read(checkpoint).arrays
    assert not np.array_equal(arrays["output.V"], arrays[TRAINING + "output.V"])
