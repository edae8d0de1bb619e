"""The rule of a plan, as the pure function that it is."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn import build, config
from charrnn.data.planning import (
    ALONE,
    SIZES,
    Facts,
    Here,
    average_decay,
    between,
    choose,
    has_ngram,
    rule_of,
    validation_share,
    windows,
)

DEFAULTS = config.flat(config.Config())
SECONDS = st.floats(0.01, 1e6)
FACTS = st.builds(
    lambda n, K, share, length: Facts(n, int(share * n), K, length and max(n // length, 1)),
    st.integers(1, 10**10), st.integers(1, 5000), st.floats(0, 0.2),
    st.none() | st.integers(1, 3000),
)  # fmt: skip
SPEEDS = st.tuples(st.floats(1e-7, 1e-3), st.floats(0, 1e-5), st.floats(0, 1e-8))


def planned(
    facts: Facts, seconds: float, speed=(1e-6, 5e-8, 1e-10), held=None, here=ALONE
):  # fmt: skip
    a, b, c = speed

    def epoch(H: int) -> float:
        return facts.characters * (a + b * H + c * H * H)

    held = held or {}
    sizes = {"sizes": [held["model.hidden_size"]]} if "model.hidden_size" in held else {}
    return choose(
        facts, seconds=lambda H: seconds, epoch=epoch,
        parameters=lambda H: 4 * H * H + 6 * facts.K * H, held=held, here=here, **sizes,
    ), epoch  # fmt: skip


@given(FACTS, SECONDS, SPEEDS)
def test_a_plan_is_a_configuration_within_its_seconds(facts, seconds, speed):
    choice, epoch = planned(facts, seconds, speed)
    H = choice.hidden_size
    assert H in SIZES
    assert choice.passes * epoch(H) <= seconds
    assert (choice.keys["train.epochs"] is None) == choice.by_clock
    most = rule_of(facts).most_epochs
    if not choice.by_clock:
        assert choice.passes == int(choice.passes)
        spare = choice.keys["train.epochs"] - choice.passes
        assert 0 <= spare < 0.25 * choice.passes + 1
        assert spare or choice.passes == most
    assert (
        choice.passes == most
        or choice.passes * epoch(H) >= (0.94 if choice.by_clock else 0.63) * seconds
    )
    keys = {"train.minutes": 1.0, **choice.keys}
    assert keys.keys() <= DEFAULTS.keys()
    made = config.from_dict(nested(keys), "plan")
    assert config.unused_keys(made) == []


def nested(keys):
    found: dict[str, dict[str, object]] = {}
    for key, value in keys.items():
        *path, last = key.split(".")
        section = found
        for part in path:
            section = section.setdefault(part, {})
        section[last] = value
    return found


def test_few_passes_are_not_rounded_down():
    """An epoch of 1×128 takes 10 s here, and one of 1×160 14.4."""
    facts = Facts(10**6, 10**5, 65)

    def after(seconds, **held):
        return planned(facts, seconds, (1e-6, 0, 5.5e-10), held)[0]

    one, two = after(20), after(65)
    assert one.by_clock
    assert (one.hidden_size, one.passes) == (128, pytest.approx(1.9, abs=0.01))
    assert not two.by_clock
    assert (two.hidden_size, two.passes, two.keys["train.epochs"]) == (192, 2, 3)
    assert after(20, **{"train.epochs": 1.0}).by_clock is False
    assert after(5, **{"train.epochs": 1.0}).by_clock


def test_a_smaller_model_is_taken_to_end_with_an_epoch():
    """An epoch of 1×352 takes 52 s here, and one of 1×320 43."""
    facts = Facts(3 * 10**6, 10**5, 65)
    chosen, _ = planned(facts, 100, (0, 0, 1.4e-10))
    assert (chosen.hidden_size, chosen.passes) == (320, 2)
    larger, _ = planned(facts, 100, (0, 0, 1.4e-10), {"model.hidden_size": 384})
    assert larger.by_clock


@given(FACTS, SECONDS, st.floats(1, 100), SPEEDS)
def test_more_time_never_makes_a_smaller_model(facts, seconds, times, speed):
    less, _ = planned(facts, seconds, speed)
    more, _ = planned(facts, seconds * times, speed)
    assert more.hidden_size >= smallest_after(less, more)


def smallest_after(less, more):
    """A model may be a fifth smaller, if so the run ends with an epoch."""
    return (0.8 if less.by_clock and not more.by_clock else 1) * less.hidden_size


@given(FACTS, SECONDS, SPEEDS)
def test_a_faster_machine_never_makes_a_smaller_model(facts, seconds, speed):
    slow, _ = planned(facts, seconds, tuple(3 * one for one in speed))
    fast, _ = planned(facts, seconds, speed)
    assert fast.hidden_size >= smallest_after(slow, fast)


KERNELS = st.sampled_from(["compiled", "numpy"])


@given(FACTS, KERNELS)
def test_windows_are_no_more_than_the_text_has(facts, kernels):
    keys = windows(facts, Here(kernels))
    B = keys["train.batch_size"]
    assert 2 <= B <= rule_of(facts).streams[kernels]
    width = keys.get("bptt.k1") or facts.characters / facts.sequences
    assert B == 2 or B * width * rule_of(facts).fewest_updates <= facts.characters * (1 + 1e-9)
    assert windows(facts, Here(kernels, ranks=37))["train.batch_size"] >= 37


WINDOWS = st.fixed_dictionaries({}, optional={
    "train.batch_size": st.integers(1, 40), "bptt.k1": st.integers(1, 60),
    "model.hidden_size": st.integers(1, 1000),
})  # fmt: skip


@given(FACTS, SECONDS, SPEEDS, WINDOWS, KERNELS)
def test_windows_go_by_kernels_and_what_is_held_is_kept(facts, seconds, speed, held, kernels):
    choice, _ = planned(facts, seconds, speed, held, Here(kernels))
    rule = rule_of(facts)
    assert not choice.keys.keys() & held.keys()
    keys = {**choice.keys, **held}
    if rule.window is None and "bptt.k1" not in held:
        assert keys["bptt.mode"] == "full"
        assert "bptt.k1" not in keys
    else:
        assert "bptt.mode" not in keys
        assert keys["bptt.k1"] == keys["bptt.k2"] == held.get("bptt.k1", rule.window)
    width = keys.get("bptt.k1") or facts.characters / (facts.sequences or 1)
    fitting = max(int(facts.characters / (width * rule.fewest_updates)), 2)
    B = keys["train.batch_size"]
    assert held.get("train.batch_size", min(rule.streams[kernels], fitting)) == B
    assert choice.characters_per_update == min(width * B, facts.characters)


def test_numpy_has_twice_as_many_streams_and_the_rate_for_them():
    facts = Facts(10**6, 10**5, 65)
    compiled, numpy = (planned(facts, 100, here=Here(kernels))[0].keys
                    for kernels in ("compiled", "numpy"))  # fmt: skip
    assert (compiled["train.batch_size"], numpy["train.batch_size"]) == (16, 32)
    ratio = numpy["optim.learning_rate"] / compiled["optim.learning_rate"]
    assert ratio == pytest.approx(2 ** (1 / 3), rel=0.08)


def test_small_updates_have_half_of_the_rate_and_remember_as_many_characters():
    """A text of 9,000 characters has two streams, an eighth of the characters of an update."""
    few, many = (planned(Facts(N, N // 9, 65), 1e6, held={"model.hidden_size": 128})[0]
                 for N in (9000, 10**6))  # fmt: skip
    assert few.characters_per_update == 96
    assert few.keys["optim.learning_rate"] == many.keys["optim.learning_rate"] / 2
    assert (few.keys["optim.beta2"], many.keys["optim.beta2"]) == (0.99875, 0.99)


def test_a_window_that_is_held_in_part_is_possible():
    stream = Facts(10**6, 10**5, 65)
    assert windows(stream, Here(), {"bptt.k2": 20})["bptt.k1"] == 20
    assert windows(stream, Here(), {"bptt.k2": 200})["bptt.k1"] == 48
    assert windows(stream, Here(), {"bptt.mode": "full"}).keys() == {"train.batch_size"}
    lines = Facts(10**6, 10**5, 65, 10**5)
    assert windows(lines, Here(), {"bptt.k1": 7}).keys() == {"train.batch_size", "bptt.k2"}


@pytest.mark.parametrize(("key", "value"), [
    ("model.hidden_size", 200), ("model.dropout", 0.0), ("optim.learning_rate", 1.0),
    ("train.epochs", 3.0), ("bptt.k1", 10), ("train.batch_size", 3), ("optim.name", "sgd"),
    ("optim.schedule.name", "constant"),
])  # fmt: skip
def test_what_is_held_is_not_chosen(key, value):
    choice, _ = planned(Facts(10**6, 10**5, 65), 100.0, held={key: value})
    assert key not in choice.keys
    if key == "model.hidden_size":
        assert choice.hidden_size == value
    if key == "model.dropout":
        assert not choice.keys["model.variational_dropout"]
    if key == "train.epochs":
        assert choice.passes == 3
    if key == "optim.name":
        assert "optim.learning_rate" not in choice.keys
    if key == "optim.schedule.name":
        assert "optim.schedule.final" not in choice.keys


def test_lines_between_points():
    points = ((2, 0.0), (4, 0.2), (8, 0.4))
    assert [between(points, x) for x in (0, 2, 3, 4, 6, 8, inf)] == pytest.approx(
        [0, 0, 0.1, 0.2, 0.3, 0.4, 0.4]
    )
    assert average_decay(1) is None
    assert 0.99 < average_decay(1e6) < 1


def test_a_long_text_validates_on_no_more_than_there_is_time_for():
    assert validation_share(10**5, 20) == 0.1
    assert validation_share(10**9, 20) < validation_share(10**9, 2000) < 0.1
    assert validation_share(10**12, 20) > 0
    facts = Facts(10**6, 10**5, 65)
    assert has_ngram(facts, 3600, inf, compiled=True)
    assert not has_ngram(facts, 3600, 10**6, compiled=True)
    assert not has_ngram(facts, 1, inf, compiled=True)


def test_parameters_are_those_of_the_network():
    made = config.load(None, ["model.num_layers=1", "model.hidden_size=32"])
    assert build.parameter_count(made, 65) == 4 * 32 * (65 + 32 + 1) + 32 * 65 + 65


@pytest.mark.parametrize("held", [{"model.cell": "gru"}, {"model.forget_gate": False}, {}])
def test_gates_are_coupled_where_the_cell_has_them_and_the_text_is_a_stream(held):
    choice, _ = planned(Facts(10**6, 10**5, 60), 100, held=held)
    assert choice.keys.get("model.coupled_gates", False) == (not held)
    assert "model.coupled_gates" not in planned(Facts(10**5, 10**4, 30, 10**4), 100)[0].keys
    made = config.from_dict(nested({"train.minutes": 1.0, **choice.keys, **held}), "plan")
    assert config.unused_keys(made) == []


def test_another_cell_learns_at_two_thirds_of_the_rate_however_often():
    facts = Facts(10**6, 10**5, 60)
    for seconds in (100, 1000):
        rate = planned(facts, seconds, held={"model.hidden_size": 256})[0].keys
        gru = planned(facts, seconds, held={"model.hidden_size": 256, "model.cell": "gru"})[0].keys
        assert gru["optim.learning_rate"] == pytest.approx(8e-3, rel=0.01)
        assert gru["optim.learning_rate"] <= rate["optim.learning_rate"]


def test_weights_and_more_units_are_dropped_where_much_of_a_text_is_new():
    held = {"model.hidden_size": 64, "train.epochs": 9.0}
    keys = [
        planned(Facts(10**6, 10**5, 60, new=new), 1e6, held=held)[0].keys
        for new in (0.0, 0.07, 0.12, 0.2, 1.0)
    ]
    assert [one["model.weight_dropout"] for one in keys] == [0, 0, 0.07, 0.15, 0.15]
    assert [one["model.dropout"] for one in keys] == [0.3, 0.3, 0.35, 0.4, 0.4]
    often = planned(Facts(10**6, 10**5, 60, new=0.0), 1e6, held=held | {"train.epochs": 20.0})[0]
    assert often.keys["model.dropout"] == 0.5


def test_weights_decay_where_a_text_is_read_often():
    facts = Facts(10**6, 10**5, 60)

    def keys(epochs, **held):
        own = {"model.hidden_size": 64, "train.epochs": epochs}
        return planned(facts, 1e6, held=own | held)[0].keys

    often, once = keys(20.0), keys(2.0)
    assert (often["optim.name"], often["optim.weight_decay"]) == ("adamw", 0.01)
    undropped = keys(20.0, **{"model.weight_dropout": 0.0})
    assert undropped["optim.weight_decay"] == 0.02
    assert once["optim.name"] == "adam"
    assert "optim.weight_decay" not in once
    assert "optim.weight_decay" not in keys(20.0, **{"optim.name": "adam"})
    assert keys(2.0, **{"optim.weight_decay": 0.1})["optim.name"] == "adamw"
    assert keys(20.0, **{"optim.weight_decay": 0})["optim.name"] == "adam"
