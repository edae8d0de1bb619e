"""Update rules against values frozen from PyTorch, schedules by their definition."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from charrnn.training.optim.optimisers import clip_by_norm, clip_by_value, make_optimiser, norm
from charrnn.training.optim.schedules import Progress, make_schedule

FROZEN = json.loads((Path(__file__).parents[1] / "frozen" / "optimisers.json").read_text())


@pytest.mark.parametrize("case", FROZEN, ids=lambda case: case["label"])
def test_five_updates_are_those_of_pytorch(case):
    theta = np.array(case["start"])
    optimiser = make_optimiser(case["name"], theta, **case["settings"])
    for g, expected in zip(case["gradients"], case["thetas"], strict=True):
        optimiser.update(np.array(g), case["rate"])
        np.testing.assert_allclose(theta, expected, rtol=1e-9, atol=1e-12)


def test_weight_decay_spares_what_is_not_marked():
    theta = np.ones(2)
    optimiser = make_optimiser(
        "adamw", theta, weight_decay=0.1, decayed=np.array([True, False]), epsilon=1.0
    )
    optimiser.update(np.zeros(2), 0.5)
    np.testing.assert_allclose(theta, [0.95, 1.0])


def test_clipping():
    g = np.array([3.0, -4.0])
    assert norm(g) == 5
    clip_by_norm(g, 5.0, 1.0)
    np.testing.assert_allclose(g, [0.6, -0.8])
    clip_by_norm(g, 1.0, 5.0)
    np.testing.assert_allclose(g, [0.6, -0.8])
    clip_by_value(g, 0.7)
    np.testing.assert_allclose(g, [0.6, -0.7])


def test_norm_of_large_float32_does_not_overflow():
    assert norm(np.full(4, 1e20, np.float32)) == pytest.approx(2e20, rel=1e-6)


def at(step=0, epoch=0.0, share=0.0):
    return Progress(step, epoch, share)


def test_schedules():
    assert make_schedule("constant", 2.0).rate(at(share=0.9)) == 2
    step = make_schedule("step", 1.0, factor=0.5, after=10, every=2)
    assert [step.rate(at(epoch=e)) for e in (0, 9.9, 10, 11.9, 12, 14)] == [
        1, 1, 0.5, 0.5, 0.25, 0.125,
    ]  # fmt: skip
    exponential = make_schedule("exponential", 1.0, factor=0.25)
    assert exponential.rate(at(epoch=0.5)) == pytest.approx(0.5)
    linear = make_schedule("linear", 1.0, final=0.2)
    assert linear.rate(at(share=0.5)) == pytest.approx(0.6)
    cosine = make_schedule("cosine", 1.0, final=0.2)
    shares = (0.0, 0.5, 1.0, 2.0)
    assert [cosine.rate(at(share=s)) for s in shares] == pytest.approx([1, 0.6, 0.2, 0.2])


@pytest.mark.parametrize("after", [0, 1, 2, 10])
def test_the_step_schedule_is_that_of_char_rnn(after):
    """Its train.lua: at the end of an epoch, `if epoch >= after: learning_rate *= decay`."""
    schedule, ntrain, rate = make_schedule("step", 1.0, factor=0.5, after=after), 7, 1.0
    for i in range(1, 15 * ntrain):  # the lua loop's i, whose update is made before the check
        assert schedule.rate(at(epoch=(i - 1) / ntrain)) == rate
        if i % ntrain == 0 and i / ntrain >= after:
            rate *= 0.5


def test_the_step_schedule_of_earlier_conventions_drops_first_after_another_every():
    for conventions in (1, 2):
        step = make_schedule("step", 1.0, factor=0.5, after=10, every=2)
        step.follow(conventions)
        assert [step.rate(at(epoch=e)) for e in (0, 10.5, 11.9, 12, 14)] == [1, 1, 1, 0.5, 0.25]


def test_every_schedule_warms_up():
    for name in ("constant", "step", "exponential", "linear", "cosine", "plateau"):
        schedule = make_schedule(name, 1.0, warmup_steps=4)
        assert [schedule.rate(at(step=s)) for s in (0, 1, 3, 4)] == [0.25, 0.5, 1, 1]


def test_plateau_drops_after_patience_and_remembers():
    schedule = make_schedule("plateau", 1.0, factor=0.5, patience=2)
    for loss, expected in [(3, 1), (2, 1), (2.5, 1), (2.1, 0.5), (1.9, 0.5), (2, 0.5), (2, 0.25)]:
        schedule.record_validation(loss)
        assert schedule.rate(at()) == expected
    again = make_schedule("plateau", 1.0, factor=0.5, patience=2)
    again.restore(json.loads(json.dumps(schedule.state_dict())))
    assert again.rate(at()) == 0.25
    assert json.dumps(make_schedule("plateau", 1.0).state_dict(), allow_nan=False)
