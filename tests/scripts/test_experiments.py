"""The measures of the classical experiments, against definitions of their own."""

from __future__ import annotations

import sys
from math import inf
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn import build, config
from charrnn.data.vocabulary import Vocabulary

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from corpora import dyck, reber  # noqa: E402
from corpora.grammar import Grammar  # noqa: E402
from corpora.measure import Chart  # noqa: E402
from experiments import brackets, counting, embedded_reber  # noqa: E402
from experiments.tables import spread, table  # noqa: E402
from experiments.training import (  # noqa: E402
    CONFIGS,
    Model,
    legal_first,
    legal_mask,
    read_lines,
    read_stream,
)
from run_experiments import EXPERIMENTS  # noqa: E402

SEEDS = st.integers(0, 2**32)


def fresh_model(name: str, symbols: str, *sets: str) -> Model:
    """The untrained network of a configuration."""
    chosen, vocabulary = config.load(CONFIGS / f"{name}.yaml", sets), Vocabulary(sorted(symbols))
    network = build.network(chosen, vocabulary.K, np.float64)
    build.initialise(network, chosen)
    return Model(network, vocabulary)


# -- which symbols are legal, and which are the outer ones ------------------------------


@given(SEEDS)
@settings(max_examples=20, deadline=None)
def test_legal_successors_are_those_of_the_grammar(seed: int):
    line = reber.strings(Random(seed), 1)[0].strip()
    grammar = reber.reber_grammar()
    found = ["B", *embedded_reber.successors(line)[:-1]]
    for length, symbols in enumerate(found):
        legal = {symbol for symbol in "BTPSXVE" if _begins(grammar, line[:length] + symbol)}
        assert set(symbols) == legal, line[:length]


def _begins(grammar: Grammar, text: str) -> bool:
    """Whether a string of the grammar begins with the text, or is the text."""
    start = grammar.symbol("embedded")
    return any(Chart(grammar, text, prefix=cut).bits(start) < inf for cut in (True, False))


@given(SEEDS)
@settings(max_examples=20, deadline=None)
def test_outer_symbols_of_a_stream(seed: int):
    """Whole strings end where the lengths of the separate strings say."""
    lines = reber.strings(Random(seed), 30)[0].split()
    ends = np.cumsum([len(line) for line in lines])
    stream = "".join(lines) + "BTBTS"
    places = embedded_reber.outer_symbols(stream)
    assert places == [end - 2 for end in ends]
    assert [stream[place] for place in places] == [line[1] for line in lines]


def test_a_stream_goes_on_with_a_new_string():
    assert embedded_reber.successors("BPBTXSEPEB") == [
        "TP", "B", "TP", "SX", "XS", "E", "P", "E", "B", "TP",
    ]  # fmt: skip
    assert embedded_reber.successors_in_line("BTBTXSETE")[-3:] == ["T", "E", "\n"]


def test_held_out_strings_are_new_and_long_ones_are_long():
    seen = set(embedded_reber.lines_text(1).split())
    assert not seen & set(embedded_reber.held_out(1, 50))
    assert min(map(len, embedded_reber.held_out(1, 5, 25))) >= 25


def test_legal_first_asks_every_legal_symbol_to_beat_every_other():
    vocabulary = Vocabulary("abc")
    legal = legal_mask(vocabulary, ["ab", "ab", "c", "abc"])
    Z = np.array([[3, 2, 1], [3, 1, 2], [0, 1, 1], [0, 0, 0]], float)
    assert legal_first(Z, legal).tolist() == [True, False, False, True]


# -- reading ------------------------------------------------------------------------------


def test_lines_side_by_side_read_as_alone():
    model = fresh_model("reber-lstm", "\nBTPSXVE")
    lines = reber.strings(Random(1), 70)[0].split()
    for line, Z in zip(lines, read_lines(model, lines), strict=True):
        ids = model.vocabulary.encode("\n" + line, "error", "")[:, None]
        alone = model.network.logits(model.network.forward(ids, model.network.zero_state(1)))
        np.testing.assert_allclose(Z, alone[:, 0], rtol=0, atol=1e-12)


def test_a_stream_is_never_reset():
    model = fresh_model("continual-lstm1997", "BTPSXVE")
    text = reber.stream(Random(1), 5_000)[0]
    ids = model.vocabulary.encode(text, "error", "")[:, None]
    tape = model.network.forward(ids, model.network.zero_state(1))
    whole = model.network.logits(tape)[:, 0].copy()
    read = np.concatenate([logits for logits, _ in read_stream(model, text)])
    np.testing.assert_allclose(read, whole, rtol=0, atol=1e-9)


# -- counting -----------------------------------------------------------------------------


class Counter:
    """A made-up network that counts exactly up to `capacity`; its state is (a's, b's, c's)."""

    def __init__(self, vocabulary: Vocabulary, capacity: int, last: str) -> None:
        self.vocabulary, self.capacity, self.last = vocabulary, capacity, last

    def zero_state(self, B: int) -> np.ndarray:
        return np.zeros((1, 1, B, 3))

    def forward(self, x: np.ndarray, state: np.ndarray) -> np.ndarray:
        counts, Z = state[0, 0].copy(), np.zeros((*x.shape, self.vocabulary.K))
        for t, row in enumerate(x):
            for column, symbol in enumerate(row):
                name = self.vocabulary.symbols[symbol]
                if name != "\n":
                    counts[column, "abc".index(name)] += 1
                for rank, likely in enumerate(self._next(name, counts[column])):
                    Z[t, column, self.vocabulary.id(likely)] = 2 - rank
        self._after = counts[None, None]
        return Z

    def _next(self, name: str, counts: np.ndarray) -> str:
        if name in "\na":
            return "a" if name == "\n" else "ba"
        goal = min(counts[0], self.capacity)
        following = {"b": "c" if self.last == "c" else "\n", "c": "\n"}[name]
        return name if counts["abc".index(name)] < goal else following

    def logits(self, tape: np.ndarray) -> np.ndarray:
        return tape

    def state_after(self, tape: np.ndarray, t: int) -> np.ndarray:
        return self._after


@pytest.mark.parametrize("letters", ["ab", "abc"])
@pytest.mark.parametrize("capacity", [1, 7, 99, 100, 101, 130])
def test_largest_n_of_a_network_that_counts_so_far(letters: str, capacity: int):
    vocabulary = Vocabulary("\n" + letters)
    model = Model(Counter(vocabulary, capacity, letters[-1]), vocabulary)  # type: ignore[arg-type]
    assert counting.largest_n(model, letters, limit=120) == min(capacity, 120)


def right_by_definition(model: Model, letters: str, n: int) -> bool:
    """The criterion for one n, string by string and step by step."""
    line = "".join(letter * n for letter in letters)
    Z = read_lines(model, [line])[0]
    symbols = model.vocabulary.symbols
    for place, z in enumerate(Z):
        order = [symbols[index] for index in np.argsort(z)[::-1]]
        if 1 <= place <= n:
            if set(order[:2]) != {"a", "b"}:
                return False
        elif order[0] != (line + "\n")[place]:
            return False
    return True


def test_largest_n_is_what_the_criterion_says():
    """On random networks, of which some happen to process a few strings right."""
    found, sets = set(), ("model.hidden_size=6", "model.cell_output=identity")
    for seed in range(30):
        model = fresh_model("anbn-lstm", "\nab", *sets)
        rng = np.random.default_rng(seed)
        for view in model.network.params.values():
            view += rng.normal(0, 2, view.shape)
        largest = 0
        while largest < 5 and right_by_definition(model, "ab", largest + 1):
            largest += 1
        assert counting.largest_n(model, "ab", limit=5) == largest
        found.add(largest)
    assert len(found) > 1


# -- brackets -----------------------------------------------------------------------------


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_far_closings_by_matching_pairs(seed: int):
    line = dyck.string(Random(seed), 0.5, 6, 60)[0]
    expected = []
    for place, symbol in enumerate(line):
        if symbol in ")]":
            start = max(s for s in range(place) if _balanced(line[s : place + 1]))
            if place - start > 1:
                before = line[: start + 1]
                expected.append((place, sum(1 if c in "([" else -1 for c in before)))
    assert brackets.far_closings(line) == expected


def _balanced(text: str) -> bool:
    while text and text != (text := text.replace("()", "").replace("[]", "")):
        pass
    return not text


@pytest.mark.parametrize("depth", [1, 2, 9])
def test_nests(depth: int):
    text = brackets.nest(Random(depth), depth)
    assert _balanced(text)
    assert text[:depth].strip("([") == ""
    assert [d for _, d in brackets.far_closings(text)] == list(range(depth - 1, 0, -1))


# -- tables, configurations -----------------------------------------------------------------


def test_tables():
    assert spread([99.96, 100.0], ".1f") == "100.0"
    assert spread([99.9, 100.0], ".1f") == "99.9 · 100.0"
    assert table([["a", "b"], ["1", "2"]]) == "| a | b |\n|---|---|\n| 1 | 2 |"


def test_every_configuration_belongs_to_an_experiment():
    named = {
        f"{experiment.name}-{cell}"
        for family in EXPERIMENTS.values()
        for experiment in family
        for cell in experiment.cells
    }
    assert named == {path.stem for path in CONFIGS.glob("*.yaml")}


def test_cells_of_the_continual_experiment_differ_in_the_forget_gate_alone():
    settings = [
        config.load(CONFIGS / f"continual-{cell}.yaml").model_dump()
        for cell in ("lstm", "lstm1997")
    ]
    assert [values["model"].pop("forget_gate") for values in settings] == [True, False]
    assert settings[0] == settings[1]


def test_the_continual_run_ends_within_its_first_pass_over_the_stream():
    for cell in ("lstm", "lstm1997"):
        assert config.load(CONFIGS / f"continual-{cell}.yaml").train.epochs == 1
