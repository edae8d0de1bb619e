"""`charrnn sample --interactive` in a terminal, and without one; `--probabilities`."""

from __future__ import annotations

import json
import os
import select
import sys
import time

import numpy as np
import pytest
from click.testing import CliRunner

import charrnn
from charrnn.api.draft import Draft
from charrnn.cli.interactive import Desk
from charrnn.cli.main import cli
from charrnn.errors import UsageError
from tests.conftest import ROOT, TEXT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs ptys")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("interactive")
    (made / "t.txt").write_text(TEXT[:3000])
    small = {"model.hidden_size": 6, "train.batch_size": 4, "runtime.kernels": "numpy"}
    for name, more in (("chars", {}), ("bytes", {"data.unit": "byte"})):
        charrnn.train(files=made / "t.txt", settings=small | more, steps=5,
                      out=made / "runs" / name, progress=False)  # fmt: skip
    charrnn.mix(made / "runs" / "chars", 3)
    return made


class Terminal:
    """The program in a terminal of its own."""

    def __init__(self, folder, *args):
        import pty

        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "dumb",
                           "CHARRNN_HISTORY": str(folder / "state" / "history")}  # fmt: skip
            os.execve(sys.executable, [sys.executable, "-m", "charrnn", *args], environment)

    def type(self, keys, until="\n> ", anywhere=False):
        """What is shown after these keys, up to and with `until`, or until it is somewhere."""

        def is_shown():
            found = shown.replace(b"\r", b"")
            return until.encode() in found if anywhere else found.endswith(until.encode())

        if keys:
            os.write(self._fd, keys.encode())
        shown, end = b"", time.monotonic() + 60
        while not is_shown() and time.monotonic() < end:
            if select.select([self._fd], [], [], 1)[0]:
                try:
                    shown += os.read(self._fd, 1 << 16)
                except OSError:  # it has ended
                    break
        return shown.decode(errors="replace").replace("\r", "")

    def code(self):
        """The exit code, once it has ended."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_a_text_by_turns_in_a_terminal(folder):
    terminal = Terminal(folder, "sample", "runs/bytes", "--interactive", "--seed", "1",
                        "--length", "40")  # fmt: skip
    assert "/help" in terminal.type("")
    model = charrnn.load(folder / "runs" / "bytes")
    expected = "".join(model.sample("The ", length=40, seed=1))
    assert f"The {expected}" in terminal.type("The \n")
    assert "0.5" in terminal.type("/temp 0.5\n")
    assert "nothing to take back" in terminal.type("/undo\n") + terminal.type("/undo\n")
    assert "[2]" in terminal.type("/choices 2\n", until="2? ")
    terminal.type("2\n")
    assert "no command /bogus" in terminal.type("/bogus\n")
    assert "is not a finite number" in terminal.type("/temperature nan\n")
    # Ctrl-C stops a continuation without end.
    terminal.type("/temperature 1\n")
    terminal.type("/length 1000000000000\n")
    assert len(terminal.type("\n", until="e", anywhere=True)) > 1
    assert "(stopped)" in terminal.type("\x03")
    assert "exists already" in terminal.type("/save t.txt\n")
    terminal.type("/save story.txt\n")
    assert (folder / "story.txt").stat().st_size > 40
    terminal.type("\x04", until="never")
    assert terminal.code() == 0
    lines = (folder / "state" / "history").read_text().splitlines()
    assert lines[0] == "The "
    assert "2" not in lines
    assert (folder / "state" / "history").stat().st_mode & 0o077 == 0


def test_ctrl_c_at_the_prompt_does_not_end_it(folder, monkeypatch, capsys):
    desk = Desk(Draft(charrnn.load(folder / "runs" / "bytes")))

    def typed(prompt):
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", typed)
    desk.guarded(desk.turn)
    assert "leaves" in capsys.readouterr().out
    assert not desk.left


def invoke(folder, *words):
    words = [str(folder / word) if word.startswith("runs/") else word for word in words]
    return CliRunner().invoke(cli, ["sample", *words], standalone_mode=False)


def test_without_a_terminal_it_is_an_error(folder):
    error = invoke(folder, "runs/chars", "--interactive").exception
    assert isinstance(error, UsageError)
    assert "is no terminal" in error.what
    error = invoke(folder, "runs/chars", "--interactive", "--count", "2").exception
    assert isinstance(error, UsageError)


def probabilities(folder, *words):
    done = invoke(folder, *words, "--format", "json")
    assert done.exception is None, done.exception
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("run", "use"),
    [("chars", "network"), ("chars", "mixture"), ("bytes", None)],
)
def test_next_characters_and_their_probabilities(folder, run, use):
    options = [] if use is None else ["--use", use]
    found = probabilities(
        folder, f"runs/{run}", "--prime", "The l", "--probabilities", "5", *options
    )
    model = charrnn.load(folder / "runs" / run)
    assert found["used"] == (use or "network")
    assert [(c["char"], c["probability"]) for c in found["characters"]] == model.next_characters(
        "The l", top=5, use=use
    )
    assert [c["drawn"] for c in found["characters"]] == [
        c["probability"] for c in found["characters"]
    ]
    p = sum(c["probability"] for c in found["characters"])
    assert found["rest"] == pytest.approx(1 - p)
    assert np.exp(-found["characters"][0]["nats"]) == pytest.approx(
        found["characters"][0]["probability"]
    )


def test_drawn_is_what_sampling_draws(folder):
    """By counting: temperature, top-k and a denied character."""
    options = ["--temperature", "0.7", "--top-k", "3", "--forbid", "e"]
    found = probabilities(
        folder, "runs/bytes", "--prime", "The l", "--probabilities", "99", *options
    )
    drawn = {c["char"]: c["drawn"] for c in found["characters"] if c["drawn"]}
    model = charrnn.load(folder / "runs" / "bytes")
    sampled = [
        "".join(model.sample("The l", length=1, seed=seed, temperature=0.7, top_k=3, forbid="e"))
        for seed in range(80)
    ]
    assert {*sampled} <= {*drawn}
    assert len(drawn) == 3
    for char, p in drawn.items():
        assert sampled.count(char) / 80 == pytest.approx(p, abs=0.2)
    at_zero = probabilities(folder, "runs/chars", "--probabilities", "1", "--temperature", "0")
    assert at_zero["characters"][0]["drawn"] == 1


def test_the_table_shows_characters_and_their_numbers(folder):
    shown = invoke(folder, "runs/bytes", "--prime", "The", "--probabilities", "40").stdout
    assert "' ' 0x20" in shown
    assert "drawn" not in shown
    hot = invoke(folder, "runs/chars", "--probabilities", "2", "--temperature", "2").stdout
    assert "drawn" in hot
    assert "others" in hot
    error = invoke(folder, "runs/chars", "--probabilities", "2", "--count", "3").exception
    assert isinstance(error, UsageError)
