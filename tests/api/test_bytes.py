"""Models of bytes: what they are shown and compared by is characters."""

from __future__ import annotations

import json
import re
from math import log

import numpy as np
import pytest
from click.testing import CliRunner

import charrnn
from charrnn.api.sampling import prepare_sampler
from charrnn.cli.main import cli
from charrnn.data.utf8 import as_text, phase_after
from charrnn.errors import UsageError

TEXT = "今天天气很好，我们去公园散步。\ncafé au lait\n" * 40
SMALL = {"data.unit": "byte", "model.hidden_size": 8, "model.num_layers": 1,
         "train.batch_size": 4, "bptt.k1": 16, "train.sample_length": 40}  # fmt: skip


@pytest.fixture(scope="module", params=["stream", "lines"])
def run(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bytes")
    (folder / "t.txt").write_text(TEXT, encoding="utf-8")
    settings = SMALL | {"data.mode": request.param, "data.split": [0.8, 0.2, 0.0]}
    return charrnn.train(files=folder / "t.txt", settings=settings, steps=3, out=folder / "run")


def invoke(*args, stdin=None):
    done = CliRunner().invoke(cli, [*map(str, args)], input=stdin)
    assert done.exit_code == 0, done.output
    return done


def test_eval_has_bits_per_character_of_the_text(run):
    result = run.model().evaluate()
    lines = run.model().config.data.mode == "lines"
    text = TEXT.encode()
    part = text[int(len(text) * 0.8) :]
    if not lines:
        assert result.chars == len(part)
        assert result.characters_of_text == sum(b & 0xC0 != 0x80 for b in part)
    else:
        # Lines of 16 characters in 46 bytes, and of 13 in 14.
        first = (13 * result.chars - 14 * result.characters_of_text) / (13 * 46 - 14 * 16)
        assert first.is_integer()
        assert 16 * first <= result.characters_of_text
    bits = result.nats_per_char * result.chars / result.characters_of_text / log(2)
    values = json.loads(invoke("eval", run, "--format", "json").stdout)
    assert values["bits_per_character_of_text"] == pytest.approx(bits)
    assert values["unit"] == "byte"
    said = invoke("eval", run).stdout
    assert "bits per byte" in said
    assert f"{bits:.4f} bits per character of the text" in said
    whole = run.model().evaluate(split="all")
    assert whole.characters_of_text == len(TEXT) - (not lines)


def test_scores_are_of_characters(run):
    text = "天 \xe9" + "a\n今\n"
    bytewise = invoke("score", run, "--per", "byte", "--format", "jsonl", stdin=text).stdout
    rows = [json.loads(row) for row in bytewise.splitlines()]
    assert bytes(row["byte"] for row in rows) == text.encode()
    shown = invoke("score", run, "--per", "char", "--format", "jsonl", stdin=text).stdout
    at = 0
    for row, c in zip(map(json.loads, shown.splitlines()), text, strict=True):
        own = rows[at : at + len(c.encode())]
        at += len(own)
        assert row["char"] == c
        assert row["nats"] == pytest.approx(sum(r["nats"] for r in own))
    scores = run.model().score(text)
    assert (scores.text, scores.chars) == (text, len(text))
    assert scores.total == pytest.approx(sum(row["nats"] for row in rows))
    assert [line.chars for line in scores.lines()] == [5, 2]
    table = invoke("score", run, stdin=text).stdout.splitlines()
    assert [line.split("\t")[-1] for line in table] == ["text", "天 \xe9a", "今"]
    assert [line.split("\t")[1] for line in table] == ["chars", "5", "2"]
    (whole,) = invoke("score", run, "--per", "file", "--format", "jsonl", stdin=text).stdout.split(
        "\n"
    )[:-1]
    found = json.loads(whole)
    assert (found["chars"], found["bytes"]) == (len(text), len(text.encode()))


def test_what_is_no_character_is_shown_as_such(run):
    found = invoke("score", run, "--format", "jsonl", stdin="天a".encode()[1:] + b"\n").stdout
    assert json.loads(found)["text"] == "\ufffd\ufffda"
    assert json.loads(found)["chars"] == 4
    samples = (run.path / "samples.txt").read_text(encoding="utf-8")
    assert "\xe4" not in samples  # a byte that is taken for Latin-1
    text = json.loads(invoke("sample", run, "--length", 30, "--format", "json", "--seed", 1).stdout)
    raw = CliRunner().invoke(cli, ["sample", str(run.path), "--length", "30", "--seed", "1"])
    assert text["text"] == as_text(raw.stdout_bytes.decode("latin-1"), "byte")


def test_a_sample_is_valid_where_that_is_asked_for(run):
    args = ("sample", run, "--valid", "--temperature", 1.5, "--seed", 3, "--length")
    one, more = (CliRunner().invoke(cli, [*map(str, args), n]).stdout_bytes for n in ("50", "80"))
    assert more.startswith(one)
    assert 50 <= len(one) <= 53
    assert len(more.decode())
    text = "".join(run.model().sample(length=50, temperature=1.5, seed=3, valid=True))
    assert text == one.decode()
    row = invoke(*args, 50, "--count", 2, "--format", "json").stdout.splitlines()[0]
    assert json.loads(row)["text"] == text
    denied = CliRunner().invoke(cli, [*map(str, args), "5", "--allow", "\xe9", "--forbid", "\xe9"])
    assert isinstance(denied.exception, UsageError)


def test_a_search_ends_with_a_whole_character(run):
    model = run.model()
    for length in (7, 8, 9):
        text = "".join(model.sample(beam=3, length=length, valid=True, errors="strict"))
        assert length <= len(text.encode()) <= length + 3
    with pytest.raises(UsageError, match="no valid character"):
        model.sample(beam=3, valid=True, allow=b"\xe4")
    sampler = prepare_sampler(model, "", length=2, allow="今")
    texts = [text for text, _ in sampler.likeliest(100, 100)]
    assert "今".encode() in [text.encode("latin-1") for text in texts]
    assert {len(text) for text in texts if phase_after(text[:2]) == 0} == {2}


def test_a_model_of_characters_has_no_bytes(tmp_path):
    (tmp_path / "t.txt").write_text(TEXT, encoding="utf-8")
    settings = SMALL | {"data.unit": "char", "train.sample_length": 0}
    run = charrnn.train(files=tmp_path / "t.txt", settings=settings, steps=1, out=tmp_path / "r")
    done = CliRunner().invoke(cli, ["score", str(run), "--per", "byte"], input="a")
    assert done.exit_code != 0
    result = run.model().evaluate()
    assert result.bits_per_character_of_text == pytest.approx(result.bits_per_char)
    with pytest.warns(charrnn.Notice, match="valid has no effect"):
        plain = "".join(run.model().sample(length=20, seed=1, valid=True))
    assert plain == "".join(run.model().sample(length=20, seed=1))
    assert np.isfinite(result.bits_per_char)


def test_the_report_shows_characters(run, tmp_path):
    charrnn.write_report(run, out=tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    shown = re.search(r'"shown":\s*(\[.*?\])', page)
    found = json.loads(shown[1])
    assert set("".join(found)) <= {*TEXT, "\ufffd"}
    for c, *after in zip(found, found[1:], found[2:], strict=False):
        assert c.isascii() or c in "é\ufffd" or after == ["", ""]
