"""What is said of a run whose process was killed, by one that outlives it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

# Its input ends without a line if the process dies.
_SCRIPT = 'read -r line || printf "%s\\n" "$1" >&2'


@contextlib.contextmanager
def last_words(text: str) -> Iterator[None]:
    """While it lasts: if this process is killed, `text` is written to its stderr.

    A rank that dies takes the others with it, by SIGKILL, and `mpiexec` knows nothing of runs.
    """
    if sys.platform == "win32":
        yield
        return
    heir = subprocess.Popen(
        ["/bin/sh", "-c", _SCRIPT, "sh", text],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            heir.communicate(b"\n")
