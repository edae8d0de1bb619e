"""Files of every kind, and what is said of them: packed, documents, and lines that are none."""

from __future__ import annotations

import gzip
import random
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

import charrnn
from charrnn.cli.main import cli
from charrnn.data import file_kinds
from charrnn.data.files import read_text, text_chunks
from charrnn.data.suggestion import are_records, continued_lines
from charrnn.data.survey import survey, together
from charrnn.errors import DataError

WORDS = [
    "the",
    "lamp",
    "is",
    "on",
    "the",
    "table",
    "and",
    "so",
    "is",
    "the",
    "letter",
    "from",
    "the",
    "clerk",
]


def written(folder: Path, text: str):
    (folder / "t.txt").write_text(text, encoding="utf-8")
    return survey(folder / "t.txt")


def rows(n, width, letters, rng=random.Random(1)):  # noqa: B008
    return ["".join(rng.choices(letters, k=width)) for _ in range(n)]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([*rows(50, 60, "ACGT"), "ACG"], "wrapped: 98% of the lines have 60 characters"),
        ([">a", *rows(9, 60, "ACGT"), "AC", ">b", *rows(9, 60, "ACGT"), "AC"], "FASTA: 2 headers"),
        ([".L1:", "\tmovq\t%rax, %rbp", "\tret"] * 20, "code: 67% of the lines are indented"),
        ([" ".join(WORDS[: 9 + i % 5]) for i in range(30)], None),
        (["今天天气很好我们去公园散步他说这个国家的人都很友好"] * 30, None),
    ],
)  # fmt: skip
def test_lines_that_go_on_are_a_stream(tmp_path, lines, why):
    found = written(tmp_path, "\n".join(lines) + "\n")
    assert not are_records(found)
    said = continued_lines(found)
    assert said is None if why is None else said.startswith(why)
    assert not are_records(together([found, found]))


@pytest.mark.parametrize(
    "lines", [rows(60, 5, "abcdef"), ["李小龙", "王芳", "张伟"] * 20, WORDS * 3]
)
def test_things_of_their_own_are_lines(tmp_path, lines):
    found = written(tmp_path, "\n".join(lines) + "\n")
    assert are_records(found)
    assert continued_lines(found) is None


def test_a_line_that_a_chunk_cuts_begins_once(tmp_path, monkeypatch):
    text = " ab\n>\tcd\n\tx\nb b\n"
    whole = written(tmp_path, text)
    monkeypatch.setattr("charrnn.data.survey.CHUNK", 1)
    for found in (whole, written(tmp_path, text)):
        assert (found.indented, found.headers) == (2, 1)
        assert found.lines.lengths[:6].tolist() == [0, 0, 1, 2, 1, 0]
    assert (whole.lines.lengths == written(tmp_path, text).lines.lengths).all()


def test_a_text_packed_with_gzip_is_simply_read(tmp_path, monkeypatch):
    text = "The lamp é\n" * 300
    path = tmp_path / "t.txt.gz"
    path.write_bytes(gzip.compress(text.encode()))
    assert read_text(path) == "".join(text_chunks(path)) == text
    assert read_text(path, "byte") == text.encode().decode("latin-1")
    found = survey(path)
    assert (found.gzip, found.characters) == (True, len(text))
    assert charrnn.survey(path).answer["files"][0]["gzip"]
    path.write_bytes(gzip.compress(text.encode())[:-9])
    with pytest.raises(DataError, match="is damaged: it is cut short"):
        read_text(path)
    monkeypatch.setattr(file_kinds, "UNPACKED", 100)
    path.write_bytes(gzip.compress(b"a" * 200_000))
    for read in (read_text, survey, lambda p: "".join(text_chunks(p))):
        with pytest.raises(DataError, match="unpacks to more than 100 times its size"):
            read(path)


def document(path: Path, *parts: str) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for part in parts:
            file.writestr(part, "application/epub+zip" if part == "mimetype" else "<x/>")
    return path


def test_what_is_no_text_is_named_and_what_to_do(tmp_path):
    (tmp_path / "a b.pdf").write_bytes(b"%PDF-1.7\nplain")
    document(tmp_path / "z.zip", "a.txt")
    document(tmp_path / "w.docx", "[Content_Types].xml", "word/document.xml")
    document(tmp_path / "e.epub", "mimetype", "a.html")
    for name, what in (
        ("a b.pdf", r"is a PDF, not a text\n.*pdftotext '.*a b.pdf' '.*a b.txt'"),
        ("z.zip", r"is a zip archive, not a text\n.*unzip"),
        ("w.docx", r"is a Word document \(docx\), not a text\n.*pandoc -t plain"),
        ("e.epub", r"is an e-book \(EPUB\), not a text"),
    ):
        for read in (read_text, survey, lambda p: "".join(text_chunks(p))):
            with pytest.raises(DataError, match=what):
                read(tmp_path / name)
        assert read_text(tmp_path / name, "byte")  # as bytes any file can be read


def test_very_many_files_are_summed_up(tmp_path):
    for i in range(150):
        (tmp_path / f"{i}.txt").write_text(f"text {i}\n")
    (tmp_path / "x.pdf").write_bytes(b"%PDF-1.7")
    done = CliRunner().invoke(cli, ["corpus", str(tmp_path / "*")])
    lines = done.stdout.splitlines()
    assert lines[0] == "151 files, of which 150 can be used as they are"
    assert "x.pdf: is a PDF" in lines[1]
    assert "the 150 readable files together" in lines
    assert len(lines) < 80
