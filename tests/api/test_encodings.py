"""What counts is characters: a model reads a text in another encoding than its own."""

from __future__ import annotations

import json
import unicodedata

import pytest
from click.testing import CliRunner

import charrnn
from charrnn.cli.main import cli
from charrnn.data.files import is_utf8, read_stdin, text_encoding
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


@pytest.mark.parametrize("command", ["score", "score --follow", "eval --text -"])
def test_so_it_does_from_stdin(folder, command):
    name, *options = command.split()

    def given(model, encoding, *more):
        read_stdin.cache_clear()
        args = [name, str(folder / model), *options, *more]
        return CliRunner().invoke(cli, args, input=("la fe\n" + TEXT).encode(encoding))

    own, other = given("old", "cp1252"), given("old", "utf-8")
    assert own.exit_code == other.exit_code == 0
    assert own.stdout == other.stdout
    assert "stdin is UTF-8, not cp1252" in other.stderr
    assert "is UTF-8" not in own.stderr
    asked = given("old", "utf-8", "--encoding", "cp1252")
    assert "is UTF-8" not in asked.stderr
    assert asked.stdout != own.stdout
    read_stdin.cache_clear()


def test_it_is_told_of_from_stdin(folder):
    args = ["train", "--text", "-", "--steps", "0", "--out", str(folder / "piped"), "-q"]
    args += [part for name, value in SMALL.items() for part in ("--set", f"{name}={value}")]
    done = CliRunner().invoke(cli, args, input=TEXT.encode())
    read_stdin.cache_clear()
    assert "the text is UTF-8, and read as cp1252" in done.stderr


def test_encodings_in_python(folder):
    model = charrnn.load(folder / "new")
    scores = model.score(TEXT)
    assert model.score(TEXT.encode("utf-16"), encoding="utf-16").nats.tolist() == (
        scores.nats.tolist()
    )
    with pytest.raises(UsageError, match='encoding="utf-8"'):
        model.score(TEXT.encode())
    with pytest.raises(UsageError, match="is for bytes"):
        model.score(TEXT, encoding="cp1252")
    with pytest.raises(DataError, match='if that is right: encoding="cp1252"'):
        model.score(TEXT.encode("cp1252"), encoding="utf-8")
    with pytest.raises(UsageError, match="unknown encoding"):
        model.evaluate(folder / "old.txt", encoding="no")
    found = model.evaluate(folder / "old.txt", encoding="cp1252")
    assert found.nats_per_char == model.evaluate(folder / "new.txt").nats_per_char


def test_letters_whose_marks_are_in_the_next_piece(folder, monkeypatch):
    """Scored as they are where a text comes in one piece."""
    model = charrnn.load(folder / "new")
    (folder / "nfd.txt").write_text(unicodedata.normalize("NFD", TEXT), encoding="utf-8")
    args = ("score", folder / "new", folder / "nfd.txt", "--per", "file", "--format", "jsonl")
    whole = json.loads(run(*args).stdout)
    for chunk in (1, 7):
        monkeypatch.setattr("charrnn.data.files.CHUNK", chunk)
        done = run(*args)
        assert done.stderr == ""
        assert json.loads(done.stdout)["nats"] == pytest.approx(whole["nats"])
    assert whole["nats"] == pytest.approx(model.score(TEXT).total, rel=1e-6)


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
