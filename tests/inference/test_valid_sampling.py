"""Sampling held to valid UTF-8: what the model would draw, given that it is valid."""

from __future__ import annotations

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn import build, config
from charrnn.data.utf8 import (
    AFTER,
    WholeCharacters,
    able,
    as_text,
    bytes_of_characters,
    phase_after,
    transitions,
)
from charrnn.data.vocabulary import Vocabulary
from charrnn.errors import CheckFailedError
from charrnn.inference.sampling import Sampling, numpy_sampler, sample, shared_sampler
from charrnn.inference.valid_sampling import Utf8, ValidOnly
from charrnn.runtime.workers import WorkerPool

SYMBOLS = "a\n\xc3\xa9\xe4\xb8"  # a, a line end, é is C3 A9, 丸 is E4 B8 B8
BYTES = st.binary(max_size=12).map(lambda data: data.decode("latin-1"))


def tiny(symbols=SYMBOLS, first=0, allowed=None):
    settings = config.load(
        None, ["model.hidden_size=4", "model.num_layers=1", "runtime.dtype=float64"]
    )
    network = build.network(settings, len(symbols))
    build.initialise(network, settings)
    rng = np.random.default_rng(3)
    for view in network.params.values():
        view += 0.7 * rng.standard_normal(view.shape)
    vocabulary = Vocabulary(symbols, "byte")
    after = transitions(vocabulary)
    mask = np.ones(len(symbols), bool) if allowed is None else allowed
    return SimpleNamespace(
        network=network, vocabulary=vocabulary, utf8=Utf8(after, able(after, mask), first)
    )


def sampler(kind, network, sampling=Sampling(), boundary=None):  # noqa: B008
    if kind == "numpy":
        return numpy_sampler(network, sampling, boundary)
    pytest.importorskip("numba")
    from charrnn.nn.backends.compiled.sampling import compiled_sampler

    return compiled_sampler(
        network, sampling.temperature, sampling.top_k, sampling.top_p, sampling.allowed, boundary
    )


@given(BYTES)
def test_phases_are_those_of_pythons_decoder(text):
    data, phase = text.encode("latin-1"), 0
    for n, byte in enumerate(data):
        phase = int(AFTER[phase, byte]) if phase >= 0 else -1
        try:
            data[: n + 1].decode()
            assert phase == 0
        except UnicodeDecodeError as error:
            assert (phase > 0) == (error.reason == "unexpected end of data")  # noqa: PT017
    shown = as_text(text, "byte")
    lengths = bytes_of_characters(text)
    assert (len(lengths), lengths.sum()) == (len(shown), len(data))
    at = 0
    for c, n in zip(shown, lengths.tolist(), strict=True):
        own = data[at : at + n]
        assert (own == c.encode()) or (n == 1 and c == "\ufffd")
        at += n


@given(st.text("a\u00e9\u4e2d\U0001f600", max_size=8), st.integers(0, 25), st.integers(1, 9))
def test_a_text_ends_with_a_whole_character(text, length, size):
    data = text.encode().decode("latin-1")
    ending, found = WholeCharacters(length), ""
    for at in range(0, len(data), size):
        found += ending.feed(data[at : at + size])
    whole = "".join(c for i, c in enumerate(text) if len(text[:i].encode()) < length)
    assert found == whole.encode().decode("latin-1")
    # What is no UTF-8 is cut where it was to be.
    broken, kept = "\xe4" * 9, WholeCharacters(min(length, 9))
    assert len("".join(kept.feed(b) for b in broken)) == min(length, 9)


# The probabilities of a character after "\n", by enumeration of its bytes.
def path_probabilities(made, path):
    """p of each of some bytes, all of one character, after a line end."""
    network, ids = made.network, made.vocabulary.encode("\n" + path)
    z = network.logits(network.forward(ids[:-1, None], network.zero_state(1)))[:, 0]
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return p[np.arange(len(path)), ids[1:]], p


def characters(made):
    """P of each valid character, and of each way to go wrong."""
    valid, wrong = {}, {}
    for n in (1, 2, 3):
        for path in map("".join, product(SYMBOLS, repeat=n)):
            phases = [0]
            for byte in path:
                phases.append(int(AFTER[phases[-1], ord(byte)]) if phases[-1] >= 0 else -1)
            if all(p > 0 for p in phases[1:-1]) and phases[-1] <= 0:
                (valid if phases[-1] == 0 else wrong)[path] = path_probabilities(made, path)[0]
    return valid, wrong


@pytest.mark.parametrize("kind", ["numpy", "compiled"])
def test_whole_characters_come_as_often_as_the_model_says(kind):
    """Every way of at most two tries: each is drawn by the numbers that stand for its bytes."""
    made = tiny()
    valid, wrong = characters(made)
    total = sum(p.prod() for p in (*valid.values(), *wrong.values()))
    assert total == pytest.approx(1.0)
    assert set(valid) == {"a", "\n", "\xc3\xa9", "\xc3\xb8", "\xe4\xb8\xb8", "\xe4\xa9\xb8",
                          "\xe4\xb8\xa9", "\xe4\xa9\xa9"}  # fmt: skip
    drawn = {}
    ways = [(c,) for c in valid] + [(w, c) for w in wrong for c in valid]
    generate = sampler(kind, made.network)
    for way in ways:
        uniforms = []
        for path in way:
            _, p = path_probabilities(made, path)
            for row, byte in zip(p, path, strict=True):
                k = made.vocabulary.id(byte)
                uniforms.append(row[:k].sum() + row[k] / 2)  # in the middle of its interval
        x = made.vocabulary.encode("\n")
        state = made.network.zero_state(1)
        held = made.utf8.streams(x, state, None)
        ids, _ = generate(x, state, np.array(uniforms)[:, None], None, held)
        raw = made.vocabulary.decode(ids[:, 0])
        # The numbers stand for the bytes only where the state is what it was before the character.
        assert raw == "".join(way)
        found = ValidOnly("\n").feed(raw)
        assert found == way[-1]
        probability = np.prod([path_probabilities(made, path)[0].prod() for path in way])
        drawn[found] = drawn.get(found, 0) + probability
    of_valid = sum(p.prod() for p in valid.values())
    for c, p in valid.items():
        # Of the first tries and of the second alike it is P(c), and so of all: P(c) / P(V).
        assert drawn[c] == pytest.approx(p.prod() * (1 + (1 - of_valid)))


def decoded(made, kind, *, seed=1, length=60, B=3, sampling=Sampling(), boundary=None,  # noqa: B008
            prime="\n", chunk=None):  # fmt: skip
    generate = sampler(kind, made.network, sampling, boundary)
    if chunk:
        generate = shared_sampler(WorkerPool(made.network, 2), generate)
    ids = sample(made.network, made.vocabulary.encode(prime), length, generate, seed, boundary,
                 range(B), utf8=made.utf8)  # fmt: skip
    filters, texts = [ValidOnly(prime) for _ in range(B)], [""] * B
    for part in ids:
        for b, own in enumerate(filters):
            texts[b] += own.feed(made.vocabulary.decode(part[:, b]))
    return texts


@pytest.mark.parametrize("boundary", [None, 1])
def test_both_samplers_draw_the_same_valid_text(boundary):
    made = tiny()
    plain = decoded(made, "numpy", boundary=boundary)
    assert plain == decoded(made, "compiled", boundary=boundary)
    assert len({*plain}) == 3
    for text in plain:
        assert "\ufffd" not in as_text(text, "byte")
    # A stream is the same whatever others are beside it, and whoever shares the work.
    assert decoded(made, "numpy", B=1, boundary=boundary)[0] == plain[0]
    many = decoded(made, "compiled", B=20, boundary=boundary, chunk=True)
    assert many[:3] == plain


@pytest.mark.parametrize("kind", ["numpy", "compiled"])
@pytest.mark.parametrize("sampling", [Sampling(0.0), Sampling(top_k=1)])
def test_where_nothing_is_left_to_chance_the_likeliest_that_can_follow_is_taken(kind, sampling):
    made = tiny()
    made.network.params["output.c"][4] += 20.0  # E4, which E4 cannot follow
    (text,) = decoded(made, kind, B=1, sampling=sampling, length=9)
    assert len(text) == 9
    assert set(text[::3]) == {"\xe4"}


def test_a_prime_may_end_inside_a_character():
    assert phase_after("a\xe4") == 2
    made = tiny(first=2)
    for text in decoded(made, "numpy", prime="a\xe4", length=900):
        assert text
        assert "\ufffd" not in as_text("a\xe4" + text, "byte")


def test_a_character_that_never_comes_is_an_error():
    filtered = ValidOnly("")
    with pytest.raises(CheckFailedError, match="none of 10,000 tries"):
        filtered.feed("\xff" * 10_000)
    after = transitions(Vocabulary("\xe4\xff", "byte"))
    assert not able(after, np.ones(2, bool)).any()
