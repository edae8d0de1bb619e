"""`charrnn corpus`: its counts against plain Python, its answers, and what it suggests."""

from __future__ import annotations

import json
import shlex
import tracemalloc
import unicodedata
from collections import Counter
from math import log
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn import config
from charrnn.data import suggestion, unicode_issues
from charrnn.data import survey as survey_module
from charrnn.data import text_statistics as line_statistics
from charrnn.data.files import find_files
from charrnn.data.survey import survey, together
from tests.conftest import ROOT

TEXTS = st.text(st.sampled_from("ab \n\r\0é\u0301😀\ufeff"), max_size=80)


def of(folder: Path, text: str, encoding: str = "utf-8", name: str = "t.txt"):
    (folder / name).write_bytes(text.encode(encoding))
    return survey(folder / name, encoding)


@settings(deadline=None)
@given(text=TEXTS, chunk=st.integers(1, 90), encoding=st.sampled_from(["utf-8", "utf-16-le"]))
def test_counts_are_those_of_plain_python(tmp_path_factory, text, chunk, encoding):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(survey_module, "CHUNK", chunk)
        found = of(tmp_path_factory.mktemp("s"), text, encoding)
    text = text.removeprefix("\ufeff")
    lines = text.split("\n")
    lines = lines if lines[-1] else lines[:-1]
    bare = [line.removesuffix("\r") for line in lines]
    full = [line for line in lines if line.removesuffix("\r")]
    assert found.characters == len(text)
    assert found.count == {ord(c): n for c, n in Counter(text).items()}
    assert (found.crlf, found.cr) == (
        text.count("\r\n"), text.replace("\r\n", "").count("\r"),
    )  # fmt: skip
    assert found.lf == text.replace("\r\n", "").count("\n")
    assert found.nfc == unicodedata.is_normalized("NFC", text)
    assert found.lines.ended == len(lines)
    assert found.lines.blank == len(lines) - len(full)
    assert found.lines.longest == max(map(len, bare), default=0)
    if found.lines.longest:
        assert bare[found.lines.longest_at - 1] == max(bare, key=len)
    assert found.lines.duplicates == len(full) - len(set(full))
    for point, place in found.first.items():
        at = text.index(chr(point))
        above = text[:at].count("\n")
        assert place.line == above + 1
        assert place.column == at - (text.rfind("\n", 0, at) + 1) + 1


def test_a_mark_may_come_with_the_next_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr(survey_module, "CHUNK", 1)
    assert not of(tmp_path, "ba\u0301").nfc
    assert of(tmp_path, "b\u00e1").nfc


def test_lines_too_long_to_compare_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(line_statistics, "LONGEST_COMPARED", 10)
    monkeypatch.setattr(survey_module, "CHUNK", 7)
    found = of(tmp_path, "abcdefghijklmnop\nab\nabcdefghijklmnop\nab\n" + "x" * 40)
    assert (found.lines.ended, found.lines.longest, found.lines.duplicates) == (5, 40, 1)


def test_several_texts_together(tmp_path):
    one, two = of(tmp_path, "ab\nab\n"), of(tmp_path, "longer\nab\n", name="u.txt")
    whole = together([one, two])
    assert whole.characters == 16
    assert whole.count[ord("a")] == 3
    assert (whole.lines.ended, whole.lines.duplicates) == (4, 2)
    assert (whole.longest_in, whole.lines.longest_at) == (str(tmp_path / "u.txt"), 1)
    assert whole.first[ord("g")].file == str(tmp_path / "u.txt")


def test_entropy_of_unigrams(tmp_path):
    found = of(tmp_path, "aaab")
    assert found.unigram_entropy == pytest.approx(0.75 * log(4 / 3) + 0.25 * log(4))


def test_look_alikes():
    def pairs(text):
        return [(chr(a), chr(b)) for a, b in unicode_issues.look_alikes(Counter(map(ord, text)))]

    assert pairs("it's, it’s") == [("’", "'")]
    assert pairs("it’s") == []
    assert pairs("no no\u00a0") == [("\u00a0", " ")]
    assert pairs("abc" * 99 + "а") == [("а", "a")]  # one Cyrillic letter
    assert pairs("abc" * 99 + "абв" * 99) == []
    assert pairs("AＡ") == [("Ａ", "A")]


def test_json_names_and_values(charrnn, tmp_path):
    (tmp_path / "t.txt").write_bytes(b"\xef\xbb\xbf" + "ab\r\nab\r\n\0é\n".encode())
    done = charrnn("corpus", "t.txt", "--format", "json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) == {"files", "together", "suggestion"}
    facts = answer["files"][0]
    assert set(facts) == {
        "file", "ok", "problem", "encoding", "bom", "gzip", "bytes", "characters", "K", "lines",
        "blank_lines", "longest_line", "line_ends", "duplicate_lines", "rare_count",
        "rare_characters", "min_count", "control_characters", "combining_marks", "nfc",
        "look_alikes", "ln_K", "unigram_entropy",
    }  # fmt: skip
    assert facts["bom"]
    assert (facts["bytes"], facts["characters"], facts["K"]) == (15, 11, 6)
    assert facts["line_ends"] == {"lf": 1, "crlf": 2, "cr": 0}
    assert facts["duplicate_lines"] == {"count": 1, "share": 1 / 3}
    assert facts["control_characters"] == [
        {"character": "\0", "code_point": "U+0000", "name": "NULL", "count": 1,
         "file": "t.txt", "line": 3, "column": 1}
    ]  # fmt: skip
    page = (ROOT / "docs" / "corpus.md").read_text(encoding="utf-8")
    for name in facts:
        assert f"`{name}`" in page, name


def test_a_bad_file_is_the_answer_for_that_file(charrnn, tmp_path):
    french = "Le café était fermé à cause de la grève, où nous avions déjà goûté la crème.\n"
    (tmp_path / "bad.txt").write_bytes(french.encode("cp1252") * 20)
    (tmp_path / "good.txt").write_text("all is well\n" * 20)
    done = charrnn("corpus", "bad.txt", "none.txt", "good.txt", "--format", "json")
    assert done.returncode == 3
    assert "2 of 3 files cannot be used as they are" in done.stderr
    bad, none, good = json.loads(done.stdout)["files"]
    assert (bad["ok"], none["ok"], good["ok"]) == (False, False, True)
    assert bad["problem"] == "not utf-8: byte 0xE9 at offset 6"
    assert "--set data.encoding=cp1252" in bad["then"]
    text = charrnn("corpus", "bad.txt", "good.txt").stdout
    assert "problem      not utf-8" in text
    assert "20, of which 0 blank" in text
    again = charrnn("corpus", "bad.txt", "--encoding", "cp1252", "--format", "json")
    assert again.returncode == 0
    assert json.loads(again.stdout)["suggestion"]["keys"]["data.encoding"] == "cp1252"
    assert charrnn("corpus", "good.txt", "--encoding", "hex").returncode == 2


def test_the_offset_of_a_wrong_byte_beyond_the_first_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr(survey_module, "CHUNK", 5)
    (tmp_path / "t.txt").write_bytes(b"abcdefghijklm\xe9\x41nop")
    with pytest.raises(survey_module.DataError, match="0xE9 at offset 13"):
        survey(tmp_path / "t.txt")


def test_stdin_globs_and_empty_texts(charrnn, tmp_path):
    (tmp_path / "a.txt").write_text("abc\n")
    (tmp_path / "e.txt").write_text("")
    assert json.loads(charrnn("corpus", "-", "--format", "json", stdin="xy\n" * 9).stdout)[
        "together"
    ]["characters"] == 27  # fmt: skip
    answer = json.loads(charrnn("corpus", "*.txt", "a.txt", "--format", "json").stdout)
    assert [facts["file"] for facts in answer["files"]] == ["a.txt", "e.txt"]
    assert answer["suggestion"] is None
    assert "the text is empty" in charrnn("corpus", "e.txt").stdout


def test_files_in_several_encodings_have_no_suggestion(charrnn, tmp_path):
    (tmp_path / "a.txt").write_text("abc\n" * 99)
    (tmp_path / "b.txt").write_text("abc\n" * 99, encoding="utf-16")
    done = charrnn("corpus", "a.txt", "b.txt")
    assert done.returncode == 0
    assert "no suggestion: the files are in several encodings" in done.stdout


# -- suggestions --------------------------------------------------------------------------------

PROSE = "It was a fine day, and nobody said\nanything of it to the others.\n\n"


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        (PROSE * 100, "utf-8", {}),
        (PROSE * 100, "utf-16", {"data.encoding": "utf-16"}),
        ("Ana\nBob\nEva\nMary Ann\n" * 50, "utf-8", {"data.mode": "lines"}),
        ("".join(map(chr, range(0x4E00, 0x4E00 + 3000))) * 2, "utf-8", {"data.unit": "byte"}),
    ],
)
def test_suggestions_fit_the_text_and_can_be_used(charrnn, tmp_path, text, encoding, expected):
    (tmp_path / "my text.txt").write_text(text, encoding=encoding)
    answer = json.loads(charrnn("corpus", "my text.txt", "--format", "json").stdout)
    suggested = answer["suggestion"]
    assert expected.items() <= suggested["keys"].items()
    words = shlex.split(suggested["command"])
    assert words[-2:] == ["--minutes", "10"]
    assert f"\n  {suggested['command']}\n" in charrnn("corpus", "my text.txt").stdout
    small = ("--set=model.hidden_size=8", "--set=train.sample_length=0", "--steps", 1)
    done = charrnn(*words[1:-1], 0.02, *small, "--out", "r")
    assert done.returncode == 0, done.stderr
    assert "no effect" not in done.stderr
    (tmp_path / "s.yaml").write_text(json.dumps(suggested["config"]))
    planned = config.load(tmp_path / "r" / "config.yaml").data
    read_as = config.load(tmp_path / "s.yaml").data
    same = ("mode", "unit", "encoding", "split")
    assert [getattr(planned, key) for key in same] == [getattr(read_as, key) for key in same]


def test_too_little_text_has_no_suggestion(tmp_path):
    assert suggestion.suggest(of(tmp_path, "a" * 500)) is None
    assert suggestion.suggest(of(tmp_path, "ab")) is None


def test_memory_does_not_grow_with_the_text(tmp_path):
    peaks = []
    for times in (1, 10):
        (tmp_path / "t.txt").write_text("a line without an end " * 80_000 * times)
        tracemalloc.start()
        survey(tmp_path / "t.txt")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 5_000_000  # bytes, where the text grew by 16 million


def test_find_files_takes_the_dash():
    assert find_files(["-"]) == [Path("-")]
