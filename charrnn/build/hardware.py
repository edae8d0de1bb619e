"""What runs the numbers: which backend, and how many threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.build.cells import cell
from charrnn.config import Config
from charrnn.errors import MissingExtraError, settings
from charrnn.inference.mixed_sampling import WeightedMixture
from charrnn.inference.sampling import GenerateSteps, Sampling, numpy_sampler, shared_sampler
from charrnn.nn import bptt
from charrnn.nn.backends import NUMPY_BACKEND, Backend
from charrnn.nn.backends.availability import has_compiled, has_numba, import_problem
from charrnn.nn.network import Network
from charrnn.runtime.installation import install_command
from charrnn.runtime.mpi_launch import started
from charrnn.runtime.workers import WorkerPool, blas_threads

# Characters that the NumPy backend draws, or reads, in about the time that importing Numba takes.
WORTH_COMPILED_SAMPLING = 4000
WORTH_COMPILED_READING = 30_000
WORTH_COMPILING = 32  # hidden units
MIN_STREAMS_PER_THREAD = 4  # fewer are not worth a thread
# Nor are fewer multiply-adds of the recurrence: in a window, or in a step of the NumPy loops, whose
# many calls wait for one another.
LEAST_WORK = 2_000_000
SHARED_PRODUCT = 6_000_000  # multiply-adds of a step that several BLAS threads are worth


def backend(config: Config, *, for_inference: bool = False) -> Backend:
    """The implementation of the hot loops that `runtime.kernels` asks for.

    "auto" is the compiled one where Numba is installed and works, unless it is `for_inference` or
    the model so small that importing and compiling would be most of it. Raises MissingExtraError
    where Numba is asked for and cannot be used.
    """
    asked = config.runtime.kernels
    if asked == "numba":
        return numba_backend()
    if asked == "auto" and not for_inference and _worth_compiling(config) and has_compiled():
        return numba_backend()
    return NUMPY_BACKEND


def is_compiled(config: Config) -> bool:
    """Whether the hot loops of training are the compiled ones."""
    return backend(config).is_compiled


def would_be_faster(config: Config) -> bool:
    """Whether "auto" would take the compiled backend if Numba were installed."""
    return config.runtime.kernels == "auto" and _worth_compiling(config) and not has_numba()


def _worth_compiling(config: Config) -> bool:
    return config.model.hidden_size >= WORTH_COMPILING


def numba_backend() -> Backend:
    """The compiled backend. Imports Numba; raises MissingExtraError where it cannot be used."""
    if (error := import_problem()) is not None:
        broken = f" that works, and this one raises {type(error).__name__}" if has_numba() else ""
        raise MissingExtraError(
            f"runtime.kernels: numba needs Numba{broken} ({error})",
            then=f"{install_command('fast')}\n"
            f"  or do without, more slowly: {settings({'runtime.kernels': 'numpy'})}",
        ) from None
    from charrnn.nn.backends.compiled import NUMBA_BACKEND

    return NUMBA_BACKEND


@dataclass(frozen=True)
class Threads:
    """How many threads split the streams, and how many BLAS has in each."""

    split: int
    blas: int

    @property
    def count(self) -> int:
        return max(self.split, self.blas)


def threads(config: Config) -> Threads:
    """How `runtime.threads` are used, "auto" being as many as BLAS would take, shared with the
    other ranks on this host.

    A split of the streams uses them for everything, where each thread gets enough streams, and,
    of "auto", enough to do, which is told by shapes alone. For a few streams BLAS has them, if a
    step's product (B, H) @ (H, G) is large enough to share.
    """
    asked = config.runtime.threads
    available = asked if asked != "auto" else max(blas_threads() // started().on_host, 1)
    B, H = config.train.batch_size, config.model.hidden_size
    split = min(available, B // MIN_STREAMS_PER_THREAD)
    if split > 1 and asked == "auto":
        split = min(split, _work(config) // LEAST_WORK)
    if split > 1:
        return Threads(split, 1)
    return Threads(1, available if B * H * cell(config, H).G >= SHARED_PRODUCT else 1)


def _work(config: Config) -> int:
    """What `LEAST_WORK` is compared with; a sequence, of unknown length, counts as a window."""
    H, layers = config.model.hidden_size, config.model.num_layers
    step = config.train.batch_size * (2 * layers - 1) * H * cell(config, H).G
    return step * config.bptt.k2 if backend(config).is_compiled else step


def available_threads(config: Config) -> int:
    """How many `runtime.threads` are, "auto" being as many as BLAS takes."""
    asked = config.runtime.threads
    return blas_threads() if asked == "auto" else asked


def sampler(
    net: Network, sampling: Sampling, boundary: int | None, characters: int,
    mixed: WeightedMixture | None = None, workers: int = 1,
) -> GenerateSteps:  # fmt: skip
    """What samples characters: compiled where Numba works and there are many to sample.

    `workers`: threads that share many streams.
    """
    has_step = net.cells[0].compiled is not None
    if has_step and characters >= WORTH_COMPILED_SAMPLING and has_compiled():
        from charrnn.nn.backends.compiled.sampling import compiled_sampler

        compiled = compiled_sampler(
            net, sampling.temperature, sampling.top_k, sampling.top_p, sampling.allowed, boundary,
            None if mixed is None else mixed.compiled(),
        )  # fmt: skip
        return shared_sampler(WorkerPool(net, workers), compiled)
    return numpy_sampler(net, sampling, boundary, mixed)


def samples_reader(net: Network, characters: int, workers: int) -> WorkerPool:
    """What reads samples again for their nats: compiled where that saves time."""
    has_step = net.cells[0].compiled is not None
    if has_step and characters >= WORTH_COMPILED_READING and has_compiled():
        net = net.read_by(numba_backend())
    return WorkerPool(net, workers)


def use_compiled_if_worthwhile(net: Network, config: Config, characters: int) -> None:
    """Let the compiled backend read a text of so many characters, where that saves time."""
    if characters >= WORTH_COMPILED_READING:
        net.use(backend(config))


def warm_up(net: Network, *, learning: bool = True) -> None:
    """Run a window of two characters, so that compiled loops are there for the next one."""
    x, state = np.zeros((2, 1), np.int32), net.zero_state(1)
    worker = net.with_own_workspace()
    if not learning:
        worker.nats_and_correct(worker.read(x, state)[0], x)
    elif net.backend.is_compiled:
        _warm_up_compiled(worker, x, state)
    else:
        bptt.gradient(worker, bptt.Batch(x, x), state, net.params.like(), 1.0)


def _warm_up_compiled(net: Network, x: NDArray[np.int32], state: NDArray[Any]) -> None:
    """Where loops have to be compiled first, another process helps."""
    from charrnn.nn.backends.compiled.helper import compiling_beside, run_back
    from charrnn.nn.backends.compiled.product import pack_at, product_at

    with compiling_beside(net) as other:
        for called_by_others in (product_at, pack_at):  # first: the other process needs them soon
            called_by_others(net.dtype)
        net.forward(x, state)
        other.share(net)
        run_back(net)
