"""Where a text begins: from a state that the model knows, the same each time; zeros on request."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import charrnn
from charrnn.inference import warming
from charrnn.inference.sampling import Sampling
from charrnn.inference.warming import (
    ANYWHERE,
    BLANK,
    CHARACTER,
    LINE,
    WORD,
    kind_of,
    warm_beginning,
)
from charrnn.storage.checkpoint import read
from tests.conftest import TEXT

FROZEN = Path(__file__).parents[1] / "frozen"
SETTINGS = {
    "model.hidden_size": 8, "model.num_layers": 1, "bptt.k1": 8, "bptt.k2": 8,
    "train.batch_size": 4, "runtime.dtype": "float64", "runtime.kernels": "numpy",
}  # fmt: skip


def trained(folder, text=TEXT, **more):
    (folder / "text.txt").write_text(text, encoding="utf-8")
    settings = {**SETTINGS, **{key.replace("__", "."): value for key, value in more.items()}}
    run = charrnn.train(
        files=folder / "text.txt", settings=settings, steps=30, out=folder / "run", progress=False
    )
    return run.model()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("model"))


def stepped(network, state, ids):
    """log p (K,) after each of some ids, one at a time."""
    found = []
    for one in ids:
        tape = network.forward(np.array([[one]], np.int32), state)
        z = network.logits(tape)[0, 0].astype(np.float64)
        found.append(z - z.max() - np.log(np.exp(z - z.max()).sum()))
        state = network.state_after(tape, 1)
    return found


def test_it_is_what_the_model_wrote_after_a_state_of_training(model, monkeypatch):
    monkeypatch.setattr(warming, "KEPT", 1000)
    carried = read(model.path).arrays["state"]
    found = warm_beginning(model.network(), model.vocabulary, carried)
    states = []
    for stream in range(carried.shape[2]):
        state = carried[:, :, stream : stream + 1]
        for one in found.before:
            tape = model.network().forward(np.array([[one]], np.int32), state)
            state = model.network().state_after(tape, 1)
        states.append(state)
    assert len(found.before) >= 1
    assert min(np.abs(state - found.state).max() for state in states) < 1e-12
    assert model.vocabulary.symbols[found.id] == "\n"


def test_a_sample_is_drawn_by_hand_from_there(model):
    beginning, vocabulary = model.beginning(), model.vocabulary
    for prime in ("", "The lam"):
        ids = [beginning.id, *vocabulary.encode(prime).tolist()]
        uniforms = np.random.default_rng([3, 5, 0]).random(16)
        for uniform in uniforms[:10]:
            log_p = stepped(model.network(), beginning.state, ids)[-1]
            ids.append(Sampling().choose(log_p, uniform))
        drawn = vocabulary.decode(ids[1 + len(prime) :])
        assert "".join(model.sample(prime, length=10, seed=5)) == drawn


def test_line_ends_before_a_prime_are_those_that_the_beginning_has(model):
    assert model.beginning().line_ends >= 1
    plain = model.probabilities("The lam")
    np.testing.assert_array_equal(model.probabilities("\nThe lam"), plain)
    more = "\n" * model.beginning().line_ends
    assert np.abs(model.probabilities(more + "\nThe lam") - plain).max() > 1e-6


def test_a_text_and_each_line_alone_are_scored_from_there(model):
    beginning, lines = model.beginning(), ["The lamp\n", "said OWEN\n"]
    own = []
    for line in lines:
        ids = model.vocabulary.encode(line).tolist()
        logs = stepped(model.network(), beginning.state, [beginning.id, *ids[:-1]])
        own.append(-sum(log[one] for log, one in zip(logs, ids, strict=True)))
    alone = [row.nats for row in model.score("".join(lines), independent=True).lines()]
    assert alone == pytest.approx(own, rel=1e-9)
    assert model.score("".join(lines)).lines()[0].nats == pytest.approx(own[0], rel=1e-9)
    zero = model.score(lines[0], initial_state="zero").total
    assert zero != pytest.approx(own[0], rel=1e-6)


def test_zero_is_what_earlier_versions_began_from(tmp_path):
    """A checkpoint of format 1, and what it wrote then."""
    shutil.copy(FROZEN / "format-1" / "later.safetensors", tmp_path)
    model = charrnn.load(tmp_path / "later.safetensors")
    before = "".join(model.sample(length=40, seed=1, initial_state="zero"))
    assert before == "aebehtahmhhabt\nanha;ecth;bse ehahe\nbhhah"
    assert np.abs(model.probabilities() - model.probabilities(initial_state="zero")).max() > 1e-3
    assert not model.beginning().is_zero


@pytest.mark.parametrize("mode", ["lines", "records"])
def test_sequences_begin_from_zeros_as_in_training(tmp_path, mode):
    separator = {"data__separator": "blank"} if mode == "records" else {}
    model = trained(tmp_path, data__mode=mode, **separator)
    assert model.beginning().is_zero
    warm, zero = (model.sample(length=30, seed=1, initial_state=s) for s in ("warm", "zero"))
    assert "".join(warm) == "".join(zero)


@pytest.mark.parametrize(
    ("written", "unit", "kind"),
    [
        ("end.\n\n", "char", BLANK),
        ("end.\r\n\r\n", "byte", BLANK),
        ("\n", "char", LINE),
        ("end.\r\n", "char", LINE),
        ("the ", "char", WORD),
        ("the", "char", CHARACTER),
        ("日", "char", CHARACTER),
        ("日本".encode().decode("latin-1"), "byte", CHARACTER),
        ("日本".encode()[:5].decode("latin-1"), "byte", ANYWHERE),
        ("日本".encode()[1:3].decode("latin-1"), "byte", ANYWHERE),
        ("\x80a", "byte", CHARACTER),
        ("a\x80", "byte", ANYWHERE),
    ],
)
def test_where_a_text_may_begin(written, unit, kind):
    assert kind_of(written, unit) == kind


@pytest.mark.parametrize(("text", "ends"), [("abc" * 300, "abc"), ("one two\n" * 100, "\n")])
def test_of_a_text_without_blank_lines(tmp_path, text, ends):
    model = trained(tmp_path, text, optim__learning_rate=0.1)
    assert model.vocabulary.symbols[model.beginning().id] in ends


def test_of_bytes_it_is_after_a_whole_character(tmp_path, monkeypatch):
    """And where the model writes none, it is anywhere."""
    model = trained(tmp_path, "日本語é" * 300, data__unit="byte", optim__learning_rate=0.1)
    network, state = model.network(), read(model.path).arrays["state"]
    for stream in range(state.shape[2]):
        own = warm_beginning(network, model.vocabulary, np.roll(state, stream, axis=2))
        written = model.vocabulary.decode(own.context.tolist()).encode("latin-1")
        assert written.endswith(written.decode(errors="ignore")[-1].encode())
    monkeypatch.setattr(warming, "kind_of", lambda *_: ANYWHERE)
    assert not warm_beginning(network, model.vocabulary, state).is_zero
