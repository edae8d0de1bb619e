"""What counts is characters: a model reads a text in another encoding than its own."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

import charrnn
from charrnn.cli.main import cli
from charrnn.data.files import is_utf8, text_encoding
from charrnn.errors import DataError, UsageError

TEXT = "Le café était fermé à cause de la grève.\n" * 20
SMALL = {"model.hidden_size": 4, "model.num_layers": 1, "train.sample_length": 0,
         "data.encoding": "cp1252"}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("encodings")
    (path / "old.txt").write_text(TEXT, encoding="cp1252")
    (path / "new.txt").write_text(TEXT, encoding="utf-8")
    charrnn.train(files=path / "old.txt", settings=SMALL, steps=1, out=path / "old")
    utf8 = SMALL | {"data.encoding": "utf-8"}
    charrnn.train(files=path / "new.txt", settings=utf8, steps=1, out=path / "new")
    return path


def run(*args):
    return CliRunner().invoke(cli, [*map(str, args)])


@pytest.mark.parametrize("command", ["score", "eval"])
def test_a_model_of_cp1252_reads_utf8(folder, command):
    text = () if command == "score" else ("--text",)
    own = run(command, folder / "old", *text, folder / "old.txt")
    other = run(command, folder / "old", *text, folder / "new.txt")
    assert own.exit_code == other.exit_code == 0
    assert own.stdout == other.stdout
    assert "new.txt is UTF-8, not cp1252" in other.stderr
    assert "is UTF-8" not in own.stderr
    asked = run(command, folder / "new", *text, folder / "old.txt", "--encoding", "cp1252")
    assert asked.exit_code == 0
    refused = run(command, folder / "new", *text, folder / "old.txt")
    assert isinstance(refused.exception, DataError)
    assert "it looks like cp1252" in str(refused.exception)
    assert 'encoding="cp1252"' in str(refused.exception)
    assert isinstance(
        run(command, folder / "new", *text, folder / "old.txt", "--encoding", "no").exception,
        UsageError,
    )


def test_a_prime_is_read_in_its_own_encoding(folder):
    args = ("--length", 5, "--seed", 1, "--prime-file")
    assert run("sample", folder / "old", *args, folder / "new.txt").stdout.startswith(TEXT)
    asked = run("sample", folder / "new", *args, folder / "old.txt", "--encoding", "cp1252")
    assert asked.stdout.startswith(TEXT)
    refused = run("sample", folder / "new", *args, folder / "old.txt")
    assert "it looks like cp1252" in str(refused.exception)


def test_utf8_that_is_trained_on_as_another_encoding_is_told_of(folder):
    with pytest.warns(charrnn.Notice, match="the text is UTF-8, and read as cp1252"):
        charrnn.train(files=folder / "new.txt", settings=SMALL, steps=0, out=folder / "wrong")


def test_utf8_is_told_by_all_that_is_beyond_ascii(folder, monkeypatch):
    told = []
    assert not is_utf8(b"plain")
    assert is_utf8("é".encode() + b"\xc3")  # what follows is not there yet
    assert text_encoding(folder / "old.txt", "cp1252", told.append) == "cp1252"
    assert text_encoding(folder / "new.txt", "utf-8", told.append) == "utf-8"
    assert not told
    monkeypatch.setattr("charrnn.data.files.CHUNK", 5)
    assert text_encoding(folder / "new.txt", "cp1252", told.append) == "utf-8"
    assert len(told) == 1
