"""A process that compiles loops beside the one that trains.

Numba compiles in one thread at a time, so that only another process makes a second core useful.
Both take from the same list of work, one from its beginning and one from its end, and tell each
other what they take. What is compiled is left in the cache on disk, where the other finds it; where
the other process fails in any way, this one compiles it all.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import IO, Any

import numpy as np

from charrnn.nn.backends.compiled import NUMBA_BACKEND
from charrnn.nn.backends.compiled.cache import at_first_miss
from charrnn.nn.cells.registry import cell_class
from charrnn.nn.network import Network, Tape
from charrnn.nn.params import Workspace

PATIENCE = 20.0  # seconds; it takes about two
# It ends when the pipe that it is told by does: with this process, however that ends.
_PROGRAM = """
import gc, json, sys
gc.disable()
with open(0, "rb", 0, closefd=False) as pipe:
    request = json.loads(pipe.readline())
sys.path[:] = request.pop("path")
from charrnn.nn.backends.compiled.helper import Request
gc.freeze()  # what is imported stays
gc.enable()
Request(**request).compile()
"""


@dataclass(frozen=True)
class Request:
    """Whose loops: a cell as `Cell.from_options` makes it, and its dtype."""

    cell: str
    bias: bool
    options: Mapping[str, Any]
    dtype: str
    path: list[str] = field(default_factory=lambda: list(sys.path), compare=False)

    @classmethod
    def of(cls, network: Network) -> Request | None:
        """For a network's loops; None for cells that no configuration made."""
        cell = network.cells[0]
        if cell.options is None:
            return None
        return cls(cell.name, network.bias, cell.options, network.dtype.name)

    def network(self) -> Network:
        """The least network that has these loops."""
        cell = cell_class(self.cell).from_options(1, 1, self.bias, NUMBA_BACKEND, self.options)
        return Network([cell], 1, bias=self.bias, dropout=0, dtype=self.dtype)

    def compile(self) -> None:
        """In the other process: run the loops over one character, so that the cache has them."""
        shared, network = _Shared(_told, partial(os.write, 1)), self.network()
        for name in WORK:
            if shared.take(name):
                WORK[name](network)


def _update(network: Network) -> None:
    """What follows the gradient, and the rows of W."""
    cell, grad, zeros = network.cells[0], network.params.like(), _Zeros(network.dtype)
    tape, ids = cell.tape(1, 1, zeros, ""), np.zeros(1, np.int32)
    network.backend.scatter(ids=ids, dA=tape.A[0], dW=grad.layer(0)["W"], db=tape.A[0, 0])
    if network.backend.adam_step is not None:
        g = grad.flat
        network.backend.adam_step(
            g, g, g, g, None, 0.0, betas=(0.0, 0.0), epsilon=1.0, corrections=(0.0, 0.0)
        )


def _outputs(network: Network) -> None:
    cell, zeros, ids = network.cells[0], _Zeros(network.dtype), np.zeros((1, 1), np.int32)
    tape = cell.tape(1, 1, zeros, "")
    network.learn_outputs(
        Tape(1, 1, [tape], [], tape.H[1:]), ids, 0, 1.0, None, network.params.like()
    )


def _back(network: Network) -> None:
    cell, grad, zeros = network.cells[0], network.params.like(), _Zeros(network.dtype)
    tape = cell.tape(1, 1, zeros, "")
    dH, dA = zeros("dH", (1, 1, network.H)), zeros("dA", tape.A.shape)
    initial = network.zero_state(1)[0]
    cell.recur_back(network.params.layer(0), tape, dH, initial, grad.layer(0), dA)


def _nats(network: Network) -> None:
    """Validation's losses."""
    outputs = _Zeros(network.dtype)("outputs", (1, 1, network.H))
    network.nats_and_correct(Tape(1, 1, [], [], outputs), np.zeros((1, 1), np.int32))


def _reading(network: Network) -> None:
    """Without a tape, as validation does."""
    network.read(np.zeros((1, 1), np.int32), network.zero_state(1))


# All loops after the forward pass, over a window of zeros. What takes longest begins early, from
# either end; first is what has no product in it, which the process that trains compiles meanwhile.
WORK: dict[str, Callable[[Network], None]] = {
    "update": _update,
    "outputs": _outputs,
    "back": _back,
    "nats": _nats,
    "reading": _reading,
}
_LEARNING = ("update", "outputs", "back")


def run_back(network: Network) -> None:
    """All loops of an update that come after the forward pass."""
    for name in _LEARNING:
        WORK[name](network)


class _Zeros(Workspace):
    def __call__(self, name: str, shape: tuple[int, ...], dtype: Any = None) -> Any:
        return np.zeros(shape, dtype or self.dtype)


class _Shared:
    """The list of work, as one of two processes sees it: what the other takes is told by a byte."""

    def __init__(self, read: Callable[[], bytes], write: Callable[[bytes], Any]) -> None:
        self._read, self._write = read, write
        self._others: set[int] = set()
        self.listening = threading.Thread(target=self._listen, daemon=True)
        self.listening.start()

    def _listen(self) -> None:
        with suppress(OSError, ValueError):  # closed meanwhile
            while byte := self._read():
                self._others.add(byte[0])

    def take(self, name: str) -> bool:
        """Whether this work is left, and the caller's now."""
        index = list(WORK).index(name)
        if index in self._others:
            return False
        with suppress(OSError):  # the other has ended
            self._write(bytes([index]))
        return True


def _told() -> bytes:
    """By the process that started this one, with which it ends."""
    return os.read(0, 1) or os._exit(1)


class Beside:
    """The other process, while and where there is one."""

    def __init__(self, network: Network) -> None:
        self._request = Request.of(network) if sys.executable and _cores() > 1 else None
        self._process: subprocess.Popen[bytes] | None = None
        self._shared: _Shared | None = None

    def start(self) -> None:
        """Without one where the system has no more processes or threads."""
        if self._request is None:
            return
        with suppress(OSError, RuntimeError):
            self._process = _start(self._request)
            read, write = _ends(self._process)
            self._shared = _Shared(partial(read.read, 1), write.write)

    def share(self, network: Network) -> None:
        """Compile what the other process has not taken, and wait for what it has."""
        if self._process is None or self._shared is None:
            return
        for name in reversed(WORK):
            if self._shared.take(name):
                WORK[name](network)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._shared is not None:
                self._shared.listening.join()
            for pipe in _ends(self._process):
                pipe.close()


@contextmanager
def compiling_beside(network: Network) -> Iterator[Beside]:
    """While it lasts, the first loop that the cache has not starts another process."""
    other = Beside(network)
    frozen = ExitStack()

    def start() -> None:
        other.start()
        frozen.enter_context(_little_collecting())

    try:
        with frozen, at_first_miss(start):
            yield other
    finally:
        other.end()


@contextmanager
def _little_collecting() -> Iterator[None]:
    """To look for what compiling leaves among all that is imported takes a tenth of its time."""
    own = gc.get_freeze_count() == 0
    if own:
        gc.freeze()
    try:
        yield
    finally:
        if own:
            gc.unfreeze()


def _start(request: Request) -> subprocess.Popen[bytes]:
    """In a session of its own, so that a Ctrl-C is no business of it."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, start_new_session=True, bufsize=0,
    )  # fmt: skip
    with suppress(OSError):
        _ends(process)[1].write(json.dumps(asdict(request)).encode() + b"\n")
    return process


def _ends(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    """What it says, and what it hears."""
    assert process.stdout is not None
    assert process.stdin is not None
    return process.stdout, process.stdin


def _cores() -> int:
    """Those that this process may use."""
    with suppress(AttributeError):  # Linux has it
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
