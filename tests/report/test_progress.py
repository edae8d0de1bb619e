"""A bar fits its terminal and cuts no number, a log has whole lines, a lost stream ends nothing."""

from __future__ import annotations

import io
import re
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tqdm import tqdm

from charrnn.report import progress
from charrnn.report.progress import Progress, duration, fitting, make_bar, show

FIELDS = [
    (7, "12:34 left"), (5, "step 1,234,567"), (3, "epoch 12.34"), (8, "loss 1.234 nats"),
    (4, "1.780 bits"), (6, "123,456 chars/s"), (2, "|g| 0.12"), (1, "lr 0.002"),
]  # fmt: skip


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@given(room=st.integers(0, 200), ranks=st.permutations(range(8)))
def test_whole_fields_go_the_least_important_first(room, ranks):
    fields = [(rank, text) for rank, (_, text) in zip(ranks, FIELDS, strict=True)]
    text = fitting(fields, room)
    kept = [field for field in fields if field[1] in text.split("  ")]
    assert text == "  ".join(text for _, text in kept)
    assert len(text) <= room
    gone = [field for field in fields if field not in kept]
    assert not gone or not kept or max(gone)[0] < min(kept)[0]
    if gone:  # the next one had no room
        more = [field for field in fields if field in kept or field == max(gone)]
        assert len("  ".join(text for _, text in more)) > room


@pytest.mark.parametrize("width", [1, 8, 22, 30, 49, 50, 80, 119, 200])
def test_a_line_of_progress_fits_and_has_whole_numbers(width):
    stream = Terminal()
    bar = make_bar(stream)
    bar.ncols = width
    show(bar, 0.5, FIELDS)
    line = re.split("[\r\n]", stream.getvalue())[-1].rstrip()
    bar.close()
    assert len(line) <= max(width, 5)
    behind = line.rpartition("|" if width >= progress.NARROW else "%")[2].strip()
    if "|g| " in line:
        behind = line.partition("| ")[2]
    texts = [text for _, text in FIELDS]
    assert all(part in texts for part in behind.split("  ") if part)
    assert (FIELDS[3][1] in line) == (width >= 20)


@pytest.fixture
def impatient(monkeypatch):
    for name in ("PATIENCE", "FIRST_LINE", "MOST_BETWEEN_LINES", "RENEWED_EVERY"):
        monkeypatch.setattr(progress, name, 0.001)


def until(found):
    """Wait for another thread, which is not held to any time."""
    while not found():
        time.sleep(0.001)


def test_a_bar_with_the_time_that_is_left(impatient):
    stream = Terminal()
    with Progress(stream)("proving", 4) as done:
        until(lambda: "so far  proving" in stream.getvalue())
        done(2)
        until(lambda: " 50%|" in stream.getvalue())
    assert re.search(r" 50%\|████    \| 0:00 left  proving", stream.getvalue())
    assert stream.getvalue().rstrip(" ").endswith("\r")  # and it is wiped away


def test_lines_in_a_log(impatient):
    stream = io.StringIO()
    with Progress(stream)("proving", 4) as done:
        done(1)
        until(lambda: "proving: 25%, 0:00 left\n" in stream.getvalue())
    assert not set("\r\x1b") & set(stream.getvalue())
    stream = io.StringIO()
    with Progress(stream)("compiling", None):
        until(lambda: "\n" in stream.getvalue())
    assert stream.getvalue().startswith("compiling: 0:00 so far\n")


def test_a_stream_that_is_gone_ends_nothing(impatient):
    class Gone(Terminal):
        asked = False

        def write(self, text):
            self.asked = True
            raise OSError("gone")

    stream, closed = Gone(), io.StringIO()
    closed.close()
    with Progress(stream)("a", 2) as done:
        until(lambda: stream.asked)
        done()
        # A notice waits for the lock of all bars.
        writer = threading.Thread(target=tqdm.write, args=("", io.StringIO()), daemon=True)
        writer.start()
        writer.join(60)
        assert not writer.is_alive()
    for other in (closed, None):
        with Progress(other)("b", 2) as done:
            done()


def test_nothing_is_said_of_what_takes_no_time():
    stream = Terminal()
    with Progress(stream)("a moment", 1) as done:
        done()
    assert stream.getvalue() == ""


def test_durations():
    assert [duration(s) for s in (0, 59.9, 60, 754, 3723)] == [
        "0:00", "0:59", "1:00", "12:34", "1:02:03",
    ]  # fmt: skip
