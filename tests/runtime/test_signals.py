"""Which signals stop, which are left alone, and which are in a hurry."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from charrnn.runtime.signals import StopSignal
from tests.conftest import PATIENCE, ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGHUP")


@pytest.mark.parametrize("embedded", [False, True])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_is_ignored_stays_ignored(number, embedded):
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with StopSignal(embedded=embedded, quiet=True) as stop:
            signal.raise_signal(number)
            assert not stop.requested
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize(
    ("numbers", "code"),
    [
        ("SIGHUP SIGHUP SIGHUP", "1"),
        ("SIGTERM SIGHUP", "15"),
        ("SIGHUP SIGTERM", "1"),
        ("SIGHUP SIGTERM SIGTERM", ""),
        ("SIGINT SIGINT", ""),
        ("SIGINT SIGTERM", ""),
    ],
)
def test_the_second_that_a_user_sends_ends_at_once(numbers, code):
    """What is printed is the signal that a run would report, after saving."""
    program = (
        "import signal\nfrom charrnn.runtime.signals import StopSignal\n"
        "with StopSignal(quiet=True) as stop:\n"
        f"    for name in {numbers.split()}: signal.raise_signal(getattr(signal, name))\n"
        "    print(stop.number)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE
    )
    last = getattr(signal, numbers.split()[-1])
    assert (done.stdout.strip(), done.returncode) == (code, 0 if code else 128 + last)
