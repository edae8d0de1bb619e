r"""The notation in which the probabilistic grammars are written.

    name:                     a rule; its alternatives follow, indented
      3~ first | second       divided by ``|`` or by lines; ``3~`` is a weight (1 if absent)
      & goes on               a line that begins with ``&`` continues the one above
    name~:                    weights fall slowly with rank, as 1/(rank + 200)
    name(n):                  the variable ``n`` picks the form of every inflected word

In an alternative ``<rule>`` is replaced by that rule, ``<a rule>`` puts a or an before it,
``<^rule>`` makes its first letter a capital, ``<rule x=1 y={z}>`` sets variables, ``<kind_{x}>``
takes the rule's name from a variable.  ``{x}`` is the value of a variable, ``{x.it}`` an
attribute of that value.  ``one/two`` lists forms, ``walk*`` stands for the five of a regular
verb (``hum**`` if the last letter is doubled) and ``lamp+`` for the two of a regular noun.
``\n`` is a new line, ``\t`` two spaces, ``\s`` one space and ``\0`` nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

REF = re.compile(r"<(\^?)(a )?([A-Za-z_]*(?:\{\w+\})?)((?: \w+=[^ >]+)*)>")
VARIABLE = re.compile(r"\{(\w+)(?:\.(\w+))?\}")
_HEADER = re.compile(r"(\w+)(~?)(?:\((\w+)\))?:$")
_FORMS = re.compile(r"[A-Za-z']+(?:/[A-Za-z']+)+|[A-Za-z]+(?:\*{1,2}|\+)")
_ESCAPES = {r"\n": "\n", r"\t": "  ", r"\s": " ", r"\0": ""}


@dataclass(frozen=True)
class Call:
    """A reference to a rule inside an alternative."""

    capital: bool
    article: bool
    name: str
    settings: tuple[tuple[str, str], ...]


Part = str | Call


@dataclass(frozen=True)
class Rule:
    """The alternatives of one rule with whole-number weights."""

    form_variable: str | None
    weights: tuple[int, ...]
    alternatives: tuple[tuple[Part, ...], ...]


def with_article(text: str) -> str:
    """Put a or an before a word, by its sound."""
    vowel = re.match(r"[aei]|o(?!ne\b)|u(?!se|ni)|hour|hone|heir", text, re.IGNORECASE)
    return ("an " if vowel else "a ") + text


def regular_noun(word: str) -> list[str]:
    """Singular and plural."""
    if re.search(r"(s|x|ch|sh)$", word):
        return [word, word + "es"]
    if re.search(r"[^aeiou]y$", word):
        return [word, word[:-1] + "ies"]
    return [word, word + "s"]


def regular_verb(word: str, double: bool = False) -> list[str]:
    """Plain, third person, past, -ing and participle; the last letter may be doubled."""
    third = regular_noun(word)[1]
    if double:
        stem = word + word[-1]
        return [word, third, stem + "ed", stem + "ing", stem + "ed"]
    if word.endswith("e"):
        return [word, third, word + "d", word[:-1] + "ing", word + "d"]
    past = word[:-1] + "ied" if re.search(r"[^aeiou]y$", word) else word + "ed"
    return [word, third, past, word + "ing", past]


def inflect(text: str, form: int) -> str:
    """Choose one form of every inflected word in a literal."""

    def pick(match: re.Match[str]) -> str:
        word = match.group()
        if word.endswith("*"):
            return regular_verb(word.rstrip("*"), word.endswith("**"))[form]
        if word.endswith("+"):
            return regular_noun(word[:-1])[form]
        return word.split("/")[form]

    return _FORMS.sub(pick, text)


def split(text: str) -> tuple[Part, ...]:
    """Cut an alternative into literals and calls."""
    parts: list[Part] = []
    at = 0
    for match in REF.finditer(text):
        parts.append(text[at : match.start()])
        pairs = [item.partition("=") for item in match.group(4).split()]
        settings = tuple((key, value) for key, _, value in pairs)
        parts.append(Call(bool(match[1]), bool(match[2]), match[3], settings))
        at = match.end()
    parts.append(text[at:])
    if any(isinstance(part, str) and re.search(r"[<>~&|]", part) for part in parts):
        raise ValueError(f"grammar: cannot read {text!r}")
    return tuple(part for part in parts if part != "")


def parse(source: str) -> dict[str, Rule]:
    """Read rules; refuse a rule that is given twice or that repeats an alternative."""
    collected: dict[str, tuple[bool, str | None, list[str]]] = {}
    current: list[str] = []
    for line in source.splitlines():
        if not line.strip():
            continue
        header = _HEADER.match(line)
        if header:
            if header[1] in collected:
                raise ValueError(f"grammar: rule {header[1]!r} is given twice")
            current = []
            collected[header[1]] = (bool(header[2]), header[3], current)
        elif line.strip().startswith("&"):
            current[-1] += " " + line.strip()[1:].strip()
        else:
            current.extend(item.strip() for item in line.split("|") if item.strip())
    return {name: _rule(name, *rest) for name, rest in collected.items()}


def _rule(name: str, falling: bool, variable: str | None, lines: list[str]) -> Rule:
    weights: list[int] = []
    alternatives: list[tuple[Part, ...]] = []
    for rank, line in enumerate(lines):
        match = re.match(r"(\d+)~ ", line)
        weights.append(int(match[1]) if match else 60000 // (rank + 200) if falling else 1)
        text = line[match.end() :] if match else line
        for escape, plain in _ESCAPES.items():
            text = text.replace(escape, plain)
        alternatives.append(split(text))
    if not lines or len(set(alternatives)) < len(alternatives):
        raise ValueError(f"grammar: rule {name!r} is empty or repeats an alternative")
    return Rule(variable, tuple(weights), tuple(alternatives))
