"""A large text stays in its files: the same corpus and run as in memory, kept once, in a cache."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from charrnn import config
from charrnn.data import (
    encoding_pass as encoded,
)
from charrnn.data import (
    files as texts,
)
from charrnn.data import (
    mapped_ids as mapped,
)
from charrnn.data import (
    sources,
    text_statistics,
)
from charrnn.data.corpus import load_corpus
from charrnn.data.file_kinds import KINDS, ZIP
from charrnn.data.loader import Cursor, StreamLoader
from charrnn.data.vocabulary import Vocabulary
from charrnn.errors import DataError
from charrnn.storage.checkpoint import read
from charrnn.storage.checkpoint_folder import locate
from tests.conftest import PATIENCE, ROOT, TEXT

KNOWN = "abcXYZ \n\r\t'\u2019eé\u0301"
ALPHABET = "abceXYZ \n\r\t'\u2019é\x80\xffßЖ中\ufeff\U0001f600\u0301"
BIG = sources.LARGE // len(TEXT.encode()) + 2  # copies of TEXT that make a large text


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache, where files count as settled at once."""
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(text_statistics, "SETTLED", -(10**9))
    return tmp_path / "cache"


@pytest.fixture
def all_large(monkeypatch):
    monkeypatch.setattr(sources, "LARGE", -1)


def data_of(path, *sets):
    return config.load(None, [f"data.text={path}", *sets]).data


def outcome(data, vocabulary=None, extend=False):
    """What there is to say of a corpus, or the error."""
    try:
        corpus = load_corpus(data, vocabulary, extend=extend)
    except DataError as error:
        return str(error)
    ids = corpus.ids[np.arange(len(corpus.ids))]
    rows = {part: rows.tolist() for part, rows in corpus.rows.items()}
    assert ids.dtype == np.int32
    return corpus.sha256, corpus.vocabulary, ids.tolist(), rows


def both_ways(contents, sets, vocabulary=None, extend=False, chunk=3):
    """The outcome in memory, from files, and from the cache."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        names = []
        for index, content in enumerate(contents):
            names.append(f"{folder}/{index}.txt")
            Path(names[-1]).write_bytes(content)
        data = data_of(json.dumps(names), *sets)
        patch.setenv("CHARRNN_CACHE", "off")
        held = outcome(data, vocabulary, extend)
        patch.setenv("CHARRNN_CACHE", f"{folder}/cache")
        patch.setattr(sources, "LARGE", -1)
        patch.setattr(texts, "CHUNK", chunk)
        return held, outcome(data, vocabulary, extend), outcome(data, vocabulary, extend)


@settings(deadline=None, max_examples=150)
@given(
    pieces=st.lists(st.text(ALPHABET, max_size=30), min_size=1, max_size=3),
    mode=st.sampled_from(["stream", "lines"]), unit=st.sampled_from(["char", "byte"]),
    on_unknown=st.sampled_from(["error", "skip", "map"]), extend=st.booleans(),
    known=st.none() | st.sets(st.sampled_from(KNOWN), min_size=1), chunk=st.integers(1, 9),
)  # fmt: skip
@example(["abe\u0301\ncafé"], "stream", "char", "error", False, set("abcef\u0301\n"), 3)
@example(["abe\u0301\ncafe\u0301\u0302"], "lines", "char", "map", False, set("abcefé\n"), 3)
@example(["ab\nÖ"], "lines", "char", "error", False, {"a", "b", "\n"}, 4)
def test_corpus_is_the_one_that_memory_would_hold(
    pieces, mode, unit, on_unknown, extend, known, chunk
):
    sets = [f"data.{k}={v}" for k, v in (("mode", mode), ("unit", unit))]
    sets += [f"data.on_unknown={on_unknown}", "data.split=[0.5,0.5,0]"]
    if unit == "byte":
        known = (known and {c for c in known if ord(c) < 256}) or None
    vocabulary = None if known is None else Vocabulary(sorted(known), unit)
    extend = extend and known is not None
    held, filed, again = both_ways([t.encode() for t in pieces], sets, vocabulary, extend, chunk)
    assert filed == held
    assert again == held


@settings(deadline=None, max_examples=100)
@given(
    content=st.binary(max_size=40) | st.text(ALPHABET, max_size=20).map(str.encode),
    encoding=st.sampled_from(
        ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "gb18030", "utf-7", "shift_jis"]
    ),
)  # fmt: skip
def test_any_encoding_reads_the_same_or_fails_at_the_same_byte(content, encoding):
    # Seven bytes do not show what a packed file is.
    assume(not content.startswith((ZIP, *(magic for magic, *_ in KINDS))))
    sets = [f"data.encoding={encoding}", "data.split=[1,0,0]"]
    held, filed, _ = both_ways([content], sets, chunk=7)
    if isinstance(held, str) and isinstance(filed, str):
        assert filed.splitlines()[0] == held.splitlines()[0]
    else:
        assert filed == held


def test_five_thousand_characters_take_two_bytes_each(tmp_path, all_large):
    points = np.random.default_rng(0).integers(0x4E00, 0x4E00 + 5000, 60_000)
    text = "".join(map(chr, points)) + "".join(chr(0x4E00 + i) for i in range(5000))
    path = tmp_path / "t.txt"
    path.write_text(text, encoding="utf-8")
    corpus = load_corpus(data_of(path))
    assert corpus.vocabulary.K == 5000
    assert corpus.ids_file.stat().st_size == mapped.HEADER + 2 * len(text)
    assert corpus.vocabulary.decode(corpus.ids[np.arange(len(text))]) == text


@pytest.mark.parametrize("k1", [7, None])
def test_windows_are_the_same(tmp_path, all_large, k1):
    path = tmp_path / "t.txt"
    path.write_text(TEXT)
    corpus = load_corpus(data_of(path))
    held = corpus.ids[np.arange(len(corpus.ids))]
    feeds = [StreamLoader(ids, 3, k1, k1 and 2 * k1, seed=1) for ids in (held, corpus.ids)]
    for cursor in (Cursor(epoch, i) for epoch in (0, 5) for i in range(feeds[0].batches_per_epoch)):
        one, other = (loader.batch(cursor)[0] for loader in feeds)
        assert one.x.flags.c_contiguous
        np.testing.assert_array_equal(one.x, other.x)
        np.testing.assert_array_equal(one.y, other.y)


def test_ids_are_those_of_the_question(tmp_path, all_large):
    path = tmp_path / "t.txt"
    path.write_text(TEXT)
    vocabulary = Vocabulary("\n abcdefgh")
    kinds = [f"data.on_unknown={u}" for u in ("skip", "map")] + ["data.mode=lines"]
    files = {load_corpus(data_of(path, kinds[0], kind), vocabulary).ids_file for kind in kinds}
    files.add(load_corpus(data_of(path)).ids_file)
    assert len(files) == 4
    assert len({file.stat().st_size for file in files}) == 3


def test_text_that_is_unchanged_is_not_read_again(tmp_path, all_large, monkeypatch):
    path = tmp_path / "t.txt"
    path.write_text(TEXT)
    first = outcome(data_of(path))
    monkeypatch.setattr(sources, "text_chunks", None)
    assert outcome(data_of(path)) == first


def test_text_that_has_just_been_changed_is_read_again(tmp_path, all_large, monkeypatch):
    monkeypatch.setattr(text_statistics, "SETTLED", 2 * 10**9)
    path = tmp_path / "t.txt"
    path.write_text(TEXT)
    outcome(data_of(path))
    monkeypatch.setattr(sources, "text_chunks", None)
    with pytest.raises(TypeError):
        outcome(data_of(path))


def test_text_changed_in_place_is_encoded_again(tmp_path, all_large):
    path = tmp_path / "t.txt"
    path.write_text(TEXT)
    load_corpus(data_of(path))
    times = path.stat()
    path.write_text(TEXT.replace("lamp", "palm"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    corpus = load_corpus(data_of(path))
    assert "palm" in corpus.vocabulary.decode(corpus.ids[np.arange(200)])


def test_text_that_changes_while_it_is_read_is_refused(tmp_path, all_large, monkeypatch):
    path = tmp_path / "t.txt"
    path.write_text(TEXT)

    def growing(*args):
        yield from texts.text_chunks(*args)
        path.write_text(TEXT + "more")

    monkeypatch.setattr(sources, "text_chunks", growing)
    with pytest.raises(DataError, match="changed while"):
        load_corpus(data_of(path))


def flip(data: bytes) -> bytes:
    return data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]


def poisoned(data: bytes) -> bytes:
    """Other ids than those of the text, in a file whose own hash is right."""
    return sealed(data[mapped.HEADER :][::-1])


def foreign_id(data: bytes) -> bytes:
    """An id that is none, in a file whose hash is right."""
    return sealed(data[mapped.HEADER : -1] + b"\xff")


def sealed(ids: bytes) -> bytes:
    path = Path(tempfile.mkdtemp()) / "x"
    with open(path, "w+b") as file:
        writer = mapped.IdsWriter(file, np.dtype(np.uint8))
        writer.write(ids)
        writer.finish()
    return path.read_bytes()


@pytest.mark.parametrize(
    "damage",
    [
        flip, foreign_id, poisoned, lambda d: d[:-1], lambda d: d + b"\0", lambda d: d[:100],
        lambda d: b"",
        lambda d: b"[" * mapped.HEADER + d[mapped.HEADER :], lambda d: d[: mapped.HEADER],
        lambda d: b"7".ljust(mapped.HEADER) + d[mapped.HEADER :],
        lambda d: d.replace(b'"|u1"', b'"<i4"'), lambda d: os.urandom(len(d)),
    ],
)  # fmt: skip
def test_damaged_ids_are_made_again(tmp_path, all_large, damage):
    path = tmp_path / "t.txt"
    path.write_text(TEXT)
    corpus = load_corpus(data_of(path))
    good = corpus.ids_file.read_bytes()
    corpus.ids_file.write_bytes(damage(good))
    again = load_corpus(data_of(path))
    assert "encoded again" in again.notices[0]
    assert again.ids_file.read_bytes() == good
    assert load_corpus(data_of(path)).notices == ()


@pytest.mark.parametrize("kind", ["skip", "map"])
@pytest.mark.parametrize("damage", [flip, poisoned])
def test_damaged_ids_with_unknown_characters_are_made_again(tmp_path, all_large, damage, kind):
    path = tmp_path / "t.txt"
    path.write_text(TEXT)
    data, vocabulary = data_of(path, f"data.on_unknown={kind}"), Vocabulary("\n abcdefgh")
    first = load_corpus(data, vocabulary)
    good = first.ids_file.read_bytes()
    assert load_corpus(data, vocabulary).notices == ()
    first.ids_file.write_bytes(damage(good))
    again = load_corpus(data, vocabulary)
    assert "encoded again" in again.notices[0]
    assert again.ids_file.read_bytes() == good


@pytest.mark.parametrize("mode", ["stream", "lines"])
@pytest.mark.parametrize("text", [TEXT, "é\U0001f600\n" * 99])
def test_poisoned_ids_are_made_again_in_every_mode(tmp_path, all_large, mode, text):
    path = tmp_path / "t.txt"
    path.write_text(text, encoding="utf-8")
    first = load_corpus(data_of(path, f"data.mode={mode}"))
    good = first.ids_file.read_bytes()
    assert load_corpus(data_of(path, f"data.mode={mode}")).notices == ()
    first.ids_file.write_bytes(sealed(good[mapped.HEADER :][::-1]))
    assert "its hash is wrong" in load_corpus(data_of(path, f"data.mode={mode}")).notices[0]


def test_ids_cut_or_written_over_while_in_use_are_an_error(tmp_path, all_large):
    """Of a mapped file, the first would be SIGBUS, and compiled loops would read beyond W."""
    path = tmp_path / "t.txt"
    path.write_text(TEXT)
    corpus = load_corpus(data_of(path))
    good, everything = corpus.ids_file.read_bytes(), np.arange(len(corpus.ids))
    with open(corpus.ids_file, "r+b") as file:
        file.truncate(mapped.HEADER + 8)
        with pytest.raises(DataError, match="it was cut") as caught:
            corpus.ids[everything]
        assert str(corpus.ids_file) in str(caught.value)
        file.write(good[: mapped.HEADER] + b"\xff" * len(everything))
        file.flush()
        with pytest.raises(DataError, match="an id that is none"):
            corpus.ids[everything]
        with pytest.raises(DataError, match="an id that is none"):
            np.concatenate([corpus.ids[2:5]])


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give it away")
def test_a_cache_of_another_user_is_not_used(tmp_path, all_large, cache):
    path = tmp_path / "t.txt"
    path.write_text(TEXT)
    cache.mkdir()
    os.chown(cache, 12345, 12345)
    corpus = load_corpus(data_of(path))
    assert "belongs to another user" in corpus.notices[0]
    assert corpus.vocabulary.decode(corpus.ids[np.arange(len(TEXT))]) == TEXT
    assert list(cache.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="modes")
def test_nobody_else_can_write_in_the_cache(tmp_path, all_large, cache):
    path = tmp_path / "t.txt"
    path.write_text(TEXT)
    cache.mkdir()
    cache.chmod(0o777)
    assert load_corpus(data_of(path)).notices == ()
    assert cache.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"[" * 9999, b'{"statistics": 1}', b"\xff"])
def test_damaged_statistics_are_taken_again(tmp_path, all_large, cache, content):
    path = tmp_path / "t.txt"
    path.write_text(TEXT)
    first = outcome(data_of(path))
    (kept,) = cache.glob("*.json")
    altered = kept.read_text().replace('"characters": ', '"characters": 1')
    for damaged in (content, altered.encode()):
        kept.write_bytes(damaged)
        assert outcome(data_of(path)) == first


def test_cache_that_cannot_be_written_is_done_without(tmp_path, all_large, monkeypatch):
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "t.txt" / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = tmp_path / "t.txt"
    path.write_text(TEXT)
    corpus = load_corpus(data_of(path))
    assert "cannot be kept" in corpus.notices[0]
    assert corpus.vocabulary.decode(corpus.ids[np.arange(len(TEXT))]) == TEXT
    assert list(tmp_path.iterdir()) == [path]


def test_full_disk_is_said_and_leaves_nothing(tmp_path, all_large, cache, monkeypatch):
    path = tmp_path / "t.txt"
    path.write_text(TEXT)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(encoded.IdsWriter, "finish", full)
    with pytest.raises(DataError, match=r"No space left(.|\n)*CHARRNN_CACHE=DIR"):
        load_corpus(data_of(path))
    assert {p.suffix for p in tmp_path.rglob("*") if p.is_file()} == {".txt", ".json"}


@pytest.fixture
def large_file(tmp_path):
    path = tmp_path / "large.txt"
    path.write_text(TEXT * BIG)
    return path


SETS = [
    "--set", "model.hidden_size=4", "--set", "model.num_layers=1", "--set",
    "data.split=[0.999,0,0.001]", "--set", "train.batch_size=3",
]  # fmt: skip


def test_run_is_the_one_that_memory_would_give(charrnn, tmp_path, large_file, cache, monkeypatch):
    done = charrnn("train", "--text", large_file, *SETS, "--steps", 3, "--out", "mapped")
    assert done.returncode == 0, done.stderr
    (ids,) = cache.glob("*.ids")
    assert f"ids stay in {ids}" in done.stderr
    made = ids.stat()
    done = charrnn("train", "--resume", "mapped", "--steps", 6)
    assert done.returncode == 0, done.stderr
    scores = [charrnn("eval", "mapped", "--split", "test", "--format", "json")]
    assert ids.stat() == made
    monkeypatch.setenv("CHARRNN_CACHE", "off")
    done = charrnn("train", "--text", large_file, *SETS, "--steps", 6, "--out", "held")
    assert done.returncode == 0, done.stderr
    assert "ids stay in" not in done.stderr
    scores.append(charrnn("eval", "mapped", "--split", "test", "--format", "json"))
    assert scores[0].stdout == scores[1].stdout
    assert json.loads(scores[0].stdout)["chars"] > 8000
    one, other = (read(locate(tmp_path / run, "last")) for run in ("mapped", "held"))
    for name, array in one.arrays.items():
        np.testing.assert_array_equal(array, other.arrays[name])
    assert one.meta == other.meta


def test_two_at_once_do_no_harm(tmp_path, large_file, cache):
    command = [sys.executable, "-m", "charrnn", "train", "--text", large_file, *SETS, "--steps=0"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    both = [
        subprocess.Popen([*command, "--out", tmp_path / name], env=env, stderr=subprocess.PIPE)
        for name in "ab"
    ]
    for process in both:
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, said
        assert b"encoded again" not in said
        assert b"cannot be kept" not in said
    assert [path.suffix for path in cache.iterdir()].count(".ids") == 1
    assert not list(cache.glob(".*"))


def peak(code: str, *arguments: object, **env: str) -> int:
    """Peak resident bytes of a process of its own. (getrusage counts the parent's before exec.)"""
    code += "\nprint(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env}, check=True,
    )  # fmt: skip
    return int(done.stdout) * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_memory_does_not_grow_with_the_text(tmp_path):
    for name, copies in (("small.txt", BIG), ("large.txt", 8 * BIG)):
        (tmp_path / name).write_text(TEXT * copies)
    code = (
        "import sys\nfrom charrnn import config\nfrom charrnn.data.corpus import load_corpus\n"
        "from charrnn.data.loader import Cursor\n"
        "from charrnn.data.loader import StreamLoader\n"
        "c = load_corpus(config.load(None, ['data.text=' + sys.argv[1]]).data)\n"
        "f = StreamLoader(c.part('train'), 4, 2000, 2000, 1)\n"
        "for i in range(f.batches_per_epoch): f.batch(Cursor(0, i))\n"
    )
    small, large = (peak(code, tmp_path / name) for name in ("small.txt", "large.txt"))
    assert large - small < 1 << 25
    held = peak(code, tmp_path / "large.txt", CHARRNN_CACHE="off")
    assert held - large > 4 * (tmp_path / "large.txt").stat().st_size


def test_interrupted_writer_leaves_nothing(tmp_path, all_large, cache, monkeypatch):
    path = tmp_path / "t.txt"
    path.write_text(TEXT)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(encoded.IdsWriter, "finish", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load_corpus(data_of(path))
    assert [p.suffix for p in cache.iterdir()] == [".json"]
