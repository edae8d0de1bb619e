"""The tokenizer: lossless, and clear about what it does not know."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.data.vocabulary import Vocabulary
from charrnn.errors import DataError

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@given(TEXTS)
def test_round_trip_of_characters(text):
    vocabulary = Vocabulary.of(text)
    assert vocabulary.decode(vocabulary.encode(text)) == text
    assert len(set(text)) == vocabulary.K
    assert list(vocabulary.symbols) == sorted(set(text))


@given(st.binary(min_size=1, max_size=60))
def test_round_trip_of_bytes(data):
    text = data.decode("latin-1")
    vocabulary = Vocabulary.of(text, "byte")
    assert vocabulary.decode(vocabulary.encode(text)).encode("latin-1") == data


def test_unknown_characters():
    vocabulary = Vocabulary.of("aex' \n")
    with pytest.raises(DataError, match=r"'\?' \(U\+003F\), 'é' \(U\+00E9\), first at character 1"):
        vocabulary.encode("aé?")
    assert vocabulary.decode(vocabulary.encode("aé?x", "skip")) == "ax"
    assert vocabulary.decode(vocabulary.encode("Aéa’\u4e2d", "map")) == "aea' "


def test_symbols_beyond_the_basic_plane():
    vocabulary = Vocabulary.of("a😀e\u0301")
    assert vocabulary.K == 4
    with pytest.raises(DataError):
        vocabulary.encode("\U0010ffff")


@pytest.mark.parametrize("symbols", [[], ["ab"], ["a", "a"]])
def test_bad_symbols(symbols):
    with pytest.raises(DataError):
        Vocabulary(symbols)
