"""The page computes and writes what the program does: by the real page, in Chromium.

One browser opens a page after another; without Chromium the numbers of the file are tested alone.
"""

from __future__ import annotations

import json
import re
import sys
import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from charrnn import build, config
from charrnn.api.exporting import export
from charrnn.api.loaded import LoadedModel
from charrnn.api.sampling import prepare_sampler
from charrnn.data.layout import layout_of
from charrnn.data.utf8 import as_text
from charrnn.data.vocabulary import UNKNOWN, Vocabulary
from charrnn.errors import CheckpointError, Notice, UsageError
from charrnn.export.html import page as html_page
from charrnn.export.html.packing import quantise, restored
from charrnn.inference.mixture.counting import NUMPY_COUNTING
from charrnn.inference.mixture.kernels import NumPyMixture
from charrnn.inference.mixture.model import Mixture
from charrnn.storage.checkpoint import Checkpoint, read, write
from charrnn.storage.metadata import Metadata
from tests.conftest import ROOT
from tests.helpers.checkpoints import META
from tests.helpers.variants import VARIANTS

sys.path.insert(0, str(ROOT / "scripts"))
from browser import Browser, find

TEXT = (ROOT / "data" / "quickstart.txt").read_text(encoding="utf-8")[:2000]
# What a page must hold without being changed or hurt by it.
HOSTILE = "</script><!--&amp;\u2028\u2029\"'`\\"
UNSHOWN = "\ud800\r\x00"
LENGTH = 50
needs_browser = pytest.mark.skipif(find() is None, reason="no Chromium on this machine")


def model_of(folder, sets=(), text=TEXT, H=7, spread=1.0, name="model", order=None) -> LoadedModel:
    """A model of random parameters in a checkpoint, beside an n-gram if an order is given."""
    chosen = config.load(None, [f"model.hidden_size={H}", "runtime.kernels=numpy", *sets])
    symbols = text.encode().decode("latin-1") if chosen.data.unit == "byte" else text
    layout = layout_of(chosen.data)
    end = layout.boundary or ""
    symbols = end + layout.symbols(symbols, "text") + end
    vocabulary = Vocabulary.of(symbols, chosen.data.unit)
    if chosen.data.min_count > 1:
        vocabulary = Vocabulary([*vocabulary.symbols, UNKNOWN], chosen.data.unit, UNKNOWN)
    network = build.network(chosen, vocabulary.K, for_inference=True)
    build.initialise(network, chosen)
    flat = network.params.flat
    flat += spread * np.random.default_rng(0).standard_normal(len(flat)).astype(flat.dtype)
    if chosen.model.cell_output == "identity" or chosen.model.activation == "relu":
        # h may grow without end, and float32 with it: nothing of 1e-5 is left of such logits.
        for key, view in network.params.items():
            if key[-1] in "UV":
                view *= 0.1
    path = folder / f"{name}.safetensors"
    symbols_of = {"unit": vocabulary.unit, "symbols": list(vocabulary.symbols)}
    meta = META | {"step": 0, "config": chosen.model_dump(mode="json"), "vocabulary": symbols_of}
    write(path, Checkpoint(dict(network.params), Metadata.of(meta)))
    model = LoadedModel(path, read(path))
    if order is not None:
        ids = vocabulary.encode(symbols)
        model._mixture = mixture_of(ids, vocabulary.K, layout.boundary_id(vocabulary), order)
    return model


def mixture_of(ids, K, boundary, order) -> Mixture:
    """An n-gram of the ids, and weights that have learned something."""
    sequences = [ids]
    if boundary is not None:
        ends = np.flatnonzero(ids == boundary)
        sequences = [ids[a : b + 1] for a, b in pairwise(ends.tolist())]
    lengths = np.array([len(sequence) for sequence in sequences])
    whole = np.concatenate(sequences)
    mixture = Mixture.fitted(whole, lengths, K, order, NUMPY_COUNTING, NumPyMixture())
    scorer = mixture.scorer()
    scorer.score(np.random.default_rng(1).standard_normal((100, K)), ids[500:600])
    return mixture.with_weights(scorer.weights)


def data_of(page: bytes):
    found = re.search(rb'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(found[1])


@pytest.fixture(scope="module")
def browser():
    with Browser(1280, 900) as opened:
        yield opened


def show(browser, folder, model, precision="exact", use=None):
    """Open the model's page, and wait until it is ready."""
    path = folder / "page.html"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Notice)
        export(model, "html", path, precision, use)
    browser.open(path)
    ready = "document.documentElement.dataset.ready === 'yes'"
    browser.wait(lambda: browser.js(ready) or browser.problems())
    assert browser.problems() == []
    return path


def probabilities(browser, primes):
    """p (n, K) after each of some texts, by the page."""
    return np.array(browser.js(f"{json.dumps(primes)}.map((text) => charrnn.probabilities(text))"))


def written(browser, prime, **chosen):
    seed = f"seed: {chosen.pop('seed', 1)}n"
    names = {"top_k": "topK", "top_p": "topP"}
    more = "".join(f", {names.get(name, name)}: {value}" for name, value in chosen.items())
    return browser.js(f"charrnn.continuation({json.dumps(prime)}, {{{seed}{more}}})")


def expected(model, prime, **chosen):
    """What the program writes after a prime."""
    sampler = prepare_sampler(model, model.symbols(prime, "prime"), **chosen)
    return as_text(sampler.layout.shown("".join(sampler.stream())), sampler.vocabulary.unit)


def after(model, prime, **chosen):
    """p (K,) after a prime, by the program."""
    sampler = prepare_sampler(model, model.symbols(prime, "prime"), length=0, **chosen)
    return sampler.next_characters()[0]


def assert_the_same(browser, model, primes):
    """Probabilities after each prime, and what is written after it at temperature 0."""
    found = probabilities(browser, primes)
    for p, prime in zip(found, primes, strict=True):
        np.testing.assert_allclose(p, after(model, prime), rtol=0, atol=1e-5)
    for prime in primes[-2:]:
        chosen = {"length": LENGTH, "temperature": 0}
        assert written(browser, prime, **chosen) == expected(model, prime, **chosen)


@needs_browser
def test_every_cell_and_option(browser, tmp_path):
    primes = ["", "T", TEXT[:40], TEXT[300:470]]
    for name, sets in VARIANTS.items():
        if "truncated" in name:  # is another way back, and the same way forward
            continue
        model = model_of(tmp_path, [*sets, f"model.num_layers={1 + len(name) % 3}"])
        show(browser, tmp_path, model)
        try:
            assert_the_same(browser, model, primes)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error


ODD = "naïveÓ “日本” \U0001f600 <b>&amp;</b>\n"
KINDS = {
    "lines": ["data.mode=lines", "model.cell=gru"],
    "bytes": ["data.unit=byte", "model.cell=gru"],
    "bytes, lines": ["data.unit=byte", "data.mode=lines", "model.num_layers=1"],
    "records": ["data.mode=records", "data.separator=blank", "model.cell=gru"],
    "byte records": ["data.mode=records", "data.separator=Ó", "data.unit=byte"],
    "rare characters": ["data.min_count=2", "model.cell=rnn"],
}


@needs_browser
@pytest.mark.parametrize("order", [None, 9])
def test_every_kind_of_text_with_and_without_an_ngram(browser, tmp_path, order):
    text = TEXT + ODD
    for kind, sets in KINDS.items():
        if order and kind not in ("lines", "bytes", "byte records"):
            continue  # nothing of an n-gram is their own
        model = model_of(tmp_path, sets, text, order=order)
        show(browser, tmp_path, model)
        primes = [*(text[50 : 50 + n] for n in range(0, 60, 6)), ODD, ODD.strip(), "The\nlam"]
        assert_the_same(browser, model, primes)
        for chosen in ({"seed": 5}, {"seed": 2**64 - 1, "top_k": 3, "temperature": 1.5},
                       {"seed": 0, "top_p": 0.6, "temperature": 0.7}):  # fmt: skip
            chosen["length"] = 100
            assert written(browser, "The ", **chosen) == expected(model, "The ", **chosen)


@needs_browser
def test_a_page_of_8_bits_multiplies_by_the_weights_restored(browser, tmp_path):
    model = model_of(tmp_path)
    show(browser, tmp_path, model, "small")
    params = model._network.params
    for name, view in params.items():
        if name[-1] in "WUV":
            view[...] = restored(*quantise(view))
    assert_the_same(browser, model, ["", TEXT[:60]])


class TestFile:
    def test_the_same_model_gives_the_same_bytes(self, tmp_path):
        model = model_of(tmp_path)
        assert export(model, "html", None, None, None) == export(model, "html", None, None, None)

    @pytest.mark.parametrize("sets", [[], ["model.cell=gru", "model.num_layers=1"]])
    def test_small_is_at_most_one_and_a_half_bytes_a_parameter(self, tmp_path, sets):
        model = model_of(tmp_path, sets, H=200)
        size = model._network.params.flat.size
        assert size > 100_000
        small = len(export(model, "html", None, None, None))
        assert small < 200_000 + 1.5 * size
        assert small > size
        assert len(export(model, "html", None, "exact", None)) > 4 * size

    def test_what_stands_in_it_is_data(self, tmp_path):
        name = "</title><script>alert(1)</script>"
        model = model_of(tmp_path, text=TEXT + HOSTILE + UNSHOWN, name="x")
        model.path = tmp_path / name / "checkpoints" / "best.safetensors"
        page = export(model, "html", None, None, None)
        assert page.count(b"<script") == 2
        assert page.count(b"</script") == 2
        assert data_of(page)["points"] == [ord(symbol) for symbol in model.vocabulary.symbols]

    def test_nothing_is_asked_for(self, tmp_path):
        page = export(model_of(tmp_path), "html", None, None, None).decode()
        page = page.replace("http://www.w3.org/2000/svg", "")  # a name
        policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
        assert policy.startswith("default-src 'none'; script-src 'sha256-")
        assert "connect-src" not in policy
        assert not re.search(r"https?://|\bsrc=|@import|fetch\(|XMLHttp|WebSocket", page)

    @given(arrays(np.float32, (5, 3), elements=st.floats(-1e6, 1e6, width=32)), st.booleans())
    def test_8_bits_are_within_half_a_step(self, weights, turned):
        weights = weights.T if turned else weights
        q, scale, axis = quantise(weights)
        assert len(scale) == 3
        steps = scale if axis else scale[:, None]
        assert (np.abs(restored(q, scale, axis) - weights) <= 0.5001 * steps + 1e-30).all()

    def test_weights_beyond_float32_are_refused(self, tmp_path):
        model = model_of(tmp_path, ["runtime.dtype=float64"])
        model._network.params["output.V"][0, 0] = 1e300
        with pytest.raises(CheckpointError, match=r"output\.V is not finite in float32"):
            export(model, "html", None, None, None)

    def test_an_ngram_that_is_too_large_is_left_out_or_refused(self, tmp_path, monkeypatch):
        model = model_of(tmp_path, order=3)
        with pytest.warns(Notice, match="holds the training text"):
            page = export(model, "html", None, None, None)
        assert data_of(page)["mixture"]["order"] == 3
        alone = export(model, "html", None, None, "network")
        assert data_of(alone)["mixture"] is None
        monkeypatch.setattr(html_page, "MAX_TEXT", 1000)
        with pytest.warns(Notice, match="it has the network alone"):
            assert export(model, "html", None, None, None) == alone
        with pytest.raises(UsageError, match="2,000 characters, and a page has room for"):
            export(model, "html", None, None, "mixture")

    @pytest.mark.parametrize("option", [{"precision": "exact"}, {"use": "network"}])
    def test_options_of_a_page_are_for_a_page(self, tmp_path, option):
        chosen = {"precision": None, "use": None} | option
        with pytest.raises(UsageError, match="is for"):
            export(model_of(tmp_path), "torch", None, **chosen)


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    path = folder / "a & <b>.html"
    model = model_of(folder, ["model.num_layers=2"], TEXT + HOSTILE, H=9, order=4)
    with pytest.warns(Notice, match="holds the training text"):
        export(model, "html", path, "exact", None)
    before = len(browser.requests())
    browser.open(path)
    browser.wait(lambda: browser.js("document.documentElement.dataset.ready"))
    browser.js("document.getElementById('pace').value = '0'")
    yield model
    assert browser.problems() == []
    asked = {url for url in browser.requests()[before:] if not url.startswith("data:")}
    assert asked == {path.resolve().as_uri()}


@needs_browser
class TestPage:
    """What a reader does: one page, whose text each test begins anew."""

    @pytest.fixture
    def page(self, browser, opened):
        set_values(browser, length=40, seed=1, temperature=1)
        browser.js("{ const t = document.getElementById('text'); t.value = ''; t.focus();"
                   "t.dispatchEvent(new Event('input')) }")  # fmt: skip
        browser.wait(lambda: shown(browser) == "")
        return browser

    def test_typing_and_writing_by_keyboard(self, page, opened):
        page.call("Input.insertText", text="The lamp")
        page.wait(lambda: where(page) == "after “The lamp”")
        names = page.js("[...document.querySelectorAll('#bars b')].map((b) => b.textContent)")
        p = after(opened, "The lamp")
        best = opened.vocabulary.symbols[int(p.argmax())]
        assert names[0] == {" ": "␣", "\n": "↵"}.get(best, best)
        assert page.js("document.querySelector('#bars .share').textContent").endswith("%")
        page.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter",
                  windowsVirtualKeyCode=13, modifiers=2)  # fmt: skip
        wait_until_written(page)
        assert shown(page) == "The lamp" + expected(opened, "The lamp", length=40, seed=1)
        assert page.js("document.getElementById('text').value") == shown(page)
        assert "40 characters, " in status(page)

    def test_going_on_from_an_edited_text_and_back(self, page, opened):
        page.call("Input.insertText", text="The lamp")
        write_on(page)
        first = shown(page)
        page.call("Input.insertText", text="\nOWEN")  # at the caret, which is at the end
        page.wait(lambda: where(page).endswith("OWEN”"))
        set_values(page, seed=7, temperature=0)
        write_on(page)
        prime = first + "\nOWEN"
        assert shown(page) == prime + expected(opened, prime, length=40, temperature=0)
        page.js("document.getElementById('undo').click()")
        assert shown(page) == prime
        set_values(page, seed=3, temperature=1)
        write_on(page)
        before = shown(page)
        page.js("document.getElementById('another').click()")
        wait_until_written(page, begun=True)
        assert shown(page) == prime + expected(opened, prime, length=40, seed=4) != before

    def test_settings_are_those_of_sample(self, page, opened):
        set_values(
            page, length=80, temperature=0.7, **{"top-k": 5, "top-p": 0.9, "seed": 2**64 - 1}
        )
        page.call("Input.insertText", text="A ")
        write_on(page)
        chosen = {"temperature": 0.7, "top_k": 5, "top_p": 0.9, "seed": 2**64 - 1}
        assert shown(page) == "A " + expected(opened, "A ", length=80, **chosen)
        # The slider's keys, and what it says.
        page.js("document.getElementById('temperature').focus()")
        page.key("ArrowRight")
        assert page.js("document.querySelector('output[for=temperature]').textContent") == "0.75"
        set_values(page, **{"top-k": "", "top-p": 1, "stop-before": "e"})
        write_on(page)
        assert "e" not in shown(page)[82:]
        set_values(page, **{"stop-before": "", "seed": "none"})
        assert page.js("document.getElementById('seed').getAttribute('aria-invalid')") == "true"

    def test_stop(self, page):
        set_values(page, length=100000)
        page.js("document.getElementById('write').click()")
        page.wait(lambda: len(shown(page)) > 10)
        assert page.js("document.getElementById('text').readOnly")
        page.key("Escape")
        wait_until_written(page, begun=True)
        assert 10 < len(shown(page)) < 100000

    def test_the_caret_shows_what_was_expected_there(self, page, opened):
        page.call("Input.insertText", text="The lamp")
        page.wait(lambda: where(page) == "after “The lamp”")
        page.js("document.getElementById('text').setSelectionRange(3, 3)")
        page.wait(lambda: where(page) == "after “The”")
        nats = -np.log(after(opened, "Th")[opened.vocabulary.id("e")])
        assert f"{nats:.2f} nats" in page.js("document.getElementById('about').textContent")
        page.js("document.querySelector('#bars button').click()")
        page.wait(lambda: len(shown(page)) == 9)
        assert shown(page)[:3] + shown(page)[4:] == "The lamp"

    def test_characters_that_it_does_not_know(self, page):
        page.call("Input.insertText", text="Thé “lamp” is 火")
        page.wait(lambda: "does not know 火" in status(page))
        lacking = "[...document.querySelectorAll('#mirror .lacking')].map((s) => s.textContent)"
        assert page.js(lacking) == ["火"]  # the others have something like them

    def test_colours(self, page, opened):
        page.call("Input.insertText", text="The lamp")
        write_on(page)
        colours = (
            "[...document.querySelectorAll('#mirror span')].map((s) => s.style.backgroundColor)"
        )
        surprise = page.js(colours)
        assert len(set(surprise)) > 5
        page.js("document.querySelector('[data-value=unit]').click()")
        page.wait(lambda: page.js(colours) != surprise)
        about = "document.getElementById('about').textContent"
        page.wait(lambda: "unit 0:" in page.js(about))
        options = "[...document.getElementById('letter').options].map((o) => o.value)"
        assert page.js(options) == ["h", "s", "i", "f", "o", "g"]
        for letter, layer in (("h", 1), ("s", 0), ("f", 1), ("g", 0)):
            set_values(page, letter=letter, layer=layer, unit=4)
            value = activation(opened, shown(page), layer, letter, 4)
            said = f"unit 4: {value:.3f}".replace("-", "−")
            page.wait(lambda said=said: said in page.js(about))
        page.js("document.getElementById('next').click()")
        page.wait(lambda: "unit 5:" in page.js(about))
        page.js("document.querySelector('[data-value=none]').click()")
        page.wait(lambda: set(page.js(colours)) == {""})
        page.js("document.querySelector('[data-value=surprise]').click()")
        page.wait(lambda: page.js(colours) == surprise)

    def test_a_long_text_is_read_between_frames_whatever_is_done_meanwhile(self, page, opened):
        text = TEXT * 2
        page.call("Input.insertText", text=text)  # takes several frames
        write_on(page)
        whole = text + expected(opened, text, length=40, seed=1)
        assert shown(page) == whole
        for mode, unit in (("unit", 1), ("unit", 2), ("surprise", 0)):
            page.js(f"document.querySelector('[data-value={mode}]').click()")
            set_values(page, unit=unit)
        page.wait(lambda: status(page) == "" and shown(page) == whole)

    def test_the_ngram_is_mixed_in_by_its_weight(self, page, opened):
        page.call("Input.insertText", text="The lam")
        set_values(page, say=0)
        alone = after(opened, "The lam", use="network")
        page.wait(lambda: np.abs(probabilities(page, ["The lam"])[0] - alone).max() < 1e-5)
        set_values(page, say=1)
        both = after(opened, "The lam")
        page.wait(lambda: np.abs(probabilities(page, ["The lam"])[0] - both).max() < 1e-5)
        assert np.abs(both - alone).max() > 0.01

    def test_phone_dark_and_labels(self, page):
        ground = "getComputedStyle(document.body).backgroundColor"
        light = page.js(ground)
        page.resize(390, 844, dark=True)
        assert page.js("document.documentElement.scrollWidth") <= 390
        assert page.js(ground) != light
        unnamed = page.js(
            "[...document.querySelectorAll('button, select, input, textarea')].filter((e) => "
            "!e.textContent.trim() && !e.ariaLabel && !e.labels?.length).map((e) => e.id)"
        )
        assert unnamed == []
        small = page.js(
            "[...document.querySelectorAll('.actions button')].filter((e) => "
            "e.getBoundingClientRect().height < 40).length"
        )
        assert small == 0
        page.resize(1280, 900)

    def test_the_field_and_its_colours_break_lines_alike(self, page):
        text = "a" * 200 + " lamp  and\tthe\n\n   " + "word, " * 60
        page.call("Input.insertText", text=text)
        page.wait(lambda: shown(page) == text)
        for width in (1280, 390):
            page.resize(width, 900)
            heights = page.js(
                "['mirror', 'text'].map((id) => document.getElementById(id).scrollHeight)"
            )
            assert heights[0] == heights[1]
        page.resize(1280, 900)


SET = """{
  const field = document.getElementById(%s);
  field.value = %s;
  for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, {bubbles: true}));
}"""


def set_values(page, **values):
    for name, value in values.items():
        page.js(SET % (json.dumps(name), json.dumps(str(value))))


def shown(page) -> str:
    return page.js("document.getElementById('mirror').textContent").removesuffix("\u200b")


def where(page) -> str:
    return page.js("document.getElementById('where').textContent")


def status(page) -> str:
    return page.js("document.getElementById('status').textContent")


def wait_until_written(page, begun=False):
    label = "document.getElementById('write').textContent"
    page.wait(lambda: page.js(label) == "Write on" and " a second" in status(page))


def write_on(page):
    page.js("document.getElementById('status').textContent = ''")
    page.js("document.getElementById('write').click()")
    wait_until_written(page)


def activation(model, text, layer, letter, unit) -> float:
    """A unit's value after a text, by the network's own tape."""
    network = model.network()
    beginning = model.beginning()
    ids = np.concatenate([[beginning.id], model.vocabulary.encode(text)])
    tape = network.forward(ids[:, None], beginning.state)
    cell, own = network.cells[layer], tape.cells[layer]
    if letter in cell.state_names:
        return float(own.states[cell.state_names.index(letter)][-1, 0, unit])
    return float(cell.gate_values(own)[letter][-1, 0, unit])
