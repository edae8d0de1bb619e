"""Dynamic evaluation scores first and learns afterwards, as a loop over the reference does."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from charrnn.analysis.gradcheck.cases import reference_of
from charrnn.errors import DivergenceError
from charrnn.inference.dynamic import evaluate_dynamically
from charrnn.inference.evaluation import evaluate
from charrnn.inference.interval import Blocks
from tests.helpers.runs import finish, start

FLOAT64 = ["runtime.dtype=float64", "optim.learning_rate=0.02", "train.sample_length=0"]
CELLS = [
    ["model.cell=lstm", "model.peepholes=true"],
    ["model.cell=gru", "model.num_layers=2"],
    ["model.cell=rnn", "model.bias=false", "data.mode=lines"],
]
TEXT = "".join(f"{n} is so, and so is {n * n}; it goes.\n" for n in range(30))


@pytest.fixture
def trained(tmp_path):
    def train(*sets, text=TEXT, steps=30):
        path = tmp_path / "text.txt"
        path.write_text(text)
        return finish(start(path, tmp_path / "run", [*FLOAT64, "bptt.k1=8", *sets], steps=steps))

    return train


def parts_of(launch):
    return launch.trainer.network, launch.trainer.corpus


def derivative(reference, parameters, x, y, state):
    """Σ E by every parameter, by complex step, all entries of an array side by side."""
    gradient = {}
    for name, array in parameters.items():
        each = array + 1e-30j * np.eye(array.size).reshape(array.size, *array.shape)
        E, _ = reference.losses({**parameters, name: each}, x, y, state)
        gradient[name] = E.sum(axis=(0, -1)).imag.reshape(array.shape) / 1e-30
    return gradient


def zero_state(reference, parameters):
    parts = 2 if reference.cell == "lstm" else 1
    return np.zeros((reference.num_layers, parts, 1, len(parameters["output.V"])))


def explicit(reference, parameters, corpus, rate, k):
    """The nats of every character of the validation part, in the text's order."""
    if corpus.boundary is not None:
        rows = sorted(tuple(row) for row in corpus.rows["val"].tolist())
        sequences = [(start + 1, stop, start) for start, stop in rows]
    else:
        start, stop = corpus.rows["val"][0].tolist()
        sequences = [(start, stop, max(start - 1 - 512, 0))]
    parameters, ids, nats = dict(parameters), corpus.ids, []
    for start, stop, begin in sequences:
        state = zero = zero_state(reference, parameters)
        if begin < start - 1:
            read = ids[begin:start, None]
            state = reference.losses(parameters, read[:-1], read[1:], zero)[1][-1]
        for first in range(start, stop, k):
            read = ids[first - 1 : min(first + k, stop), None]
            E, states = reference.losses(parameters, read[:-1], read[1:], state)
            nats += E[:, 0].tolist()
            gradient = derivative(reference, parameters, read[:-1], read[1:], state)
            parameters = {n: a - rate * gradient[n] / k for n, a in parameters.items()}
            state = states[-1]
    return nats


@pytest.mark.parametrize("sets", CELLS, ids=" ".join)
def test_it_is_the_explicit_loop_over_the_reference(trained, sets):
    launch = trained(*sets)
    network, corpus = parts_of(launch)
    expected = explicit(reference_of(launch.config), network.params, corpus, 0.7, 12)
    before = network.params.flat.copy()
    score = evaluate_dynamically(network, corpus, "val", 0.7, segment=12)
    assert score.chars == corpus.characters("val") == len(expected)
    assert score.nats == pytest.approx(sum(expected), rel=1e-12)
    assert score.nats != pytest.approx(evaluate(network, corpus, "val").nats, rel=1e-4)
    assert np.array_equal(network.params.flat, before)


@pytest.mark.parametrize("sets", CELLS, ids=" ".join)
def test_at_rate_0_it_is_evaluate(trained, sets):
    network, corpus = parts_of(trained(*sets, text="so it goes, and it goes so; so on.\n" * 150))
    still, carried = Blocks(), Blocks()
    dynamic = evaluate_dynamically(network, corpus, "val", 0.0, segment=7, blocks=still)
    static = evaluate(network, corpus, "val", blocks=carried)
    assert dynamic.nats == pytest.approx(static.nats, rel=1e-12)
    assert (dynamic.correct, dynamic.chars) == (static.correct, static.chars)
    assert still._nats == pytest.approx(carried._nats, rel=1e-12)
    assert np.array_equal(still._chars, carried._chars)
    assert still._chars.sum() == static.chars


def test_a_segment_is_scored_before_it_is_learned_from(trained):
    """What comes last changes no score before it."""
    network, corpus = parts_of(trained())
    start, stop = corpus.rows["val"][0].tolist()
    k, ids = 10, corpus.ids.copy()
    stop -= (stop - start) % k
    ids[stop - k : stop] = ids[stop - k : stop][::-1]

    def nats(ids, until):
        cut = replace(corpus, ids=ids, rows={**corpus.rows, "val": np.array([[start, until]])})
        return evaluate_dynamically(network, cut, "val", 0.5, segment=k).nats

    assert nats(ids, stop - k) == nats(corpus.ids, stop - k)
    assert nats(ids, stop) != nats(corpus.ids, stop)
    last = nats(corpus.ids, stop) - nats(corpus.ids, stop - k)
    cut = replace(corpus, rows={**corpus.rows, "val": np.array([[stop - k, stop]])})
    assert last != pytest.approx(evaluate(network, cut, "val").nats, rel=1e-4)


def test_it_learns_a_text_that_changes(trained):
    """A validation part of another habit than the training part's."""
    network, corpus = parts_of(trained(text="abab abab abab " * 100 + "aabb aabb " * 60))
    static = evaluate(network, corpus, "val").nats_per_char
    assert evaluate_dynamically(network, corpus, "val", 0.5).nats_per_char < static - 0.1


def test_a_rate_that_is_too_high_is_an_error_and_leaves_the_parameters(trained):
    network, corpus = parts_of(trained("model.cell=rnn", "model.activation=relu"))
    before = network.params.flat.copy()
    with pytest.raises(DivergenceError, match=r"dynamic=1e\+300.*too high.*\n.*dynamic=0\.1"):
        evaluate_dynamically(network, corpus, "val", 1e300, segment=5)
    assert np.array_equal(network.params.flat, before)


def test_the_command(trained, charrnn, tmp_path):
    trained()
    files = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    values = json.loads(charrnn("eval", "run", "--dynamic", 0.3, "--format", "json").stdout)
    plain = json.loads(charrnn("eval", "run", "--format", "json").stdout)
    assert set(values) == {*plain, "dynamic"}
    assert values["dynamic"] == 0.3
    assert values["chars"] == plain["chars"]
    assert values["nats_per_char"] < plain["nats_per_char"]
    assert "dynamic: learning at rate 0.3" in charrnn("eval", "run", "--dynamic", 0.3).stdout
    assert files == {path: path.read_bytes() for path in files}


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--dynamic", "0.1", "--protocol", "cold"], 2, "--protocol carried"),
        (["--dynamic", "nan"], 2, "not a finite number"),
        (["--dynamic", "-1"], 2, "--dynamic"),
        (["--dynamic", "1e300"], 5, "--dynamic 1e+300: diverged"),
    ],
)
def test_mistakes(trained, charrnn, options, code, said):
    trained()
    done = charrnn("eval", "run", *options)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr
    assert not done.stdout
