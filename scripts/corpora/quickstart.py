"""The quickstart corpus and its figures."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from random import Random

from .grammar import Grammar
from .layout import unwrap, wrap
from .measure import Chart, expectations
from .play import play_grammar

SCENES = 84
SEED = 1
TRAIN = 0.9


@dataclass(frozen=True)
class Corpus:
    """The wrapped text and, for each scene, its length before wrapping and its bits."""

    text: str
    scenes: tuple[tuple[str, float], ...]

    @property
    def bits(self) -> float:
        """-log2 of the probability of the whole text."""
        return sum(bits for _, bits in self.scenes)


def generate(grammar: Grammar, rng: Random, count: int) -> Corpus:
    """So many scenes, one after another."""
    start = grammar.symbol("scene")
    scenes = tuple(grammar.sample(start, rng) for _ in range(count))
    return Corpus(wrap("".join(text for text, _ in scenes)), scenes)


def bits_after(grammar: Grammar, corpus: Corpus, cut: int) -> float:
    """-log2 P(text[cut:] given text[:cut]).

    That is the bits of the whole less those of the prefix, and the probability of a prefix is a
    sum over all scenes that begin so.  What the place of the last line break tells of the word
    after it is left out: a few bits at most, once.
    """
    left = len(unwrap(corpus.text[:cut]).rstrip())
    before = 0.0
    for text, bits in corpus.scenes:
        if left < len(text):
            before += Chart(grammar, text[:left], prefix=True).bits(grammar.symbol("scene"))
            break
        left -= len(text)
        before += bits
    return corpus.bits - before


def validation_rate(grammar: Grammar, corpus: Corpus) -> float:
    """Bits per character of the last tenth."""
    cut = int(TRAIN * len(corpus.text))
    return bits_after(grammar, corpus, cut) / (len(corpus.text) - cut)


def expected_rate(grammar: Grammar, rng: Random, scenes: int = 400) -> tuple[float, float]:
    """Expected bits per character, and its standard error.

    Bits and characters before wrapping are exact; only the share of characters that the
    indentation of broken lines adds is measured, on fresh scenes.
    """
    bits, characters = expectations(grammar, grammar.symbol("scene"))
    start = grammar.symbol("scene")
    plain = [grammar.sample(start, rng)[0] for _ in range(scenes)]
    added = [len(wrap(text)) - len(text) for text in plain]
    total = sum(map(len, plain))
    share = sum(added) / total
    spread = sum((a - share * len(t)) ** 2 for a, t in zip(added, plain, strict=True))
    rate = bits / characters / (1.0 + share)
    return rate, rate * sqrt(spread) / total / (1.0 + share)


def figures(seed: int = SEED, scenes: int = SCENES) -> tuple[str, dict[str, float | int | str]]:
    """The corpus and what is to be said of it."""
    grammar = play_grammar()
    corpus = generate(grammar, Random(seed), scenes)
    rate, error = expected_rate(grammar, Random(seed + 1))
    return corpus.text, {
        "characters": len(corpus.text),
        "vocabulary": len(set(corpus.text)),
        "seed": seed,
        "scenes": scenes,
        "bits_per_char": round(corpus.bits / len(corpus.text), 6),
        "bits_per_char_validation": round(validation_rate(grammar, corpus), 6),
        "expected_bits_per_char": round(rate, 5),
        "expected_bits_per_char_standard_error": round(error, 6),
    }
