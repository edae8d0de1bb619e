"""`python -m charrnn.runs.sweep.child ARGUMENTS`: charrnn, which ends with the sweep that began it.

A sweep that is killed with no chance to say so closes its end of the pipe that is stdin here. To
this process that is a SIGTERM: it saves, and lets go of its run.
"""

from __future__ import annotations

import contextlib
import os
import runpy
import signal
import sys
import threading


def main() -> None:
    """Run the command line that the arguments are."""
    with contextlib.suppress(RuntimeError):  # can't start new thread
        threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.argv[0] = "charrnn"
    runpy.run_module("charrnn", run_name="__main__")


def _end_with_parent() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 1):
            pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
