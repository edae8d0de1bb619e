"""Two exchanged loops are an error of types: mypy refuses every exchange there could be."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.conftest import PATIENCE, ROOT

pytest.importorskip("mypy", reason="mypy is one of the tools of the extra dev")

IMPORTS = """\
from dataclasses import replace
from charrnn.nn import window as plain
from charrnn.nn.backends import NUMPY_BACKEND
from charrnn.nn.backends.compiled import gru as fast_gru, lstm as fast_lstm, rnn as fast_rnn
from charrnn.nn.backends.compiled import (window)
from charrnn.nn.backends.compiled import window as update
from charrnn.nn.backends import Backend
from charrnn.nn.cells import gru, lstm, rnn
"""
BACKEND = "Backend('x', True, {}, {}, {}, {}, {}, {})"
RIGHT = [
    "rnn.RNNLoops(forward=rnn.forward, backward=rnn.backward)",
    "lstm.LSTMLoops(forward=fast_lstm.forward, backward=fast_lstm.backward)",
    "gru.GRULoops(forward=gru.forward, backward=fast_gru.backward)",
    BACKEND.format(
        "plain.gather", "window.scatter", "window.softmax_cross_entropy",
        "plain.cross_entropy_gradient", "update.adam_step", "update.mean_step",
    ),
]  # fmt: skip
EXCHANGED = [
    "rnn.RNNLoops(forward=rnn.backward, backward=rnn.forward)",
    "rnn.RNNLoops(forward=fast_rnn.backward, backward=fast_rnn.forward)",
    "lstm.LSTMLoops(forward=lstm.backward, backward=lstm.forward)",
    "lstm.LSTMLoops(forward=fast_lstm.backward, backward=fast_lstm.forward)",
    "gru.GRULoops(forward=gru.backward, backward=gru.forward)",
    "gru.GRULoops(forward=fast_gru.backward, backward=fast_gru.forward)",
    "lstm.LSTMLoops(forward=gru.forward, backward=lstm.backward)",
    "gru.GRULoops(forward=gru.forward, backward=fast_rnn.backward)",
    BACKEND.format(
        "plain.scatter", "plain.gather", "window.softmax_cross_entropy",
        "plain.cross_entropy_gradient", "None", "None",
    ),
    BACKEND.format(
        "window.gather", "window.scatter", "window.cross_entropy_gradient",
        "window.softmax_cross_entropy", "None", "None",
    ),
    BACKEND.format(
        "plain.gather", "plain.scatter", "plain.softmax_cross_entropy",
        "plain.cross_entropy_gradient", "update.mean_step", "update.adam_step",
    ),
    "NUMPY_BACKEND.gather(ids=y, dA=A, dW=W)",
]  # fmt: skip


def test_mypy_refuses_every_exchange_and_nothing_else(tmp_path: Path) -> None:
    heading = f"{IMPORTS}from typing import Any\ny: Any\nA: Any\nW: Any\n"
    snippet = tmp_path / "exchanged.py"
    snippet.write_text(heading + "\n".join([*RIGHT, *EXCHANGED]) + "\n", encoding="utf-8")
    cache = Path(tempfile.gettempdir()) / "charrnn-mypy"
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "setup.cfg"),
         "--cache-dir", str(cache), "--no-error-summary", str(snippet)],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    lines = {
        int(line.split(":")[1]) for line in done.stdout.splitlines() if "exchanged.py:" in line
    }
    first = len(heading.splitlines()) + len(RIGHT) + 1
    assert lines == set(range(first, first + len(EXCHANGED))), done.stdout + done.stderr
