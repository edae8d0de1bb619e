"""Records against a plain reading of what separates them, whatever pieces a text comes in."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn import config
from charrnn.config.schema import RECORD_END, DataConfig
from charrnn.data.corpus import load_corpus
from charrnn.data.layout import ENDS, SEPARATES, Records, layout_of
from charrnn.errors import DataError

LINE_FORM = "\n%\n"
TEXTS = st.text("ab% \t\r\n\n\n", max_size=40)


def bare(record: str) -> str:
    """Without line ends before and after it."""
    return re.sub(r"^[\r\n]*\n", "", record.rstrip("\r\n"))


def by_lines(text: str, separates) -> list[str]:
    records, record = [], []
    for line in [*text.split("\n"), None]:
        if line is None or separates(line.rstrip(" \t\r")):
            records.append("\n".join(record))
            record = []
        else:
            record.append(line)
    return records


def expected(text: str, separator: str) -> list[str]:
    if separator == "blank":
        records = by_lines(text, lambda line: not line)
    elif separator == LINE_FORM:
        records = by_lines(text, lambda line: line == "%")
    else:
        records = [text] if separator == "file" else text.split(separator)
    return [bare(record) for record in records if record.strip(" \t\r\n")]


def in_pieces(text: str, cuts: list[int]) -> list[str]:
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    return [text[a:b] for a, b in pairwise(places) if a < b]


@pytest.mark.parametrize("separator", ["blank", "file", "%", "%%", LINE_FORM])
@given(texts=st.lists(TEXTS, min_size=1, max_size=3), cuts=st.lists(st.integers(0, 40)))
def test_records_are_what_stands_between_separators(separator, texts, cuts):
    files = [in_pieces(text, cuts) for text in texts]
    found = "".join(Records(separator).framed(files, "text"))
    records = [record for text in texts for record in expected(text, separator)]
    assert found == RECORD_END + "".join(record + RECORD_END for record in records)


@pytest.mark.parametrize("separator", ["blank", "file", "%", LINE_FORM])
@given(text=TEXTS, cuts=st.lists(st.integers(0, 40)))
def test_what_is_scored_is_what_is_learned(separator, text, cuts):
    layout = Records(separator)
    pieces = list(layout.whole(in_pieces(text, cuts), "text"))
    assert "".join(pieces).removesuffix("\n") == text.removesuffix("\n")
    scored = ""
    for piece in pieces:
        places = layout.places(piece).tolist()
        kept = [(c, p) for c, p in zip(piece, places, strict=True) if p != SEPARATES]
        scored += "".join(RECORD_END if p == ENDS else c for c, p in kept)
    assert RECORD_END + scored == "".join(layout.framed([[text]], "text"))


@given(text=st.text("a\r\n", max_size=20), cuts=st.lists(st.integers(0, 20)))
def test_line_ends_as_lf(text, cuts):
    layout = layout_of(DataConfig(newlines="lf"))
    found = "".join(layout.framed([in_pieces(text, cuts)], "text"))
    assert found == re.sub("\r\n?", "\n", text)


def test_written_records_are_read_again():
    records = ["a\n b", "c"]
    for separator in ("blank", "%", LINE_FORM, "\0", "<|end|>"):
        layout = Records(separator)
        shown = layout.shown("".join(record + RECORD_END for record in records))
        assert expected(shown, separator) == records


@pytest.mark.parametrize("mode", ["records", "lines", "stream"])
def test_a_text_cannot_hold_the_end_of_a_record(tmp_path, mode):
    """A checkpoint of a stream that had it would be taken for a damaged one."""
    file = tmp_path / "a.txt"
    file.write_text(f"a{RECORD_END}b\n\nc\n")
    with pytest.raises(DataError, match="U\\+FDD0"):
        load_corpus(DataConfig(text=(str(file),), mode=mode))


@pytest.mark.parametrize(
    ("text", "sets", "what"),
    [
        ("a\nb\n", ["data.mode=records"], "no blank line separates"),
        ("a\n\nb\n", ["data.mode=records", "data.separator=---"], "no '---' separates"),
        ("a\rb\rc\r", ["data.mode=lines"], "carriage returns"),
        (" \n\n\n", ["data.mode=records"], "is empty"),
    ],
)
def test_a_text_that_is_one_record_says_why(tmp_path, text, sets, what):
    file = tmp_path / "a.txt"
    file.write_bytes(text.encode())
    with pytest.raises(DataError, match=what):
        load_corpus(config.load(None, [f"data.text={file}", *sets]).data)


def test_a_separator_inside_lines_is_told(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("5 % of\n%\nb\n%\nc 7 %d\n%\ne\n")
    data = DataConfig(text=(str(file),), mode="records", separator="%", split=(1.0, 0.0, 0.0))
    assert "also stands inside lines, 2 of them" in load_corpus(data).notices[0]
    assert not load_corpus(data.model_copy(update={"separator": LINE_FORM})).notices


@pytest.mark.parametrize("unit", ["char", "byte"])
def test_large_records_are_those_of_memory(tmp_path, monkeypatch, unit):
    text = "\n\n".join(f"é {i}\n{'x' * (i % 7)}" for i in range(300))
    for name, part in ("a.txt", text), ("b.txt", text[:500] + "\n \n\n"):
        (tmp_path / name).write_bytes(part.encode())
    data = DataConfig(text=(str(tmp_path / "*.txt"),), mode="records", unit=unit)
    small = load_corpus(data)
    monkeypatch.setattr("charrnn.data.sources.LARGE", 100)
    monkeypatch.setattr("charrnn.data.files.CHUNK", 64)
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "cache"))
    for _ in range(2):  # encoded, then from the cache
        large = load_corpus(data)
        assert large.ids_file is not None
        assert (large.sha256, large.vocabulary) == (small.sha256, small.vocabulary)
        np.testing.assert_array_equal(np.asarray(large.ids), small.ids)
        np.testing.assert_array_equal(large.rows["val"], small.rows["val"])
