"""Getting compiled kernels ready before something is timed or shown."""

from __future__ import annotations

import threading
from collections.abc import Callable

from charrnn import build
from charrnn.nn.network import Network

PATIENCE = 1.5  # seconds; kernels that were compiled before are loaded in less
NOTICE = "compiling the fast kernels for this processor: once, and kept for later runs"


def prepare(network: Network, tell: Callable[[str], None], *, learning: bool = True) -> None:
    """Compile or load the network's kernels, and say so where it takes a while."""
    if network.backend.name != "numba":
        return
    timer = threading.Timer(PATIENCE, tell, [NOTICE])
    timer.daemon = True
    timer.start()
    try:
        build.warm_up(network, learning=learning)
    finally:
        timer.cancel()
