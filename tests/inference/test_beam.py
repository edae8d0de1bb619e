"""Beam search against every text there is."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from charrnn import build, config
from charrnn.data.utf8 import able, transitions
from charrnn.data.vocabulary import Vocabulary
from charrnn.inference.beam import beam_search
from charrnn.inference.sampling import StopConditions
from charrnn.inference.valid_sampling import Utf8

SYMBOLS, LENGTH = "ab\n", 4


BYTES = "\xa9a\n\xb8\xc3\xe4"  # é is C3 A9, ø C3 B8, 丸 E4 B8 B8, 丩 E4 B8 A9 …
CHARACTERS = ("a", "\n", "é", "ø", "丸", "丩", "䩸", "䩩")


@pytest.fixture(scope="module")
def network():
    return network_of(SYMBOLS)


def network_of(symbols):
    settings = config.load(None, ["model.hidden_size=6", "model.num_layers=1", "train.seed=3"])
    net = build.network(settings, len(symbols), np.float64)
    build.initialise(net, settings)
    net.params.flat[:] += np.random.default_rng(1).normal(0, 0.8, net.params.flat.size)
    return net


def log_p(network, ids: tuple[int, ...], boundary: int | None) -> float:
    """A character at a time, after the boundary, which sets the state to zero."""
    x, state, total = 2, network.zero_state(1), 0.0
    for y in ids:
        if x == boundary:
            state = network.zero_state(1)
        tape = network.forward(np.array([[x]], np.int32), state)
        z = network.logits(tape)[0, 0]
        total += z[y] - np.log(np.exp(z).sum())
        x, state = y, network.state_after(tape, 1)
    return float(total)


def complete(ids: tuple[int, ...], stop: StopConditions) -> tuple[int, ...] | None:
    """The text up to its end, None where it goes on behind it."""
    text = "".join(SYMBOLS[i] for i in ids)
    for n in range(1, len(text) + 1):
        part = text[:n]
        if any(part.endswith(t) for t in stop.texts) or part.count("\n") == stop.sequences:
            return ids[:n] if n == len(ids) else None
    return ids if len(ids) == LENGTH else None


@pytest.mark.parametrize("boundary", [None, 2])
@pytest.mark.parametrize("allowed", [None, [True, False, True]])
@pytest.mark.parametrize(
    "stop",
    [StopConditions(), StopConditions(["ba"]), StopConditions(sequences=1, boundary="\n"),
     StopConditions(["aa"], sequences=2, boundary="\n")],
    ids=["length", "text", "record", "either"],
)  # fmt: skip
def test_a_wide_beam_finds_the_likeliest_of_all(network, boundary, allowed, stop):
    mask = None if allowed is None else np.array(allowed)
    ids = [i for i in range(3) if allowed is None or allowed[i]]
    every = {
        found
        for n in range(1, LENGTH + 1)
        for text in product(ids, repeat=n)
        if (found := complete(text, stop)) is not None
    }
    expected = sorted(every, key=lambda text: -log_p(network, text, boundary))[:5]
    found = beam_search(
        network, np.array([2], np.int32), LENGTH, 100, count=5, stop=stop, symbols=SYMBOLS,
        boundary=boundary, allowed=mask,
    )  # fmt: skip
    assert [tuple(one.ids.tolist()) for one in found] == expected
    for one in found:
        assert one.log_p == pytest.approx(log_p(network, tuple(one.ids.tolist()), boundary))


def test_a_beam_of_one_takes_the_likeliest_each_time(network):
    (found,) = beam_search(
        network, np.array([2], np.int32), LENGTH, 1, count=1, stop=StopConditions(), symbols=SYMBOLS
    )
    greedy: tuple[int, ...] = ()
    for _ in range(LENGTH):
        greedy = max(((*greedy, i) for i in range(3)), key=lambda ids: log_p(network, ids, None))
    assert tuple(found.ids.tolist()) == greedy


@pytest.mark.parametrize("first", [0, 1])
def test_a_wide_beam_finds_the_likeliest_of_all_that_are_valid(first):
    """Whole characters to the length, whose last may end up to two bytes later; after a prime that
    begins one, it is completed first.
    """
    network, vocabulary = network_of(BYTES), Vocabulary(BYTES, "byte")
    after = transitions(vocabulary)
    utf8 = Utf8(after, able(after, np.ones(len(BYTES), bool)), first)
    texts, every = [""] if not first else ["\xa9", "\xb8"], []
    while texts:
        every += [text for text in texts if len(text) >= LENGTH]
        texts = [
            text + c.encode().decode("latin-1")
            for text in texts if len(text) < LENGTH for c in CHARACTERS
        ]  # fmt: skip
    ids = [tuple(vocabulary.encode(text).tolist()) for text in every]
    found = beam_search(
        network, np.array([2], np.int32), LENGTH, 500, count=8, stop=StopConditions(),
        symbols=BYTES, utf8=utf8,
    )  # fmt: skip
    ranked = sorted(ids, key=lambda text: -log_p(network, text, None))
    assert [tuple(one.ids.tolist()) for one in found] == ranked[:8]
