#!/usr/bin/env python3
"""Recipes to try data.mode: records on, and the share of a text's recipes that are whole.

    python examples/recipes.py make 2000 > recipes.txt
    charrnn sample runs/recipes --records 300 | python examples/recipes.py check

A recipe has a title, which names the dish and its first two ingredients; its ingredients; and
numbered steps, of which the last is the dish's own, some hundred characters after the title. A
recipe is whole where all of that is so. Recipes are separated by blank lines.
"""

from __future__ import annotations

import re
import sys
from random import Random

ENDINGS = {
    "cake": "Bake until brown.", "soup": "Simmer until soft.", "salad": "Serve cold.",
    "cream": "Chill over night.",
}  # fmt: skip
FOODS = ("apples", "walnuts", "eggs", "butter", "onions", "lentils", "honey", "plums")
STEPS = ("Peel and chop.", "Melt in a pan.", "Stir well.", "Season to taste.", "Add some water.")
INGREDIENT = re.compile(r"- \d00 g ([a-z]+)")
TITLE = re.compile(r"([A-Z][a-z]+) and ([a-z]+) ([a-z]+)")


def recipe(random: Random) -> str:
    """One recipe, without a line end after its last line."""
    dish, foods = random.choice(list(ENDINGS)), random.sample(FOODS, random.randint(2, 4))
    steps = [*random.sample(STEPS, random.randint(1, 4)), ENDINGS[dish]]
    return "\n".join([
        f"{foods[0].capitalize()} and {foods[1]} {dish}",
        *(f"- {random.randint(1, 5)}00 g {food}" for food in foods),
        *(f"{number}. {step}" for number, step in enumerate(steps, 1)),
    ])  # fmt: skip


def is_whole(text: str) -> bool:
    """Whether a text is one whole recipe."""
    title, *lines = text.split("\n")
    named = TITLE.fullmatch(title)
    foods = [found[1] for line in lines if (found := INGREDIENT.fullmatch(line))]
    if named is None or named[3] not in ENDINGS or not {*foods} <= {*FOODS}:
        return False
    if [named[1].lower(), named[2]] != foods[:2]:
        return False
    steps = lines[len(foods) :]
    sentences = [*[STEPS] * (len(steps) - 1), (ENDINGS[named[3]],)]
    return len(steps) > 1 and all(
        step in [f"{number}. {sentence}" for sentence in possible]
        for number, (step, possible) in enumerate(zip(steps, sentences, strict=True), 1)
    )


def check(text: str) -> str:
    """How many of the recipes of a text are whole; its last may be cut, and does not count."""
    recipes = [found for found in re.split(r"\n(?:[ \t]*\n)+", text) if found.strip()]
    if not text.endswith("\n\n"):
        recipes = recipes[:-1]
    whole = sum(map(is_whole, (found.strip("\n") for found in recipes)))
    return f"{whole} of {len(recipes)} whole, {whole / max(len(recipes), 1):.1%}"


if __name__ == "__main__":
    if sys.argv[1:2] == ["make"]:
        random = Random(1)
        for _ in range(int(sys.argv[2])):
            print(recipe(random), end="\n\n")
    else:
        print(check(sys.stdin.read()))
