"""Write a corpus whose true entropy is known; the figures are printed on standard error."""

from __future__ import annotations

import argparse
import json
import sys
from math import log
from pathlib import Path
from random import Random

from corpora import counting, dyck, quickstart, reber
from corpora.measure import expectations

LETTERS = {"anbn": "ab", "anbncn": "abc"}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(description=__doc__)
    kinds = top.add_subparsers(dest="kind", required=True)
    command = {
        "quickstart": "the bundled corpus; its figures go to a .json file beside it",
        "reber": "embedded Reber strings, one a line",
        "reber-continual": "embedded Reber strings in one stream without separators",
        "anbn": "a^n b^n, one string a line",
        "anbncn": "a^n b^n c^n, one string a line",
        "dyck2": "balanced strings over ()[], one a line",
    }
    parts = {name: kinds.add_parser(name, help=text) for name, text in command.items()}
    for part in parts.values():
        part.add_argument("--seed", type=int, default=1)
        part.add_argument("--out", default="-", metavar="FILE|-")
    parts["quickstart"].add_argument("--scenes", type=int, default=quickstart.SCENES)
    parts["reber-continual"].add_argument("--characters", type=int, default=1_000_000)
    for name in ("reber", "anbn", "anbncn", "dyck2"):
        parts[name].add_argument("--count", type=int, default=10_000, help="number of lines")
    for name in LETTERS:
        parts[name].add_argument("--min-n", type=int, default=1)
        parts[name].add_argument("--max-n", type=int, default=10)
        parts[name].add_argument("--each", action="store_true", help="every n once, in order")
    parts["dyck2"].add_argument("--open", type=float, default=0.5, help="chance of opening")
    parts["dyck2"].add_argument("--max-depth", type=int, default=8)
    parts["dyck2"].add_argument("--max-length", type=int, default=100)
    return top


def make(args: argparse.Namespace) -> tuple[str, float, tuple[float, float] | None]:
    """The text, its bits, and the expected bits and characters of one part of it."""
    rng = Random(args.seed)
    if args.kind in LETTERS:
        letters = LETTERS[args.kind]
        text, bits = counting.strings(letters, rng, args.count, args.min_n, args.max_n, args.each)
        return text, bits, None if args.each else counting.expected(letters, args.min_n, args.max_n)
    if args.kind == "dyck2":
        limits = (args.open, args.max_depth, args.max_length)
        return *dyck.strings(rng, args.count, *limits), dyck.expected(*limits)
    grammar = reber.reber_grammar()
    bits, characters = expectations(grammar, grammar.symbol("embedded"))
    if args.kind == "reber":
        return *reber.strings(rng, args.count), (bits, characters + 1)
    return *reber.stream(rng, args.characters), (bits, characters)


def write(text: str, out: str) -> None:
    """To a file, or to standard output; new lines are left as they are."""
    if out == "-":
        sys.stdout.write(text)
    else:
        Path(out).write_bytes(text.encode("ascii"))


def report(name: str, bits: float, characters: float) -> None:
    """One figure in both units."""
    rate = bits / characters
    print(f"{name}: {rate:.6f} bits/char = {rate * log(2):.6f} nats/char", file=sys.stderr)


def make_quickstart(args: argparse.Namespace) -> None:
    """The bundled corpus, and its figures beside it."""
    text, found = quickstart.figures(args.seed, args.scenes)
    command = "python scripts/make_corpus.py quickstart --out data/quickstart.txt"
    if (args.seed, args.scenes) != (quickstart.SEED, quickstart.SCENES):
        command += f" --seed {args.seed} --scenes {args.scenes}"
    found["command"] = command
    write(text, args.out)
    shown = json.dumps(found, indent=2) + "\n"
    if args.out != "-":
        Path(args.out).with_suffix(".json").write_text(shown, encoding="ascii", newline="\n")
    sys.stderr.write(shown)


def main() -> None:
    """Run the command."""
    args = parser().parse_args()
    sys.setrecursionlimit(20_000)  # a scene's turns nest, one inside the one before
    try:
        if args.kind == "quickstart":
            make_quickstart(args)
            return
        text, bits, expected = make(args)
    except ValueError as error:
        sys.exit(f"make_corpus: {error}")
    write(text, args.out)
    print(f"characters: {len(text)}, vocabulary: {len(set(text))}", file=sys.stderr)
    if text:
        report("entropy of this text", bits, len(text))
    if expected is not None:
        report("expected entropy", *expected)


if __name__ == "__main__":
    main()
