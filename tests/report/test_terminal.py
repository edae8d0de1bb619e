"""On a terminal there is a progress line that fits it; in a log there are plain lines."""

from __future__ import annotations

import errno
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import charrnn
from tests.conftest import PATIENCE, ROOT

COMMAND = [
    sys.executable, "-m", "charrnn", "train", "--steps", "300", "--set", "model.hidden_size=8",
    "--set", "train.eval_every=100", "--set", "bptt.k1=8", "--set", "bptt.k2=8",
]  # fmt: skip


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_progress_line_on_a_terminal(text_file: Path, tmp_path: Path):
    import pty

    primary, secondary = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "--text", str(text_file), "--out", str(tmp_path / "run")],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=secondary,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    os.close(secondary)
    seen = b""
    while True:
        try:
            part = os.read(primary, 65536)
        except OSError:
            break
        if not part:
            break
        seen += part
    assert process.wait(PATIENCE) == 0
    text = seen.decode()
    assert "%|" in text
    assert "nats" in text
    assert "ln K" in text
    assert "█▁" in text  # the second validation loss is the lower one
    assert "\x1b[2m  │ " in text  # a sample, set apart


def test_plain_lines_in_a_log(text_file: Path, tmp_path: Path):
    done = subprocess.run(
        [*COMMAND, "--text", str(text_file), "--out", str(tmp_path / "run")],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert "\r" not in done.stderr
    assert "\x1b" not in done.stderr
    assert done.stderr.count("val ") >= 3
    assert done.stdout.startswith("run: ")


class Lost(io.StringIO):
    """A terminal that is closed after a few lines."""

    lines = 3

    def write(self, text: str) -> int:
        if self.lines == 0:
            raise OSError(errno.EIO, "Input/output error")
        self.lines -= "\n" in text
        return super().write(text)

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError(errno.ENOTTY, "no descriptor")


def test_training_goes_on_without_its_terminal(text_file, tmp_path, monkeypatch):
    stream = Lost()
    monkeypatch.setattr(sys, "stderr", stream)
    settings = {"model.hidden_size": 4, "train.batch_size": 4, "train.eval_every": 5}
    run = charrnn.train(
        files=text_file, settings=settings, steps=20, out=tmp_path / "r", progress="verbose"
    )
    assert (run.summary["step"], stream.lines) == (20, 0)
    monkeypatch.setattr(sys, "stderr", None)
    assert charrnn.resume(run.path, steps=25, progress=True).summary["step"] == 25


@pytest.mark.parametrize("drawn", [False, True])
def test_what_a_text_or_a_name_holds_does_not_act_on_the_terminal(drawn, tmp_path, monkeypatch):
    """A sample is set apart by escapes of our own, where it is drawn."""
    stream = io.TextIOWrapper(io.BytesIO(), "utf-8")
    monkeypatch.setattr(stream, "isatty", lambda: drawn, raising=False)
    monkeypatch.setattr(sys, "stderr", stream)
    (tmp_path / "\x9b2J.txt").write_text("\x1b[31m\r\u202e\u2066\n" * 400)
    settings = {"model.hidden_size": 4, "train.batch_size": 4, "train.sample_length": 200}
    charrnn.train(
        files=tmp_path / "\x9b2J.txt", settings=settings, steps=2, out=tmp_path / "\x1b[2J",
        progress=True if drawn else "verbose",
    )  # fmt: skip
    stream.flush()
    said = stream.buffer.getvalue().decode()
    own = re.sub(r"\x1b\[(2m|0m|A)|\r", "", said)
    assert "\\x1b" in own
    assert own.replace("\n", "").isprintable(), ascii(own)
