"""`charrnn report`: what is in the page, and the page in a browser.

The browser is Chromium, driven by scripts/browser.py; where there is none those tests are skipped.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import math
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.cli.main import main
from charrnn.errors import DataError, MissingExtraError
from charrnn.pages import embedded
from charrnn.report.figures.curves import picture
from charrnn.report.figures.style import require_drawable
from charrnn.report.html.curves import Curves, buckets, packed
from charrnn.report.html.page import report
from charrnn.report.html.reader import pack
from charrnn.report.html.runs import POINTS, open_run
from charrnn.runtime.installation import install_command
from tests.conftest import PATIENCE, ROOT, TEXT
from tests.helpers.runs import finish, start

sys.path.insert(0, str(ROOT / "scripts"))
from browser import Browser, find

HOSTILE = '</script><script>alert(1)</script><!-- "\x01\t\u2028é😀 & <b>'
SMALL = [
    "bptt.k1=8", "train.batch_size=4", "train.eval_every=10", "train.sample_length=30",
    "train.log_every=1", "runtime.kernels=numpy",
]  # fmt: skip
needs_browser = pytest.mark.skipif(find() is None, reason="no Chromium on this machine")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Tiny runs on a hostile text: an LSTM of two layers, GRUs, an RNN of lines."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "text.txt").write_text(TEXT[:600] + HOSTILE + TEXT, encoding="utf-8")

    def run(*args):
        return subprocess.run(
            [sys.executable, "-m", "charrnn", *map(str, args)], cwd=folder, capture_output=True,
            text=True, encoding="utf-8", timeout=PATIENCE, env={**os.environ,
            "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip

    lstm = ["model.hidden_size=6", "data.split=[0.5,0.5,0]", "optim.grad_clip=0.4"]
    sets = [part for key in [*SMALL, *lstm] for part in ("--set", key)]
    done = run("train", "--text", "text.txt", "--out", "lstm", "--steps", 40, "-q", *sets)
    assert done.returncode == 0, done.stderr
    for name, steps, *more in [
        ("gru & <i>", 40, "model.cell=gru"),
        ("train", 3, "model.cell=gru", "data.split=[1,0,0]"),
        ("lines", 20, "model.cell=rnn", "data.mode=lines"),
    ]:
        finish(start(folder / "text.txt", folder / name, [*SMALL, *more], steps))
    return folder, run


@pytest.fixture(scope="module")
def written(runs):
    """The page of two runs."""
    folder, run = runs
    done = run("report", "lstm", "gru & <i>", "--out", "two.html")
    assert (done.returncode, done.stdout) == (0, "two.html\n"), done.stderr
    return folder / "two.html"


def data_of(path):
    """The data of a page, as a browser would find it."""

    class Finder(HTMLParser):
        found, inside = "", False

        def handle_starttag(self, tag, attributes):
            self.inside = ("id", "data") in attributes

        def handle_data(self, text):
            self.found += text if self.inside else ""

    finder = Finder()
    finder.feed(path.read_text(encoding="utf-8"))
    return json.loads(finder.found)


def test_the_page_holds_what_the_run_logged(runs, written):
    folder, run = runs
    first, second = data_of(written)["runs"]
    assert (first["name"], second["name"]) == ("lstm", "gru & <i>")
    lines = [json.loads(line) for line in (folder / "lstm/metrics.jsonl").open()]
    for name in ("train_loss", "learning_rate", "grad_norm", "chars_per_second", "val_loss"):
        expected = [[line["step"], line[name]] for line in lines if line.get(name) is not None]
        np.testing.assert_allclose(first["curves"][name], expected, 1e-5)
    assert len(first["curves"]["val_loss"]) == 4
    above = [line["grad_norm"] > 0.4 for line in lines if line.get("grad_norm")]
    assert first["clipped"] == pytest.approx(sum(above) / len(above))
    assert [sample["step"] for sample in first["samples"]] == [10, 20, 30, 40]
    assert all(len(sample["text"]) == 30 for sample in first["samples"])
    assert first["config"] == (folder / "lstm/config.yaml").read_text()
    stored = run("inspect", "lstm", "--format", "json").stdout
    assert dict(first["facts"])["parameters"] == f"{json.loads(stored)['parameters']:,}"


def test_the_reader_holds_the_validation_text_and_what_the_model_makes_of_it(runs, written):
    folder, run = runs
    reader = data_of(written)["reader"]
    text = (folder / "text.txt").read_text(encoding="utf-8")
    shown = "".join(reader["symbols"][str(i)] for i in reader["ids"])
    part = text[int(len(text) * 0.5 + 1e-9) :]
    assert shown == part[:2000]
    assert reader["ranked_over"] == len(part)
    (folder / "part.txt").write_text(text[: len(text) - len(part) + 2000], encoding="utf-8")
    done = run("score", "lstm", "part.txt", "--per", "char", "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    nats = [json.loads(line)["nats"] for line in done.stdout.splitlines()][-2000:]
    # The command reads the text from its beginning, the page 512 characters of it before.
    np.testing.assert_allclose(reader["nats"][1:], nats[1:], atol=2e-3)
    for at in (0, 1000, 1998):
        p = dict(zip(reader["next"][at], reader["p"][at], strict=True))
        if reader["ids"][at + 1] in p:
            expected = math.exp(-reader["nats"][at + 1])
            assert p[reader["ids"][at + 1]] == pytest.approx(expected, abs=2e-3)


def test_every_unit_of_the_ranking_is_in_the_page(written):
    reader = data_of(written)["reader"]
    names = [feature["name"] for feature in reader["features"]]
    assert names[:4] == ["quotes", "brackets", "position in line", "indentation"]
    for feature in reader["features"]:
        scores = [abs(r) for *_, r, _ in feature["best"]]
        assert scores == sorted(scores, reverse=True)
        assert 0 < scores[0] <= 1
        for layer, letter, unit, r, auc in feature["best"]:
            q = next(q for q in reader["layers"][layer]["quantities"] if q["letter"] == letter)
            row = reader["layers"][layer]["units"].index(unit)
            values = np.frombuffer(base64.b64decode(q["bytes"]), np.int8).reshape(-1, 2000)[row]
            if len(reader["ids"]) == reader["ranked_over"]:
                found = np.corrcoef(values, feature["values"])[0, 1]
                assert found == pytest.approx(r, abs=0.03)
            assert (auc is not None) == feature["yes_no"]
            assert auc is None or (auc > 0.5) == (r > 0)


@pytest.fixture(scope="module")
def browser():
    """A browser for pages that only have to open; None where there is none."""
    if find() is None:
        yield None
        return
    with Browser() as opened:
        yield opened


@pytest.mark.parametrize("kind", ["lines", "no text", "no steps", "first damaged", "no validation"])
def test_pages_of_other_runs(runs, kind, tmp_path, monkeypatch, browser):
    monkeypatch.chdir(runs[0])
    path = tmp_path / "run"
    shutil.copytree({"lines": "lines", "no validation": "train"}.get(kind, "gru & <i>"), path)
    if kind == "no text":
        monkeypatch.setattr("charrnn.report.html.page.load_corpus", gone)
    if kind == "no steps":
        (path / "metrics.jsonl").unlink()
        (path / "samples.txt").unlink()
    if kind == "first damaged":
        (path / "checkpoints/step-000000000.safetensors").write_bytes(b"nothing")
    said = []
    page = tmp_path / "page.html"
    page.write_bytes(report([open_run(path)], said.append))
    data = data_of(page)
    assert ("missing" in data["reader"]) == ("missing" in data["flow"]) == (kind == "no text")
    assert bool(said) == (kind == "no text")
    assert len(data["sample"]["ids"]) == 801
    if kind == "first damaged":
        assert data["flow"]["at"][0]["when"] == "as initialised from the seed"
    if kind == "no validation":
        assert data["reader"]["part"] == "training"
    if browser is not None:
        browser.open(page)
        assert browser.js("document.documentElement.dataset.ready") == "yes"
        assert browser.problems() == []


def gone(*_):
    raise DataError("no such file")


@pytest.mark.parametrize(
    ("code", "said", "args"),
    [
        (2, "is about a run's folder", ["lstm/checkpoints/best.safetensors"]),
        (4, "no such run", ["nowhere"]),
        (4, "is not a run", ["empty"]),
        (4, "cannot be written", ["lstm", "--out", "no/such/folder.html"]),
        (2, ".png, .pdf, .svg", ["lstm", "--png", "curve.txt"]),
        (2, "Missing argument", []),
    ],
)
def test_mistakes_are_told(runs, monkeypatch, capsys, code, said, args):
    monkeypatch.chdir(runs[0])
    (runs[0] / "empty").mkdir(exist_ok=True)
    monkeypatch.setattr(sys, "argv", ["charrnn", "report", *args])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    assert said in capsys.readouterr().err


def test_the_same_run_gives_the_same_page(runs, written):
    _, run = runs
    done = run("report", "lstm", "gru & <i>", "--out", "-")
    assert done.stdout == written.read_text(encoding="utf-8")


NUMBERS = st.floats(-1e9, 1e9)


@given(st.lists(st.tuples(st.integers(0, 10**6), NUMBERS), min_size=1), st.integers(1, 50))
def test_buckets_keep_the_extremes_and_the_mean(rows, count):
    rows.sort(key=lambda row: row[0])
    steps, values = np.array([s for s, _ in rows]), np.array([v for _, v in rows])
    points = buckets(steps, values, count)
    assert len(points) <= max(count + 1, 1)
    at, low, high, mean = map(np.array, zip(*points, strict=True))
    assert low.min() == pytest.approx(values.min(), rel=1e-5)
    assert high.max() == pytest.approx(values.max(), rel=1e-5)
    assert (np.diff(at) >= 0).all()
    assert set(at.tolist()) <= set(steps.tolist())
    margin = 1e-5 * np.abs(np.stack([low, high])).max(axis=0) + 1e-9
    assert ((mean >= low - margin) & (mean <= high + margin)).all()


def test_a_hundred_thousand_lines_stay_small():
    rng = np.random.default_rng(0)
    names = ("train_loss", "learning_rate", "grad_norm", "chars_per_second", "seconds", "epoch")
    rows = zip(range(1, 100_001), rng.random((100_000, len(names))).tolist(), strict=True)
    curves = Curves({"step": step, **dict(zip(names, row, strict=True))} for step, row in rows)
    series = [packed(buckets(*curves.column(name), POINTS)) for name in names[:4]]
    assert all(len(points) > POINTS / 2 for points in series)
    assert len(embedded([series, curves.clock()])) < 1_000_000


JUNK = st.one_of(st.none(), st.text(), st.integers(), st.floats(), st.lists(st.integers()))


@given(st.lists(st.fixed_dictionaries({"step": st.integers(), "seconds": st.floats()},
                optional={"train_loss": JUNK, "epoch": JUNK, "grad_norm": JUNK})))  # fmt: skip
def test_whatever_lines_hold_is_json(lines):
    curves = Curves(lines)
    points = buckets(*curves.column("train_loss"), 10)
    json.dumps([points, curves.clock()], allow_nan=False)


@given(st.integers(0, 2**32 - 1))
def test_seriesactivations_are_within_half_a_step(seed):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((7, 3)) * [1e-3, 1, 100]
    packed = pack(values, None)
    back = np.frombuffer(base64.b64decode(packed["bytes"]), np.int8).reshape(3, 7).T
    error = np.abs(back / 127 * packed["scale"] - values) / packed["scale"]
    assert error.max() <= 0.5 / 127 + 1e-5


@pytest.fixture(scope="module")
def page(written):
    with Browser() as browser:
        browser.open(written)
        yield browser
        assert browser.problems() == []
        # Nothing but the file itself was asked for.
        asked = {url for url in browser.requests() if not url.startswith("data:")}
        assert asked == {written.resolve().as_uri()}


@needs_browser
class TestInBrowser:
    def test_every_part_is_drawn(self, page):
        assert page.js("document.documentElement.dataset.ready") == "yes"
        for part in ("curves", "samples", "flow", "reader", "sampled", "measured", "configuration"):
            assert page.js(f"document.querySelector('#{part} .body').textContent.length") > 40, part
        lines = "document.querySelectorAll('#curves .plot').length"
        assert page.js(lines) == 4
        drawn = "p => p.querySelectorAll('g path').length"
        page.wait(lambda: page.js(f"[...document.querySelectorAll('.plot')].every({drawn})"))
        # 2 layers at the start and after training
        assert page.js("document.querySelectorAll('#flow .plot g path').length") == 4
        assert page.js("document.querySelectorAll('#cards dd').length") == 5

    def test_no_text_runs_as_code(self, page, written):
        assert page.js("document.scripts.length") == 2
        assert page.js("document.querySelector('h1').textContent") == "lstm, gru & <i>"
        assert page.js("document.querySelectorAll('main b, main i').length > 0")
        shown = page.js("document.querySelector('#configuration summary + pre').textContent")
        assert "hidden_size: 6" in shown

    def test_nothing_is_wider_than_a_phone(self, page):
        page.resize(390, 844)
        assert page.js("document.documentElement.scrollWidth") <= 390
        page.resize(1280, 900)

    def colours(self, page):
        spans = "[...document.querySelectorAll('#reader .text span')]"
        return page.js(f"{spans}.map(span => span.style.backgroundColor)")

    def test_another_unit_recolours_the_text(self, page):
        before = self.colours(page)
        assert len(set(before)) > 10
        page.js("document.querySelector('[aria-label=\"Next unit\"]').click()")
        second = self.colours(page)
        assert second != before
        page.js("document.querySelectorAll('#reader .units button')[9].click()")
        pressed = "document.querySelectorAll('.tracks [aria-pressed=true]').length"
        assert page.js(pressed) >= 1
        assert self.colours(page) != second
        page.js("document.querySelector('#reader [data-value=surprise]').click()")
        assert self.colours(page) not in (before, second)
        assert page.js(pressed) == 0

    def test_colours_are_the_activations(self, page, written):
        reader = data_of(written)["reader"]
        layer, letter, unit, *_ = reader["features"][2]["best"][0]
        page.js("[...document.querySelectorAll('.tracks tr:nth-child(3) button')][0].click()")
        q = next(q for q in reader["layers"][layer]["quantities"] if q["letter"] == letter)
        row = reader["layers"][layer]["units"].index(unit)
        values = np.frombuffer(base64.b64decode(q["bytes"]), np.int8).reshape(-1, 2000)[row]
        found = [list(map(int, re.findall(r"\d+", c))) for c in self.colours(page)]
        for value, (r, _, b) in zip(values.tolist(), found, strict=True):
            if abs(value) > 20:  # blue below zero, orange above
                assert (b > r) == (value < 0)

    def test_pointing_at_a_character_tells_what_was_expected(self, page, written):
        reader = data_of(written)["reader"]
        page.js("document.getElementById('reader').scrollIntoView({behavior: 'instant'})")
        box = page.box("#reader [data-i='7']")
        page.mouse("mouseMoved", box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        about = page.js("document.querySelector('#reader .about').textContent")
        assert "character 8 of 2000" in about
        assert f"surprise {reader['nats'][7]:.2f} nats" in about
        assert page.js("document.querySelectorAll('#reader .bars b').length") == 6

    def test_arrow_keys_move_among_characters_and_units(self, page):
        about = "document.querySelector('#reader .about').textContent"
        page.js("document.querySelector('#reader .text').focus()")
        page.key("Home")
        assert "character 1 of" in page.js(about)
        page.key("ArrowRight")
        page.key("ArrowRight")
        assert "character 3 of" in page.js(about)
        line = "document.querySelector('#reader .here').offsetTop"
        top = page.js(line)
        page.key("ArrowDown")
        assert page.js(line) > top
        page.key("ArrowUp")
        assert page.js(line) == top
        page.key("End")
        assert "character 2000 of" in page.js(about)
        page.js("document.querySelector('.tracks .units button').focus()")
        page.key("ArrowRight")
        before = self.colours(page)
        page.key("Enter")
        assert self.colours(page) != before
        assert page.js("document.activeElement.getAttribute('aria-pressed')") == "true"

    def test_focus_is_seen_and_goes_everywhere(self, page):
        page.js("document.getElementById('theme').focus()")
        seen = set()
        for _ in range(16):
            page.key("Tab")
            assert page.js("getComputedStyle(document.activeElement).outlineStyle") != "none"
            seen.add(page.js("[...document.querySelectorAll('*')].indexOf(document.activeElement)"))
        assert len(seen) == 16
        reached = "document.querySelector('#curves').contains(document.activeElement)"
        assert page.js(reached)
        unnamed = page.js(
            "[...document.querySelectorAll('button, select, input')].filter(e => !e.textContent && "
            "!e.ariaLabel && !e.labels?.length).length"
        )
        assert unnamed == 0

    def test_zooming_by_mouse_and_by_keyboard(self, page):
        path = "document.querySelector('#curves .plot g path[fill=none]').getAttribute('d')"
        whole = page.js(path)
        page.js("document.querySelector('#curves .plot').scrollIntoView({block: 'center', "
                "behavior: 'instant'})")  # fmt: skip
        x, y, w, h = page.box("#curves .plot").values()
        page.mouse("mousePressed", x + 0.3 * w, y + h / 2)
        page.mouse("mouseMoved", x + 0.5 * w, y + h / 2)
        page.mouse("mouseReleased", x + 0.6 * w, y + h / 2)
        zoomed = page.js(path)
        assert zoomed != whole
        page.js("document.querySelector('#curves .plot').focus()")
        page.key("0")
        assert page.js(path) == whole
        page.key("+")
        assert page.js(path) not in (whole, zoomed)
        page.key("0")
        page.key("ArrowRight")
        said = page.js("document.querySelector('#curves .readout').textContent")
        assert re.match(r"update \d+: lstm, training [\d.]+ nats = [\d.]+ bits", said)

    def test_light_and_dark(self, page):
        ground = "getComputedStyle(document.body).backgroundColor"
        before = self.colours(page)
        page.resize(1280, 900, dark=True)
        page.wait(lambda: self.colours(page) != before)  # the page is told at its next frame
        dark, painted = page.js(ground), self.colours(page)
        page.resize(1280, 900)
        page.wait(lambda: self.colours(page) == before)
        light = page.js(ground)
        assert dark != light
        page.js("document.getElementById('theme').click()")
        assert page.js(ground) == dark
        assert self.colours(page) == painted
        page.js("document.getElementById('theme').click()")
        assert page.js(ground) == light
        assert self.colours(page) != painted


@pytest.mark.skipif(find_spec("matplotlib") is None, reason="no matplotlib on this machine")
def test_pictures(runs, monkeypatch):
    folder, run = runs
    done = run("report", "lstm", "gru & <i>", "--png", "loss.SVG")
    assert (done.returncode, done.stdout) == (0, "loss.SVG\n"), done.stderr
    assert not (folder / "lstm/report.html").exists()
    drawn = (folder / "loss.SVG").read_text(encoding="utf-8")
    for text in ("nats per character", "bits per character", "updates", "lstm: validation"):
        assert text in drawn
    opened = [open_run(folder / "lstm")]
    assert picture(opened, Path("loss.png")).startswith(b"\x89PNG")
    pdf = picture(opened, Path("loss.pdf"))
    assert pdf.startswith(b"%PDF")
    assert pdf == picture(opened, Path("loss.pdf"))


@pytest.mark.skipif(find_spec("matplotlib") is None, reason="no matplotlib on this machine")
@pytest.mark.parametrize(
    "name", ["a $x^{ b$", "$", r"\$\frac$", "_hidden", "é \udce9 \x1b[1m", "a\nb"]
)
def test_a_name_is_drawn_as_it_is(runs, name, tmp_path):
    found = open_run(runs[0] / "lstm")
    others = [dataclasses.replace(found, name=name), dataclasses.replace(found, name="other")]
    drawn = picture(others, tmp_path / "a.svg").decode()
    shown = name.replace("\udce9", "\ufffd").replace("\x1b", "\ufffd")
    for line in shown.split("\n"):
        assert line in drawn
    picture(others, tmp_path / "a.png")


@pytest.mark.parametrize("raised", ["OSError('no library')", "AttributeError('no x')"])
def test_a_matplotlib_that_is_broken_is_named(raised, tmp_path, monkeypatch):
    (tmp_path / "matplotlib").mkdir()
    (tmp_path / "matplotlib" / "__init__.py").write_text(f"raise {raised}\n")
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtraError, match=f"this one raises {raised.split('(')[0]}"):
        require_drawable(tmp_path / "a.png", "png")


def test_matplotlib_is_an_extra(runs, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=re.escape(install_command("plot"))):
        picture([open_run(runs[0] / "lstm")], Path("loss.png"))
