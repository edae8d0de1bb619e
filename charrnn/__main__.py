"""`python -m charrnn` is the `charrnn` command: what has to be done before anything is imported."""

import os
import sys

# `signal`, which is made of it, takes milliseconds to import.
from _signal import SIGINT, default_int_handler, getsignal, signal  # type: ignore[import-not-found]

STOPPED = 128 + SIGINT


def main() -> None:
    """Run the command line; exit with the code that docs/errors.md lists."""
    ours = getsignal(SIGINT) is default_int_handler
    if ours:  # in a script's background job it is ignored, and stays so
        signal(SIGINT, _leave)
    _open_closed_streams()
    from charrnn.cli.main import main as command_line
    from charrnn.runtime.signals import interrupt, leave_if_interrupted

    sys.unraisablehook = leave_if_interrupted
    try:
        if ours:
            signal(SIGINT, interrupt)
        command_line()
    except KeyboardInterrupt:
        os._exit(STOPPED)
    finally:
        if ours:  # while Python ends, as before it began
            signal(SIGINT, _leave)


def _leave(*_: object) -> None:
    os._exit(STOPPED)


def _open_closed_streams() -> None:
    """Have descriptors 0 to 2 lead nowhere if they are closed (`2>&-`).

    The next file to be opened would get the number, and what is meant for stderr.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
            os.set_inheritable(opened, True)


if __name__ == "__main__":
    main()
