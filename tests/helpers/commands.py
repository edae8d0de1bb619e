"""What tests of the command line share."""

from __future__ import annotations

import subprocess

from tests.conftest import ROOT

# Every configuration that comes with charrnn, but for sweeps, which are files of another kind.
CONFIGS = sorted(
    path for path in (ROOT / "configs").rglob("*.yaml") if path.parent.name != "sweeps"
)


def fails(done: subprocess.CompletedProcess[str], code: int, *expected: str) -> None:
    """A command ended with this exit code and a message with these parts, not a traceback."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    for part in expected:
        assert part in done.stderr, done.stderr
