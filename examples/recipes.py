#!/usr/bin/env python3
"""Recipes to try data.mode: records on, and the share of a text's recipes that are whole.

    python examples/recipes.py make 2000 > recipes.txt
    charrnn sample runs/recipes --records 300 | python examples/recipes.py check

A recipe has a title, which names the dish and its first two ingredients; its ingredients; and
numbered steps, which use every ingredient once, in the order of the list, and end as the dish does.
A recipe is whole where all of that is so. Recipes are separated by blank lines.
"""

from __future__ import annotations

import re
import sys
from random import Random

ENDINGS = {
    "cake": "Bake for {} minutes.", "pie": "Bake for {} minutes.",
    "soup": "Simmer for {} minutes.", "stew": "Simmer for {} minutes.",
    "salad": "Serve cold.", "cream": "Chill for {} minutes.",
}  # fmt: skip
FOODS = {
    "apples": "Peel", "walnuts": "Chop", "eggs": "Beat", "flour": "Sift", "butter": "Melt",
    "onions": "Slice", "carrots": "Grate", "lentils": "Rinse", "honey": "Warm", "milk": "Warm",
    "beans": "Rinse", "almonds": "Chop", "potatoes": "Peel", "cheese": "Grate", "plums": "Halve",
}  # fmt: skip
AMOUNT = re.compile(r"- \d+ g ([a-z]+)")
TITLE = re.compile(r"([A-Z][a-z]+) and ([a-z]+) ([a-z]+)")


def recipe(random: Random) -> str:
    """One recipe, without a line end after its last line."""
    dish, foods = random.choice(list(ENDINGS)), random.sample(list(FOODS), random.randint(3, 5))
    steps = [f"{FOODS[food]} the {food}." for food in foods]
    steps.append(ENDINGS[dish].format(5 * random.randint(2, 12)))
    return "\n".join([
        f"{foods[0].capitalize()} and {foods[1]} {dish}",
        *(f"- {50 * random.randint(1, 9)} g {food}" for food in foods),
        *(f"{number}. {step}" for number, step in enumerate(steps, 1)),
    ])  # fmt: skip


def is_whole(text: str) -> bool:
    """Whether a text is one whole recipe."""
    title, *lines = text.split("\n")
    named = TITLE.fullmatch(title)
    foods = [found[1] for line in lines if (found := AMOUNT.fullmatch(line))]
    if named is None or named[3] not in ENDINGS or len(foods) < 3 or len({*foods}) < len(foods):
        return False
    steps = [f"{FOODS.get(food)} the {food}." for food in foods]
    expected = [f"{number}. {step}" for number, step in enumerate(steps, 1)]
    ending = re.escape(f"{len(steps) + 1}. {ENDINGS[named[3]]}").replace(r"\{\}", r"\d+")
    return (
        [named[1].lower(), named[2]] == foods[:2]
        and lines[len(foods) : -1] == expected
        and re.fullmatch(ending, lines[-1]) is not None
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
