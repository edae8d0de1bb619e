"""The corpora of known entropy: reproduction, unambiguous probabilities, and the languages."""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from math import inf, log2
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from corpora import counting, dyck, quickstart, reber  # noqa: E402
from corpora.grammar import Grammar  # noqa: E402
from corpora.layout import WIDTH, unwrap, wrap  # noqa: E402
from corpora.measure import Chart, expectations  # noqa: E402
from corpora.play import play_grammar  # noqa: E402

SEEDS = st.integers(0, 2**32)

# A list with nesting, forms and variables; finite, so that every derivation can be listed.
SMALL = r"""
start:
  3~ <^who n=0> <act n=0> <thing n=1>. | 1~ <^a thing n=0> (<who>) <act n=0>, <who> too.
who:
  2~ Ann | my <thing n=0>
act(n):
  eats/eat | 2~ mend*
thing(n):
  owl+ | 5~ key+
"""
AMBIGUOUS = "start:\n  <x><y> | 2~ aab\nx:\n  a | aa\ny:\n  b | 3~ ab\n"


def derivations(grammar: Grammar, elements: tuple[int | str, ...]) -> Iterator[tuple[str, float]]:
    """Every derivation, text and probability, by plain expansion from the left."""
    if not elements:
        yield "", 1.0
        return
    head, rest = elements[0], elements[1:]
    if isinstance(head, str):
        for text, p in derivations(grammar, rest):
            yield head + text, p
        return
    options = grammar.productions(head)
    total = sum(option.weight for option in options)
    for option in options:
        for text, p in derivations(grammar, option.elements + rest):
            yield text, p * option.weight / total


@pytest.fixture(scope="module")
def play() -> Iterator[Grammar]:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    yield play_grammar()
    sys.setrecursionlimit(limit)


@pytest.mark.parametrize(("source", "one_each"), [(SMALL, True), (AMBIGUOUS, False)])
def test_probabilities_agree_with_a_list_of_all_derivations(source: str, one_each: bool) -> None:
    grammar = Grammar(source)
    start = grammar.symbol("start")
    texts: dict[str, list[float]] = defaultdict(list)
    for text, p in derivations(grammar, (start,)):
        texts[text].append(p)
    assert all(len(found) == 1 for found in texts.values()) == one_each
    assert sum(map(sum, texts.values())) == pytest.approx(1.0)
    for text, found in texts.items():
        assert Chart(grammar, text).bits(start) == pytest.approx(-log2(sum(found)))
        for cut in range(len(text)):
            begins = sum(sum(p) for other, p in texts.items() if other.startswith(text[:cut]))
            prefix = Chart(grammar, text[:cut], prefix=True)
            assert prefix.bits(start) == pytest.approx(-log2(begins), abs=1e-9)
    assert Chart(grammar, "another").bits(start) == inf
    bits, characters = expectations(grammar, start)
    entropy = sum(-p * log2(p) for found in texts.values() for p in found)
    assert bits == pytest.approx(entropy)
    assert characters == pytest.approx(sum(sum(p) * len(t) for t, p in texts.items()))
    rng = Random(1)
    for _ in range(200):
        text, bits = grammar.sample(start, rng)
        assert any(bits == pytest.approx(-log2(p)) for p in texts[text])


def test_forms_and_articles() -> None:
    grammar = Grammar(SMALL)
    texts = {text for text, _ in derivations(grammar, (grammar.symbol("start"),))}
    assert {"Ann eats owls.", "My key mend keys.", "An owl (Ann) eats, my owl too."} <= texts
    assert not any(re.search(r"\b[Aa] owl|\b[Aa]n key", text) for text in texts)


@pytest.mark.parametrize("bad", ["x:\n  a | a\n", "x:\n  a\nx:\n  b\n", "x:\n", "x:\n  a <b\n"])
def test_a_faulty_grammar_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="grammar"):
        Grammar(bad)


def test_recursion_is_solved() -> None:
    grammar = Grammar("s:\n  3~ x<s>y | z\n")
    bits, characters = expectations(grammar, grammar.symbol("s"))
    one = -0.75 * log2(0.75) + 0.25 * 2
    assert bits == pytest.approx(4 * one)
    assert characters == pytest.approx(7.0)


def test_quickstart_is_reproduced_byte_for_byte(play: Grammar) -> None:
    stored = (ROOT / "data/quickstart.txt").read_bytes()
    said = json.loads((ROOT / "data/quickstart.json").read_text())
    corpus = quickstart.generate(play, Random(said["seed"]), said["scenes"])
    assert corpus.text.encode("ascii") == stored
    assert 450_000 <= len(stored) <= 700_000
    assert (said["characters"], said["vocabulary"]) == (len(stored), len(set(stored)))
    assert said["bits_per_char"] == pytest.approx(corpus.bits / len(stored), abs=1e-6)
    rate = quickstart.validation_rate(play, corpus)
    assert said["bits_per_char_validation"] == pytest.approx(rate, abs=1e-6)
    error = (said["bits_per_char"] - said["expected_bits_per_char"]) / said["bits_per_char"]
    assert abs(error) < 0.03


def test_scenes_have_one_derivation_each(play: Grammar) -> None:
    start = play.symbol("scene")
    rng = Random(99)
    for _ in range(8):
        text, bits = play.sample(start, rng)
        assert Chart(play, text).bits(start) == pytest.approx(bits, abs=1e-6)


def test_scene_rate_adds_up(play: Grammar) -> None:
    corpus = quickstart.generate(play, Random(7), 3)
    assert quickstart.bits_after(play, corpus, len(corpus.text)) == pytest.approx(0.0, abs=1e-6)
    assert quickstart.bits_after(play, corpus, 0) == pytest.approx(corpus.bits)
    cuts = [quickstart.bits_after(play, corpus, cut) for cut in range(0, 3000, 250)]
    assert cuts == sorted(cuts, reverse=True)


def test_wrap_is_undone_and_keeps_to_the_width(play: Grammar) -> None:
    corpus = quickstart.generate(play, Random(3), 10)
    assert unwrap(corpus.text) == "".join(
        play.sample(play.symbol("scene"), rng)[0] for rng in [Random(3)] for _ in range(10)
    )
    assert wrap(unwrap(corpus.text)) == corpus.text
    assert max(map(len, corpus.text.splitlines())) <= WIDTH
    assert all(line == line.rstrip() for line in corpus.text.splitlines())


def test_brackets_and_quotes_of_the_play_are_balanced(play: Grammar) -> None:
    text = quickstart.generate(play, Random(4), 10).text
    for paragraph in text.split("\n\n"):
        assert paragraph.count('"') % 2 == 0
        assert paragraph.count("(") == paragraph.count(")")
        assert paragraph.count("[") == paragraph.count("]")
    assert not re.search(r"[<>{}/*+~|\\]|\S  ", text)
    flat = " ".join(text.split())
    assert not re.search(r"\b[Aa] (?!use)[aeiou]|\b[Aa]n (?!hon)[^aeiouAEIOU]", flat)
    assert not re.search(r"\b[Aa] hon|\b[Aa]n use", flat)


# Written as a regular expression on purpose: it shares nothing with the generator.
INNER = re.compile(r"B(?:TS*X(?:XT*VP)*(?:S|XT*VV)|PT*V(?:PXT*V)*(?:V|PS))E")


def is_embedded(text: str) -> bool:
    inner = INNER.fullmatch(text[2:-2])
    return text[0] == "B" and text[-1] == "E" and text[1] == text[-2] in "TP" and bool(inner)


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_reber_strings(seed: int) -> None:
    text, bits = reber.strings(Random(seed), 20)
    grammar = reber.reber_grammar()
    start = grammar.symbol("embedded")
    assert all(is_embedded(line) for line in text.splitlines())
    assert bits == pytest.approx(sum(Chart(grammar, t).bits(start) for t in text.splitlines()))
    # One bit for each choice: two arcs leave every state but the last, which comes before E.
    inner = [line[2:-2] for line in text.splitlines()]
    assert bits == pytest.approx(sum(1 + len(line) - 2 for line in inner))


def test_the_recogniser_refuses() -> None:
    assert is_embedded("BTBTXSETE")
    assert is_embedded("BPBPVPXVVEPE")
    for wrong in ("BTBTXSEPE", "BTBTSSETE", "BPBPVPXSEPE", "BTBPTTETE", "BTBTXXPETE"):
        assert not is_embedded(wrong)


@given(SEEDS, st.integers(1, 400))
@settings(max_examples=40, deadline=None)
def test_continual_stream(seed: int, size: int) -> None:
    text, bits = reber.stream(Random(seed), size)
    longer, more = reber.stream(Random(seed), size + 60)
    assert len(text) == size
    assert longer.startswith(text)
    assert 0 <= bits <= more
    at = 0
    while at < size:
        inner = INNER.match(longer, at + 2)
        if inner is None:
            assert len(longer) - at < 60 or size - at < 3
            break
        if inner.end() + 2 <= len(longer):
            assert is_embedded(longer[at : inner.end() + 2])
        at = inner.end() + 2


@given(SEEDS, st.sampled_from(["ab", "abc"]), st.integers(1, 20), st.integers(0, 20))
def test_counting_languages(seed: int, letters: str, low: int, batch: int) -> None:
    text, bits = counting.strings(letters, Random(seed), 30, low, low + batch)
    lines = text.splitlines()
    for line in lines:
        counts = [line.count(letter) for letter in letters]
        assert len(set(counts)) == 1
        assert low <= counts[0] <= low + batch
        assert "".join(sorted(line)) == line
        assert len(line) == sum(counts)
    assert len(lines) == 30
    assert bits == pytest.approx(30 * log2(batch + 1))
    each, none = counting.strings(letters, Random(seed), 30, low, low + batch, each=True)
    sizes = [len(line) // len(letters) for line in each.splitlines()]
    assert sizes == list(range(low, low + batch + 1))
    assert none == 0.0


@given(SEEDS, st.floats(0.1, 0.9), st.integers(1, 9), st.integers(2, 60))
def test_dyck_strings(seed: int, p: float, depth: int, length: int) -> None:
    text, _ = dyck.strings(Random(seed), 10, p, depth, length)
    for line in text.splitlines():
        assert 2 <= len(line) <= length
        assert (
            max(
                line[:i].count("(")
                + line[:i].count("[")
                - line[:i].count(")")
                - line[:i].count("]")
                for i in range(len(line) + 1)
            )
            <= depth
        )
        while "()" in line or "[]" in line:
            line = line.replace("()", "").replace("[]", "")
        assert line == ""


def test_dyck_entropy_agrees_with_a_list_of_all_strings() -> None:
    p, depth, length = 0.4, 2, 8
    chances: dict[str, float] = {}

    def extend(text: str, waiting: str, chance: float) -> None:
        at, deep = len(text), len(waiting)
        opening = 1.0 if at == 0 else p if deep < depth and at + deep + 2 <= length else 0.0
        if opening:
            extend(text + "(", waiting + ")", chance * opening / 2)
            extend(text + "[", waiting + "]", chance * opening / 2)
        if opening < 1.0:
            if waiting:
                extend(text + waiting[-1], waiting[:-1], chance * (1 - opening))
            else:
                chances[text] = chance * (1 - opening)

    extend("", "", 1.0)
    assert sum(chances.values()) == pytest.approx(1.0)
    bits, characters = dyck.expected(p, depth, length)
    assert bits == pytest.approx(sum(-c * log2(c) for c in chances.values()))
    assert characters == pytest.approx(sum(c * (len(t) + 1) for t, c in chances.items()))
    rng = Random(1)
    for _ in range(100):
        text, bits = dyck.string(rng, p, depth, length)
        assert bits == pytest.approx(-log2(chances[text]))
