"""Texts as they come: encodings, line ends, odd characters, and what is not a text at all."""

from __future__ import annotations

import codecs
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from charrnn import config
from charrnn.data import vocabulary as vocabulary_module
from charrnn.data.corpus import load_corpus
from charrnn.data.encodings import guess_encodings, marked_encoding
from charrnn.data.files import find_files, matches, read_text
from charrnn.data.vocabulary import Vocabulary
from charrnn.errors import DataError
from tests.conftest import ROOT
from tests.helpers.commands import CONFIGS

TINY = [
    "--set", "model.hidden_size=4", "--set", "model.num_layers=1", "--set", "bptt.k1=4",
    "--set", "train.batch_size=2", "--steps", "2", "-q",
]  # fmt: skip

WRITTEN = {
    "fr": "Le café était fermé à cause de la grève, où nous avions déjà goûté leur crème brûlée.",
    "de": "Die Größe der Bäume überrascht die Gäste, wenn die Vögel schön singen.",
    "es": "El niño comió en la montaña más rápido que su compañera, ¿verdad? Sí, señor.",
    "ru": "Съешь же ещё этих мягких французских булок, да выпей чаю. Москва стоит давно.",
    "pl": "Zażółć gęślą jaźń, mówił stary człowiek do swojej żony, która śmiała się głośno.",
    "cs": "Příliš žluťoučký kůň úpěl ďábelské ódy, řekl starý muž své ženě.",
    "el": "Η γρήγορη αλεπού πηδάει πάνω από το τεμπέλικο σκυλί και φεύγει.",
    "tr": "Küçük ağaç ışık aldı, çocuklar şarkı söyledi.",
    "zh": "我们在这里学习中文，他说这个国家的人都很好。昨天下雨了，所以我没有去学校。",
    "zh-tw": "我們在這裡學習中文，他說這個國家的人都很好。昨天下雨了，所以我沒有去學校。",
    "ja": "昨日は雨が降ったので、学校に行きませんでした。カタカナもあります。",
    "ko": "어제는 비가 와서 학교에 가지 않았습니다. 그 사람은 한국 사람이다.",
}


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        ("fr", "cp1252"), ("de", "cp1252"), ("es", "cp1252"), ("fr", "mac-roman"),
        ("ru", "cp1251"), ("ru", "koi8-r"), ("ru", "cp866"), ("ru", "iso8859-5"),
        ("pl", "cp1250"), ("pl", "iso8859-2"), ("cs", "cp1250"), ("el", "cp1253"),
        ("tr", "cp1254"), ("zh", "gb18030"), ("zh-tw", "big5"), ("ja", "shift_jis"),
        ("ja", "euc_jp"), ("ko", "cp949"), ("de", "utf-16"), ("ja", "utf-32"), ("fr", "utf-16-le"),
        ("fr", "utf-16-be"),
    ],
)  # fmt: skip
def test_the_likely_encoding(tmp_path, monkeypatch, language, encoding):
    monkeypatch.setitem(sys.modules, "chardet", None)
    path = tmp_path / "text.txt"
    path.write_bytes(WRITTEN[language].encode(encoding))
    if encoding in ("utf-16-le", "utf-16-be"):
        assert guess_encodings(path.read_bytes())[0].encoding == encoding
        return
    with pytest.raises(DataError) as caught:
        read_text(path)
    assert f'settings={{"data.encoding": "{encoding}"}};' in str(caught.value)
    assert WRITTEN[language][:5] in str(caught.value) or encoding == "cp1254"
    assert read_text(path, encoding=encoding) == WRITTEN[language]


@pytest.mark.parametrize(("language", "encoding"), [("ru", "koi8-r"), ("el", "cp1253")])
def test_a_library_knows_better_where_it_is_installed(monkeypatch, language, encoding):
    pytest.importorskip("chardet")
    data = WRITTEN[language].encode(encoding)
    first = guess_encodings(data)[0]
    assert (first.encoding, first.score) == (encoding, 1.0)
    assert WRITTEN[language][:5] in first.shown
    monkeypatch.setattr("chardet.detect", lambda sample: {"encoding": "utf-7"})
    assert guess_encodings(data)[0].encoding == "utf-7"
    monkeypatch.setitem(sys.modules, "chardet", None)
    assert guess_encodings(data)[0].score < 1.0


def test_what_is_not_text_is_not_guessed(tmp_path):
    (tmp_path / "b.bin").write_bytes(bytes(range(256)) * 40)
    with pytest.raises(
        DataError, match=r"0x80 at offset 128\n.*settings={\"data\.unit\": \"byte\"}"
    ) as caught:
        read_text(tmp_path / "b.bin")
    assert "data.encoding=" not in str(caught.value)


def test_damaged_utf8_is_called_so(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(WRITTEN["ru"].encode() + b"\xff" + WRITTEN["ru"].encode())
    with pytest.raises(DataError, match=r"offset 139\n.*is damaged there"):
        read_text(path)


def test_utf8_read_as_another_encoding(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(WRITTEN["ja"].encode())
    with pytest.raises(DataError, match=r'settings={"data.encoding": "utf-8"}'):
        read_text(path, encoding="shift_jis")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_no_byte_order_is_assumed(tmp_path, encoding):
    path = tmp_path / "text.txt"
    path.write_bytes(b"plain" * 8)
    with pytest.raises(DataError, match=r"no byte order mark"):
        read_text(path, encoding=encoding)


@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes_are_guessed_without_a_failure(data, at):
    for guess in guess_encodings(data, min(at, len(data))):
        codecs.lookup(guess.encoding)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path, encoding):
    path = tmp_path / "text.txt"
    path.write_bytes("añ\ufeffb".encode(encoding))
    assert read_text(path, encoding=encoding) == "añ\ufeffb"
    assert marked_encoding(path.read_bytes()) == encoding.removesuffix("-sig")
    if encoding == "utf-8-sig":
        assert read_text(path) == "añ\ufeffb"


@pytest.mark.parametrize("name", ["utf-9", "hex", "rot13", "", "a\0b", "undefined", "base64"])
def test_an_encoding_that_is_none_is_a_mistake_of_the_configuration(charrnn, name):
    if "\0" not in name:
        done = charrnn("config", "check", "--set", f"data.encoding={name!r}")
        assert done.returncode == 2
        assert "data.encoding" in done.stderr
    with pytest.raises(DataError, match="unknown encoding"):
        read_text(Path(__file__), encoding=name)


def corpus_of(tmp_path, text, *sets):
    path = tmp_path / "t.txt"
    path.write_bytes(text.encode())
    return load_corpus(config.load(None, [f"data.text={path}", *sets]).data)


@pytest.mark.parametrize(
    "text",
    [
        "a\r\nb\r\n" * 20, "a\rb\r" * 20, "a\0b\0" * 20, "a😀👩‍👩‍👧e\u0301" * 9,
        "".join(map(chr, range(0x4E00, 0x4E00 + 5000))), "ab" * 3,
    ],
    ids=["crlf", "cr", "nul", "emoji", "5000", "shorter than B·T"],
)  # fmt: skip
def test_every_character_is_kept_and_learned(charrnn, tmp_path, text):
    corpus = corpus_of(tmp_path, text)
    assert corpus.vocabulary.decode(corpus.ids) == text
    assert len(set(text)) == corpus.vocabulary.K
    done = charrnn("train", "--text", "t.txt", "--out", "r", *TINY)
    assert done.returncode == 0, done.stderr
    sampled = charrnn("sample", "r", "--length", 20, "--seed", 1)
    assert sampled.returncode == 0, sampled.stderr


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50))
def test_chunks_change_nothing(text):
    vocabulary = Vocabulary.of(text)
    whole = vocabulary.encode(text + "\U0010fffe", "skip").tolist()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vocabulary_module, "CHUNK", 3)
        assert Vocabulary.of(text) == vocabulary
        assert vocabulary.encode(text + "\U0010fffe", "skip").tolist() == whole


def test_one_character_and_one_symbol(charrnn, tmp_path):
    (tmp_path / "one.txt").write_text("a")
    done = charrnn("train", "--text", "one.txt")
    assert (done.returncode, "too short" in done.stderr) == (3, True)
    (tmp_path / "same.txt").write_text("a" * 99)
    done = charrnn("train", "--text", "same.txt", "--out", "r", *TINY)
    assert done.returncode == 0, done.stderr
    assert "one distinct character" in done.stderr


def test_a_line_much_longer_than_the_others(charrnn, tmp_path):
    (tmp_path / "t.txt").write_text("abc" * 100_000 + "\nx\ny\n")
    done = charrnn("train", "--text", "t.txt", "--out", "r", *TINY, "--set", "data.mode=lines",
                   "--set", "data.split=[1,0,0]")  # fmt: skip
    assert done.returncode == 0, done.stderr


def refused(done, *expected):
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    for part in expected:
        assert part in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no devices here")
def test_devices_and_pipes_are_refused_at_once(charrnn, tmp_path):
    refused(charrnn("train", "--text", "/dev/zero"), "/dev/zero: is a pipe or a device", "--text -")
    os.mkfifo(tmp_path / "pipe")
    refused(charrnn("train", "--text", "pipe"), "is a pipe or a device")
    refused(charrnn("corpus", "pipe"), "1 of 1 files")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs to be root")
def test_a_file_that_may_not_be_read(tmp_path):
    path = tmp_path / "secret.txt"
    path.write_text("abc")
    path.chmod(0)
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents:
        if folder.stat().st_uid == 0 and Path(tempfile.gettempdir()) in folder.parents:
            folder.chmod(0o755)
    try:
        os.seteuid(65534)
    except OSError:
        pytest.skip("no other user in this container")
    try:
        with pytest.raises(DataError, match=r"secret\.txt: cannot be read: Permission denied"):
            read_text(path)
    finally:
        os.seteuid(0)


def test_names(charrnn, tmp_path):
    (tmp_path / "only.d").mkdir()
    refused(charrnn("train", "--text", "*.d"), "*.d: matches folders and no file")
    refused(charrnn("train", "--text", "x" * 300), "File name too long")
    refused(charrnn("train"), "comes with a clone", "--text my.txt")
    refused(charrnn("train", "--set", 'data.text="a\\0b"'), "no such file")


def test_a_file_named_like_a_glob(tmp_path):
    (tmp_path / "[ab].txt").write_text("glob")
    (tmp_path / "a.txt").write_text("a")
    assert find_files([f"{tmp_path}/[ab].txt"]) == [tmp_path / "[ab].txt"]


def test_a_file_matched_twice_is_read_once_and_said_so(charrnn, tmp_path):
    (tmp_path / "a.txt").write_text("abc" * 20)
    os.symlink("a.txt", tmp_path / "b.txt")
    patterns = [f"{tmp_path}/*.txt", f"{tmp_path}/../{tmp_path.name}/a.txt"]
    assert len(matches(patterns)) == 3
    assert find_files(patterns) == [tmp_path / "a.txt"]
    done = charrnn("train", "--text", "a.txt", "--text", "./a.txt", "--out", "r", "--steps", 0)
    assert "names a file more than once" in done.stderr
    assert yaml.safe_load((tmp_path / "r/config.yaml").read_text())["data"]["text"] == [
        str(tmp_path / "a.txt")
    ]


# -- stdin --------------------------------------------------------------------------------------


def test_a_text_from_stdin_is_kept_with_the_run(charrnn, tmp_path):
    done = charrnn("train", "--text", "-", "--out", "r", *TINY, stdin="to be or not to be\r\n" * 9)
    assert done.returncode == 0, done.stderr
    kept = tmp_path / "r" / "text.txt"
    assert kept.read_bytes() == b"to be or not to be\r\n" * 9
    settings = yaml.safe_load((tmp_path / "r/config.yaml").read_text())
    assert settings["data"]["text"] == [str(kept)]
    assert charrnn("train", "--resume", "r", "--steps", 4, "-q").returncode == 0
    assert charrnn("eval", "r", "--text", "-", stdin="to be or not to be").returncode == 0


def test_stdin_has_a_name_of_its_own_and_its_mistakes(charrnn, tmp_path):
    done = charrnn("train", "--text", "-", "--steps", 0, stdin="to be or not to be")
    assert "run: runs/stdin-1" in done.stdout
    refused(charrnn("train", "--text", "-", "--out", "r", stdin=""), "-: the text is empty")
    assert not (tmp_path / "r").exists()


# -- what was set and has no effect -------------------------------------------------------------


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        (["optim.momentum=0.9"], "optim.momentum has no effect: it is for momentum"),
        (["optim.name=sgd", "optim.beta1=0.5"], "optim.beta1"),
        (["bptt.mode=full", "bptt.k1=9"], "bptt.k1 has no effect"),
        (["data.split_seed=4"], "data.split_seed"),
        (["data.unit=byte", "data.encoding=cp1252"], "data.encoding"),
        (["optim.schedule.final=0.1"], "optim.schedule.final"),
        (["optim.grad_clip=null", "optim.grad_clip_mode=value"], "optim.grad_clip_mode"),
        (["model.forget_gate=false", "model.forget_bias=2"], "model.forget_bias"),
    ],
)
def test_idle_keys_are_named(sets, expected):
    sentences = config.unused_keys(config.load(None, sets))
    assert len(sentences) == 1
    assert expected in sentences[0]


def test_idle_keys_are_notices_and_defaults_are_not_idle(charrnn, tmp_path):
    assert config.unused_keys(config.load()) == []
    (tmp_path / "t.txt").write_text("abc" * 20)
    done = charrnn("train", "--text", "t.txt", "--set", "optim.rho=0.5", "--steps", 0)
    assert done.returncode == 0
    assert "notice: optim.rho has no effect" in done.stderr
    done = charrnn("config", "check", "--set", "optim.rho=0.5")
    assert (done.returncode, done.stdout) == (0, "the defaults: ok\n")
    assert "notice: optim.rho" in done.stderr


def test_every_ready_configuration_sets_only_what_has_an_effect():
    for path in CONFIGS:
        assert config.unused_keys(config.load(path)) == [], path


# -- small mistakes -----------------------------------------------------------------------------


def test_small_mistakes_end_cleanly(charrnn, tmp_path):
    (tmp_path / "t.txt").write_text("abc" * 20)
    assert charrnn("train", "--text", "t.txt", "--out", "r", *TINY).returncode == 0
    steps = charrnn("train", "--text", "t.txt", "--steps", "-1")
    assert steps.returncode == 2
    assert "'--steps': -1 is not in the range 0<=x<=" in steps.stderr
    long = charrnn("train", "--text", "t.txt", "--out", "x" * 300)
    assert (long.returncode, "too long" in long.stderr) == (4, True)
    inside = charrnn("sample", "r/checkpoints")
    assert (inside.returncode, "name its run, r," in inside.stderr) == (4, True)
    (tmp_path / "r/metrics.jsonl").unlink()
    (tmp_path / "r/metrics.jsonl").mkdir()
    folder = charrnn("train", "--resume", "r", "--steps", 9)
    assert (folder.returncode, "metrics.jsonl" in folder.stderr) == (4, True)
    for done in (steps, long, inside, folder):
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("target", [">/dev/full", ">&-"])
def test_stdout_that_takes_nothing(charrnn, tmp_path, target, unbuffered):
    (tmp_path / "t.txt").write_text("abc" * 20)
    assert charrnn("train", "--text", "t.txt", "--out", "r", *TINY).returncode == 0
    for command in ("sample r --length 9", "corpus t.txt"):
        done = subprocess.run(
            ["bash", "-c", f"{sys.executable} -m charrnn {command} {target}"], cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": unbuffered},
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 4
        assert re.fullmatch(r"error: output: .*\n", done.stderr), done.stderr


def test_unknown_characters_are_told_with_the_option_that_the_command_has(charrnn, tmp_path):
    (tmp_path / "t.txt").write_text("ab c'" * 20)
    assert charrnn("train", "--text", "t.txt", "--out", "r", *TINY).returncode == 0
    said = charrnn("sample", "r", "--prime", "aЖ☃")
    refused(said, "--prime: ", "'Ж' (U+0416), '☃' (U+2603), first at character 1", "--on-unknown")
    refused(charrnn("sample", "r", "--prime-file", "-", stdin="☃"), "--prime-file: ")
    (tmp_path / "other.txt").write_text("abЖ" * 20)
    scored = charrnn("eval", "r", "--text", "other.txt")
    refused(scored, "other.txt: ", "'Ж' (U+0416)", "set --on-unknown to skip or map")
    mapped = charrnn("sample", "r", "--prime", "a’B", "--on-unknown", "map", "--length", 0)
    assert mapped.stdout == "a'b"
    skipped = charrnn("sample", "r", "--prime", "aЖb", "--on-unknown", "skip", "--length", 0)
    assert skipped.stdout == "ab"
