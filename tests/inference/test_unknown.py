"""Characters that a vocabulary lacks: what scoring and encoding make of them."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn import build, config
from charrnn.data.layout import Layout, Lines
from charrnn.data.vocabulary import UNKNOWN, LackingError, Vocabulary
from charrnn.inference.scoring import Scorer, nats_of_unseen
from charrnn.runtime.workers import WorkerPool

LETTERS = "\nabcdeé"
UNSEEN = 7.5


def scorer(symbols=LETTERS, how="surprise", *, lines=False, unknown=None):
    settings = config.load(None, ["model.hidden_size=5", "runtime.dtype=float64"])
    network = build.network(settings, len(symbols))
    build.initialise(network, settings)
    vocabulary = Vocabulary(symbols, unknown=unknown)
    layout = Lines("lines") if lines else Layout("stream")
    return Scorer(WorkerPool(network), vocabulary, how, layout=layout, unseen=UNSEEN)


def nats(text, *args, **more):
    return scorer(*args, **more).nats(text)


@given(st.text(LETTERS + "7\u0301xÉ", max_size=20), st.booleans())
def test_what_is_known_costs_the_same_and_what_is_not_costs_the_surprise(text, lines):
    text += "\n"
    found = nats(text, lines=lines)
    # By hand: what is read is the text without them, or with look-alikes in their place.
    at, read = [], ""
    for i, c in enumerate(text):
        if c == "\u0301" and i and text[i - 1] == "e" and text[i + 1 : i + 2] != "\u0301":
            read, at = read[:-1] + "é", at
        elif c in LETTERS or c == "É":
            read, at = read + {"É": "e"}.get(c, c), [*at, i]
    if "\u0301\u0301" in text:
        return  # two marks on one letter: what NFC makes of them is Unicode's to say
    known = nats(read, lines=lines)
    for i, value in zip(at, known, strict=True):
        if text[i] != "É":
            np.testing.assert_array_equal(found[i], value)
    for i, c in enumerate(text):
        joined = c == "\u0301" and i and text[i - 1] == "e"
        if c in "7xÉ" or (c == "\u0301" and not joined):
            assert found[i] == UNSEEN


def test_a_line_of_unknown_characters_is_the_strangest_and_ends_no_line():
    found = nats("7777\nabc\n", lines=True)
    assert found[:4].tolist() == [UNSEEN] * 4
    assert np.isnan(found[4])  # as the end of an empty line
    np.testing.assert_array_equal(found[5:], nats("abc\n", lines=True))
    mapped = nats("7777\nabc\n", how="map", lines=True)
    np.testing.assert_array_equal(mapped, found)
    assert Vocabulary(LETTERS).substitute("7") == "a"
    assert Vocabulary(LETTERS).substitute("\r") == "a"
    assert Vocabulary(LETTERS).look_alike("\v") is None


def test_unknown_words_are_scored_with_what_stands_around_them():
    own = scorer(lines=True)
    found = own.nats("abqxc\n")
    assert found.tolist() == pytest.approx(
        [*(known := nats("abc\n", lines=True))[:2], UNSEEN, UNSEEN, *known[2:]]
    )
    assert own.unknown == {ord("q"): 1, ord("x"): 1}
    assert "2 characters that the vocabulary lacks are counted as surprise, 7.50" in own.notice()
    assert scorer().notice() is None


def test_left_out_and_refused():
    found = nats("abqxc\n", how="skip")
    assert np.isnan(found[2:4]).all()
    np.testing.assert_array_equal(found[[0, 1, 4, 5]], nats("abc\n"))
    one = scorer(how="error")
    one.nats("abcabc")
    with pytest.raises(LackingError, match=r"'q'.*first at character 8"):
        one.nats("abqxc")


def test_letters_and_marks_are_composed_and_taken_apart():
    composed, apart = "ae\u0301b\n", "aéb\n"
    found = nats(composed)
    np.testing.assert_array_equal(found[[0, 1, 3, 4]], nats(apart))
    assert np.isnan(found[2])
    marks = "\nabe\u0301"
    whole = nats(composed, symbols=marks)
    found = nats(apart, symbols=marks)
    assert found.tolist() == pytest.approx([whole[0], whole[1] + whole[2], *whole[3:]])
    for symbols in (LETTERS, marks):
        vocabulary = Vocabulary(symbols)
        for text in (composed, apart):
            assert vocabulary.decode(vocabulary.encode(text)) in (composed, apart)
    with pytest.raises(LackingError, match=r"'q'.*first at character 5"):
        Vocabulary(LETTERS).encode("ae\u0301béq")


def test_the_line_ends_of_another_system_are_no_characters():
    found = nats("ab\r\nc\rd\r\n", lines=True)
    assert np.isnan(found[[2, 7]]).all()
    assert found[5] == UNSEEN
    np.testing.assert_array_equal(found[[0, 1, 3]], nats("ab\n", lines=True))


def test_a_symbol_for_all_that_is_unknown_has_a_probability_of_its_own():
    symbols = LETTERS + UNKNOWN
    own = scorer(symbols, unknown=UNKNOWN)
    np.testing.assert_array_equal(own.nats("a7é\n"), nats(f"a{UNKNOWN}é\n", symbols))
    assert own.unknown.total() == 1
    vocabulary = Vocabulary(symbols, unknown=UNKNOWN)
    assert vocabulary.decode(vocabulary.encode("a7é\n")) == f"a{UNKNOWN}é\n"
    assert vocabulary.decode(vocabulary.encode("a7É\n", "map")) == f"a{UNKNOWN}e\n"
    assert vocabulary.extended("xyz") is vocabulary


def test_what_a_text_leaves_for_what_it_never_had():
    assert nats_of_unseen(27, 27 * 9) == pytest.approx(log(10))
    assert nats_of_unseen(27, None) == log(28)
