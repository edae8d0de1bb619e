"""Processes that compile the way back and reading, beside the one that trains.

Numba compiles in one thread at a time, so that only other processes make other cores useful. They
leave what they compile in the cache on disk, where this process finds it; where they fail in any
way, this process compiles it itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from charrnn.nn.backends.compiled import NUMBA_BACKEND
from charrnn.nn.backends.compiled.cache import at_first_miss
from charrnn.nn.cells.registry import cell_class
from charrnn.nn.network import Network, Tape
from charrnn.nn.params import Workspace

PATIENCE = 20.0  # seconds; it takes about two
BACK, READING = "back", "reading"
# It ends when the pipe that it is told by does: with this process, however that ends.
_PROGRAM = """
import json, os, sys, threading
with open(0, "rb", 0, closefd=False) as pipe:
    request = json.loads(pipe.readline())
threading.Thread(target=lambda: os.read(0, 1) or os._exit(1), daemon=True).start()
sys.path[:] = request.pop("path")
from charrnn.nn.backends.compiled.helper import Request
Request(**request).compile()
"""


@dataclass(frozen=True)
class Request:
    """Which loops (`BACK`, `READING`), a cell as `Cell.from_options` makes it, and its dtype."""

    work: str
    cell: str
    bias: bool
    options: Mapping[str, Any]
    dtype: str
    path: list[str] = field(default_factory=lambda: list(sys.path), compare=False)

    @classmethod
    def of(cls, work: str, network: Network) -> Request | None:
        """For a network's loops; None for cells that no configuration made."""
        cell = network.cells[0]
        if cell.options is None:
            return None
        return cls(work, cell.name, network.bias, cell.options, network.dtype.name)

    def compile(self) -> None:
        """Run the loops over one character, so that the cache has them."""
        made = cell_class(self.cell)
        cell = made.from_options(1, 1, self.bias, NUMBA_BACKEND, self.options)
        run = {BACK: run_back, READING: run_reading}[self.work]
        run(Network([cell], 1, bias=self.bias, dropout=0, dtype=self.dtype))


def run_back(network: Network) -> None:
    """All loops of an update that come after the forward pass, on a window of zeros."""
    cell, zeros, backend = network.cells[0], _Zeros(network.dtype), network.backend
    ids, grad = np.zeros(1, np.int32), network.params.like()
    tape, weights = cell.tape(1, 1, zeros, ""), network.params.layer(0)
    # Those with a product in them last: the process that trains compiles that meanwhile.
    backend.scatter(ids=ids, dA=tape.A[0], dW=grad.layer(0)["W"], db=tape.A[0, 0])
    if backend.adam_step is not None:
        g = grad.flat
        backend.adam_step(
            g, g, g, g, None, 0.0, betas=(0.0, 0.0), epsilon=1.0, corrections=(0.0, 0.0)
        )
    network.learn_outputs(Tape(1, 1, [tape], [], tape.H[1:]), ids[:, None], 0, 1.0, None, grad)
    dH, dA = zeros("dH", (1, 1, network.H)), zeros("dA", tape.A.shape)
    cell.recur_back(weights, tape, dH, network.zero_state(1)[0], grad.layer(0), dA)


def run_reading(network: Network) -> None:
    """The loops that validation runs, which keeps no tape."""
    x = np.zeros((1, 1), np.int32)
    outputs, _ = network.read(x, network.zero_state(1))
    network.nats_and_correct(outputs, x)


class _Zeros(Workspace):
    def __call__(self, name: str, shape: tuple[int, ...], dtype: Any = None) -> Any:
        return np.zeros(shape, dtype or self.dtype)


@contextmanager
def compiling_beside(network: Network) -> Iterator[Callable[[], None]]:
    """While it lasts, a miss of the cache starts the others; yields what waits for them."""
    requests = [Request.of(work, network) for work in (BACK, READING)]
    possible = sys.executable and _cores() > 1
    started: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        for request in requests:
            with suppress(OSError):
                if request is not None:
                    started.append(_start(asdict(request)))

    def wait() -> None:
        for process in started:
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)

    try:
        with at_first_miss(start) if possible else nullcontext():
            yield wait
    finally:
        for process in started:
            process.kill()
            process.communicate()


def _start(request: Mapping[str, Any]) -> subprocess.Popen[bytes]:
    """In a session of its own, so that a Ctrl-C is no business of it."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
    return process


def _cores() -> int:
    """Those that this process may use."""
    with suppress(AttributeError):  # Linux has it
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
