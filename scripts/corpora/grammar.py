"""Probabilistic grammars in which every choice has a known probability.

A rule together with the values of the variables it depends on is one *symbol*; there are
finitely many, so the grammar is an ordinary probabilistic context-free grammar, unfolded only
as far as it is needed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import log2
from random import Random

from .notation import VARIABLE, Call, Part, Rule, inflect, parse, with_article

Element = str | int
Attributes = Mapping[str, Mapping[str, str]]
_Key = tuple[str, tuple[tuple[str, str], ...], bool, bool]


@dataclass(frozen=True)
class Production:
    """One alternative: its weight, bits (-log2 of its probability) and contents."""

    weight: int
    bits: float
    elements: tuple[Element, ...]


class Grammar:
    """A compiled grammar; symbols are small integers."""

    def __init__(self, source: str, attributes: Attributes | None = None) -> None:
        self.rules: dict[str, Rule] = parse(source)
        self.attributes: Attributes = attributes or {}
        self._needs = self._find_needs()
        self._ids: dict[_Key, int] = {}
        self._keys: list[_Key] = []
        self._productions: dict[int, tuple[Production, ...]] = {}

    def symbol(self, name: str, **variables: str) -> int:
        """The symbol for a rule, with its variables set."""
        return self._intern(name, variables, False, False)

    def productions(self, symbol: int) -> tuple[Production, ...]:
        """The alternatives of a symbol, unfolded at first use."""
        found = self._productions.get(symbol)
        if found is None:
            found = self._productions[symbol] = self._unfold(*self._keys[symbol])
        return found

    def sample(self, symbol: int, rng: Random) -> tuple[str, float]:
        """A random text and the bits of the choices that made it."""
        out: list[str] = []
        bits = 0.0
        stack: list[Element] = [symbol]
        while stack:
            element = stack.pop()
            if isinstance(element, str):
                out.append(element)
                continue
            options = self.productions(element)
            chosen = options[0]
            if len(options) > 1:
                # Only Random.random() has a sequence that Python promises to keep.
                left = rng.random() * sum(option.weight for option in options)
                for chosen in options:
                    left -= chosen.weight
                    if left < 0:
                        break
            bits += chosen.bits
            stack.extend(reversed(chosen.elements))
        return "".join(out), bits

    def _intern(self, name: str, known: Mapping[str, str], capital: bool, article: bool) -> int:
        if name not in self.rules:
            raise ValueError(f"grammar: no rule is called {name!r}")
        used = tuple(sorted((k, v) for k, v in known.items() if k in self._needs[name]))
        key = (name, used, capital, article)
        if key not in self._ids:
            self._ids[key] = len(self._keys)
            self._keys.append(key)
        return self._ids[key]

    def _unfold(
        self, name: str, used: tuple[tuple[str, str], ...], capital: bool, article: bool
    ) -> tuple[Production, ...]:
        rule, known = self.rules[name], dict(used)
        form = int(known.get(rule.form_variable or "", "0"))
        total = sum(rule.weights)
        made = []
        for weight, parts in zip(rule.weights, rule.alternatives, strict=True):
            elements: list[Element] = []
            for place, part in enumerate(parts):
                first = place == 0
                element = self._element(part, known, form, first and capital, first and article)
                if isinstance(element, str) and elements and isinstance(elements[-1], str):
                    elements[-1] += element
                elif element != "":
                    elements.append(element)
            made.append(Production(weight, log2(total / weight), tuple(elements)))
        return tuple(made)

    def _element(
        self, part: Part, known: Mapping[str, str], form: int, capital: bool, article: bool
    ) -> Element:
        if isinstance(part, Call):
            inner = dict(known)
            inner.update((key, self._fill(value, known)) for key, value in part.settings)
            name = self._fill(part.name, known)
            return self._intern(name, inner, part.capital or capital, part.article or article)
        text = self._fill(inflect(part, form), known)
        if article:
            text = with_article(text)
        return text[0].upper() + text[1:] if capital else text

    def _fill(self, text: str, known: Mapping[str, str]) -> str:
        def value(match: re.Match[str]) -> str:
            name, attribute = match.groups()
            if attribute == "upper":
                return known[name].upper()
            return self.attributes[known[name]][attribute] if attribute else known[name]

        return VARIABLE.sub(value, text)

    def _find_needs(self) -> dict[str, frozenset[str]]:
        """Which variables each rule depends on, through the rules it calls as well."""
        needs: dict[str, frozenset[str]] = {name: frozenset() for name in self.rules}
        changed = True
        while changed:
            changed = False
            for name, rule in self.rules.items():
                found = {rule.form_variable} if rule.form_variable else set()
                for part in (part for parts in rule.alternatives for part in parts):
                    found |= self._part_needs(part, needs)
                if found != needs[name]:
                    needs[name] = frozenset(found)
                    changed = True
        return needs

    @staticmethod
    def _part_needs(part: Part, needs: Mapping[str, frozenset[str]]) -> set[str]:
        if isinstance(part, str):
            return {match[1] for match in VARIABLE.finditer(part)}
        named = {match[1] for match in VARIABLE.finditer(part.name)}
        pattern = re.compile(VARIABLE.sub(r"\\w+", part.name))
        inner: set[str] = set()
        for target, wanted in needs.items():
            if pattern.fullmatch(target):
                inner |= wanted
        for key, value in part.settings:
            if key in inner:
                named |= {match[1] for match in VARIABLE.finditer(value)}
        return named | (inner - {key for key, _ in part.settings})
