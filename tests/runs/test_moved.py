"""A run whose text came from stdin has it in its folder, wherever the folder is."""

from __future__ import annotations

import json

from tests.conftest import TEXT


def test_a_moved_run_finds_its_text(charrnn, tmp_path):
    done = charrnn("train", "--text", "-", "--out", "first", "--steps", 4, "-q", "--set",
                   "model.hidden_size=4", "--set", "train.batch_size=4", stdin=TEXT)  # fmt: skip
    assert done.returncode == 0, done.stderr
    before = charrnn("eval", "first", "--format", "json")
    (tmp_path / "elsewhere").mkdir()
    for place in ("elsewhere/one", "elsewhere/two"):
        previous = "first" if place.endswith("one") else "elsewhere/one"
        (tmp_path / previous).rename(tmp_path / place)
        after = charrnn("eval", place, "--format", "json")
        if place.endswith("one"):
            assert json.loads(after.stdout) == json.loads(before.stdout)
        for words in (["report", place], ["sample", place, "--check-novelty", "--length", 5],
                      ["gradflow", place, "--lags", 5, "--positions", 5],
                      ["train", "--resume", place, "--steps", 6, "-q"],
                      ["train", "--resume", place, "-q"]):  # fmt: skip
            done = charrnn(*words)
            assert done.returncode == 0, (words, done.stderr)
            assert "no reader" not in done.stderr
            assert "is not the one" not in done.stderr
        assert str(tmp_path / place / "text.txt") in (tmp_path / place / "config.yaml").read_text()


def test_another_text_beside_it_is_noticed(charrnn, tmp_path):
    charrnn("train", "--text", "-", "--out", "first", "--steps", 2, "-q", "--set",
            "model.hidden_size=4", "--set", "train.batch_size=4", stdin=TEXT)  # fmt: skip
    (tmp_path / "first").rename(tmp_path / "second")
    (tmp_path / "second" / "text.txt").write_text(TEXT[:-40])
    done = charrnn("train", "--resume", "second", "--steps", 4, "-q")
    assert done.returncode == 3
    assert "is not the one" in done.stderr
