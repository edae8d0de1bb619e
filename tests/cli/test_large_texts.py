"""Every command that reads a text: one that stays in its file gives what one in memory gives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from charrnn.cli.main import COMMANDS, cli
from charrnn.data import sources
from tests.conftest import TEXT

ARGUMENTS = {
    "train": ["train", "--text", "t.txt", "--out", "more", "--steps", "3", "-q", "--set",
              "model.hidden_size=4", "--set", "train.batch_size=4"],
    "resume": ["train", "--resume", "run", "--steps", "6", "-q"],
    "init": ["train", "--init-from", "run", "--text", "t.txt", "--out", "child", "--steps", "2",
             "-q"],
    "sample": ["sample", "run", "--length", "50", "--seed", "1", "--check-novelty"],
    "gradcheck": ["gradcheck", "--set", "data.text=t.txt", "--set", "model.hidden_size=3",
                  "--own-size"],
    "gradflow": ["gradflow", "run", "--lags", "20", "--positions", "20"],
    "eval": ["eval", "run", "--split", "all"],
    "eval cold": ["eval", "run", "--protocol", "cold", "--context", "20"],
    "eval dynamic": ["eval", "run", "--dynamic", "0.1"],
    "eval other": ["eval", "run", "--text", "t.txt", "--on-unknown", "skip"],
    "score": ["score", "run", "t.txt"],
    "report": ["report", "run", "--out", "page.html"],
    "inspect": ["inspect", "run"],
    "export": ["export", "run", "--to", "torch", "--out", "o.safetensors"],
    "corpus": ["corpus", "t.txt"],
    "mix": ["mix", "run", "--order", "3"],
}  # fmt: skip
NO_TEXT = {"config", "completion", "runs", "sweep"}  # a sweep's points are trained as by train


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, words, catch_exceptions=False)


def outcomes(folder: Path, mode: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What each command prints, and the page."""
    folder.mkdir()
    (folder / "t.txt").write_text(TEXT)
    monkeypatch.chdir(folder)
    made = run("train", "--text", "t.txt", "--out", "run", "--steps", "4", "-q",
               "--set", "model.hidden_size=4", "--set", "train.batch_size=4",
               "--set", f"data.mode={mode}")  # fmt: skip
    assert made.exit_code == 0
    found: dict[str, object] = {}
    for name, words in ARGUMENTS.items():
        if mode == "lines" and name == "eval cold":
            continue
        result = run(*words)
        assert result.exit_code == 0, (name, result.output)
        lines = result.stdout.replace(str(folder), "").splitlines()
        found[name] = [line for line in lines if "characters per second" not in line]
    page = (folder / "page.html").read_text()
    assert len(page) > 10_000
    return found


@pytest.mark.skipif(os.name != "posix", reason="the page's paths")
@pytest.mark.parametrize("mode", ["stream", "lines"])
def test_every_command_on_a_text_in_a_file(tmp_path, monkeypatch, mode):
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "cache"))
    held = outcomes(tmp_path / "held", mode, monkeypatch)
    monkeypatch.setattr(sources, "LARGE", -1)
    in_file = outcomes(tmp_path / "file", mode, monkeypatch)
    assert list((tmp_path / "cache").glob("*.ids"))
    for name in held:
        assert in_file[name] == held[name], name


def test_no_command_is_left_out():
    used = {words[0] for words in ARGUMENTS.values()}
    assert used | NO_TEXT == set(COMMANDS)
