"""`charrnn.analysis.units`: what characters are, what units do, and which unit tracks what."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn import build, config
from charrnn.analysis.gradcheck.cases import reference_of
from charrnn.analysis.units.activations import Block, activations, quantities, rows_of
from charrnn.analysis.units.features import Feature, features
from charrnn.analysis.units.ranking import Ranking, auc
from charrnn.data.corpus import load_corpus
from charrnn.data.vocabulary import Vocabulary
from tests.conftest import TEXT

TEXTS = st.text('ab A("[)]\u201c\u201d\n\t', max_size=60)


def by_name(text: str, **more) -> dict[str, Feature]:
    return {feature.name: feature for feature in features(text, **more)}


def marks(text: str, name: str, **more) -> str:
    """A feature of yes and no as a row of marks under the text."""
    return "".join("^" if value else "." for value in by_name(text, **more)[name].values)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("quotes", 'a "b c" d', "..^^^^..."),
        ("quotes", 'a "b\n\nc d "e"', "..........^^."),  # not from one paragraph to the next
        ("quotes", "a “b” c", "..^^..."),
        ("brackets", "a (b [c] d) e)", ".." + "^" * 8 + "...."),
        ("brackets", "(a] b) c", "^^^^^..."),
        ("brackets", "(a [b) (c", "^^^^^...."),  # those without a partner are left out
        ("word end", "ab c, d", ".^.^..."),
        ("upper case", "Ab É", "^..^"),
    ],
)
def test_features_of_yes_and_no(name, text, expected):
    assert marks(text, name) == expected


def test_lines_are_closed_texts():
    assert marks('("a\nb)c"d"', "quotes", boundary="\n") == ".......^^."
    assert "brackets" not in by_name("(a\nb)", boundary="\n")


def test_counted_features():
    found = by_name("  ab\n\t c d\ne")
    assert found["position in line"].values.tolist() == [1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 0, 1]
    assert found["indentation"].values.tolist() == [1, 2, 2, 2, 0, 1, 2, 2, 2, 2, 0, 0]
    assert found["position in word"].values.tolist() == [0, 0, 1, 2, 0, 0, 0, 1, 0, 1, 0, 1]


@given(TEXTS)
def test_features_of_any_text(text):
    for feature in features(text):
        assert feature.values.shape == (len(text),)
        assert len(set(feature.values.tolist())) > 1
        if feature.yes_no:
            assert set(feature.values.tolist()) == {0, 1}


@given(TEXTS)
def test_brackets_are_what_removing_pairs_from_the_inside_finds(text):
    text = re.sub(r"[\[\]]", "", text)  # one kind of bracket, for which the rule is plain
    rest, inside = list(text), [False] * len(text)
    while match := re.search(r"\([^()]*\)", "".join(rest)):
        for index in range(match.start(), match.end()):
            inside[index] |= index < match.end() - 1
            rest[index] = "."
    found = by_name(text).get("brackets")
    assert (found.values.tolist() if found else [0] * len(text)) == inside


CELLS = {
    "rnn": ["model.cell=rnn"],
    "lstm": ["model.cell=lstm"],
    "1997": ["model.cell=lstm", "model.forget_gate=false"],
    "peepholes": ["model.cell=lstm", "model.peepholes=true"],
    "gru": ["model.cell=gru"],
}


@pytest.fixture(params=[(cell, mode) for cell in CELLS for mode in ("stream", "lines")],
                ids="-".join)  # fmt: skip
def model(request, text_file):
    cell, mode = request.param
    settings = config.load(None, [
        "model.hidden_size=4", "model.num_layers=2", "runtime.dtype=float64",
        f"data.text={text_file}", f"data.mode={mode}", "data.split=[0.6,0.4,0]", *CELLS[cell],
    ])  # fmt: skip
    corpus = load_corpus(settings.data)
    network = build.network(settings, corpus.vocabulary.K)
    build.initialise(network, settings)
    return settings, corpus, network


def stretches(rows):
    return np.stack([rows.first, rows.begin, rows.stop], axis=1).tolist()


def collected(network, corpus, rows):
    """All that is read, in the order of the text."""
    n = int((rows.stop - rows.begin).sum())
    p = np.full((n, network.K), np.nan)
    values = [
        {q.letter: np.full((n, network.H), np.nan) for q in quantities(c)} for c in network.cells
    ]
    for block in activations(network, corpus.ids, rows):
        assert np.isnan(p[block.at]).all(), "read twice"
        p[block.at] = block.p
        for own, new in zip(values, block.values, strict=True):
            assert set(own) <= set(new)
            for letter, array in own.items():
                array[block.at] = new[letter]
    assert not np.isnan(p).any(), "left out"
    return p, values


def test_what_units_do_is_what_the_reference_says(model):
    settings, corpus, network = model
    rows = rows_of(corpus, "val", 150)
    p, values = collected(network, corpus, rows)
    reference, at = reference_of(settings), 0
    for first, begin, stop in stretches(rows):
        ids = np.asarray(corpus.ids[first:stop])[:, None]
        y = np.append(ids[1:], ids[:1], axis=0)
        E, states = reference.losses(dict(network.params), ids, y, network.zero_state(1))
        skip, n = begin - first, stop - begin
        here = slice(at, at + n)
        np.testing.assert_allclose(-np.log(p[here][np.arange(n), y[skip:, 0]]), E[skip:, 0], 1e-9)
        for layer, own in enumerate(values):
            for slot, letter in enumerate("hs"[: len(states[0][layer])]):
                expected = [state[layer][slot][0] for state in states[skip:]]
                np.testing.assert_allclose(own[letter][here], expected, 1e-8, 1e-11)
        at += n


def test_gates_are_those_that_make_the_state(model):
    settings, corpus, network = model
    rows = rows_of(corpus, "val", 60)[:1]
    _, values = collected(network, corpus, rows)
    for own in values:
        h = own["h"]
        if settings.model.cell == "lstm":
            s, f = own["s"], own.get("f", np.ones_like(h))[1:]
            np.testing.assert_allclose(h, own["o"] * np.tanh(s), 1e-9)
            np.testing.assert_allclose(s[1:], f * s[:-1] + (own["i"] * own["g"])[1:], 1e-8, 1e-12)
        elif settings.model.cell == "gru":
            u, n = own["u"][1:], own["n"][1:]
            np.testing.assert_allclose(h[1:], (1 - u) * n + u * h[:-1], 1e-8, 1e-12)


@pytest.mark.filterwarnings("error")
def test_a_network_that_explodes_is_read(text_file):
    settings = config.load(None, ["model.cell=rnn", "model.activation=relu", "model.num_layers=1",
                                  "model.hidden_size=4", f"data.text={text_file}"])  # fmt: skip
    corpus = load_corpus(settings.data)
    network = build.network(settings, corpus.vocabulary.K)
    network.params.flat[:] = 100
    p, values = collected(network, corpus, rows_of(corpus, "val", 200))
    assert np.isfinite(p).all()
    assert np.isfinite(values[0]["h"]).all()
    assert values[0]["h"].max() > 1e30


def test_rows_are_the_beginning_of_the_part(model):
    settings, corpus, _ = model
    rows = rows_of(corpus, "val", 300)
    assert (rows.stop - rows.begin).sum() == 300
    if settings.data.mode == "stream":
        start, _ = corpus.rows["val"][0].tolist()
        assert rows.begin.tolist() == [start]
        assert rows.first.tolist() == [start - 512]
    else:
        for first, begin, stop in stretches(rows):
            assert corpus.vocabulary.symbols[corpus.ids[first]] == "\n"
            assert first == begin
            assert "\n" not in corpus.vocabulary.decode(corpus.ids[first + 1 : stop])


@given(st.integers(0, 2**32 - 1), st.integers(2, 40))
def test_the_score_is_the_correlation(seed, n):
    rng = np.random.default_rng(seed)
    found = [
        Feature("a", "", True, np.arange(n) % 2.0),
        Feature("b", "", False, rng.standard_normal(n).cumsum()),
    ]
    h = rng.standard_normal((n, 3)).astype(np.float32) * [1, 100, 0] + [5, 0, 7]
    ranking = Ranking(found)
    order = rng.permutation(n)
    for part in np.array_split(order, 3):
        ranking.add(Block(part, [{"h": h[part]}], np.zeros((len(part), 1))))
    r = ranking.r()[0, "h"]
    for row, feature in zip(r, found, strict=True):
        expected = [np.corrcoef(h[:, unit], feature.values)[0, 1] for unit in (0, 1)]
        np.testing.assert_allclose(row, [*expected, 0], atol=1e-6)


def test_the_best_unit_is_found_once_by_its_best_letter():
    n = 200
    rng = np.random.default_rng(0)
    target = rng.random(n) < 0.3
    h, s = rng.standard_normal((2, n, 5))
    h[:, 3], s[:, 3] = 0.5 * rng.standard_normal(n) + target, 0.1 * rng.standard_normal(n) - target
    h[:, 1] += 0.5 * target
    ranking = Ranking([Feature("it", "", True, target.astype(float))])
    ranking.add(Block(np.arange(n), [{"h": h, "s": s}], np.zeros((n, 1))))
    first, second = ranking.best(2)[0]
    assert (first.layer, first.letter, first.unit) == (0, "s", 3)
    assert first.r < -0.9
    assert second.unit != 3


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2))
def test_auc_is_the_share_of_pairs(rows):
    values, yes = (np.array(column) for column in zip(*rows, strict=True))
    pairs = [(v, w) for v in values[yes] for w in values[~yes]]
    if pairs:
        share = np.mean([(v > w) + (v == w) / 2 for v, w in pairs])
        assert auc(values, yes.astype(float)) == pytest.approx(share)


def test_a_text_of_the_bundled_kind_has_every_feature():
    names = set(by_name(TEXT))
    assert names == {"quotes", "brackets", "position in line", "indentation", "position in word",
                     "word end", "upper case"}  # fmt: skip
    assert Vocabulary.of(TEXT).K < 60
