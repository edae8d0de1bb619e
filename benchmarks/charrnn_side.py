"""charrnn's side of the benchmarks: windows and steps exactly as `charrnn train` runs them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from made_names import GROUPS, names
from measuring import Spec
from threadpoolctl import threadpool_limits

from charrnn import build, config
from charrnn.config import Config
from charrnn.data.corpus import load_corpus
from charrnn.nn import bptt
from charrnn.nn.network import Network
from charrnn.runtime.workers import WorkerPool
from charrnn.training.trainer import Trainer

K = 65


def settings(spec: Spec) -> Config:
    """The configuration that a spec stands for."""
    keys = {
        "model.cell": spec.get("cell", "lstm"),
        "model.hidden_size": spec["H"],
        "model.num_layers": spec["layers"],
        "train.batch_size": spec["B"],
        "bptt.k1": spec["T"],
        "runtime.kernels": spec.get("kernels", "numba"),
        "runtime.threads": spec.get("threads", 2),
        "data.split": "[1,0,0]",
    }
    return config.load(None, [f"{key}={value}" for key, value in keys.items()] + spec["sets"])


def network(spec: Spec) -> Network:
    """An initialised network."""
    chosen = settings(spec)
    net = build.network(chosen, spec.get("K", K))
    build.initialise(net, chosen)
    return net


def window(spec: Spec) -> Callable[[], object]:
    """One window forward and backward, the streams split over threads, state carried."""
    net = network(spec)
    plan = build.threads(settings(spec))
    threadpool_limits(plan.blas, user_api="blas")
    split, grad = WorkerPool(net, plan.split), net.params.like()
    T, B = spec["T"], spec["B"]
    x, y = np.random.default_rng(0).integers(0, net.K, (2, T, B)).astype(np.int32)
    batch, state = bptt.Batch(x, y), net.zero_state(B)

    def one() -> object:
        nonlocal state
        grad.flat.fill(0)
        state = split.gradient(batch, state, grad, 1 / (T * B)).state
        return state

    return one


def reading(spec: Spec) -> Callable[[], object]:
    """The nats of one window, nothing flowing back, state carried."""
    net = network(spec)
    threadpool_limits(1, user_api="blas")
    split, T, B = WorkerPool(net, spec["threads"]), spec["T"], spec["B"]
    x, y = np.random.default_rng(0).integers(0, net.K, (2, T, B)).astype(np.int32)
    state = net.zero_state(B)

    def part(_: int, own: Network, streams: range) -> object:
        cut = slice(streams.start, streams.stop)
        tape, state[:, :, cut] = own.read(x[:, cut], state[:, :, cut])
        return own.nats_and_correct(tape, np.ascontiguousarray(y[:, cut]))

    return lambda: split.run(B, part)


def step(spec: Spec) -> Callable[[], object]:
    """One update as in training: gradient, norm, clipping, optimiser, checks."""
    return trainer(spec, 20 * spec["T"] * spec["B"]).update


def epoch_of_lines(spec: Spec) -> Callable[[], object]:
    """All updates of an epoch in lines mode."""
    sets = [*spec["sets"], "data.mode=lines"]
    made = _trainer_on("\n".join(names(spec)), {**spec, "sets": sets})
    assert made.loader.batches_per_epoch == GROUPS

    def epoch() -> None:
        for _ in range(GROUPS):
            made.update()

    return epoch


def trainer(spec: Spec, characters: int) -> Trainer:
    """A run at its beginning on so many random characters of K kinds."""
    symbols = np.array([chr(0x100 + k) for k in range(spec.get("K", K))])
    drawn = np.random.default_rng(0).integers(0, len(symbols), characters)
    drawn[: len(symbols)] = np.arange(len(symbols))
    return _trainer_on("".join(symbols[drawn]), spec)


def _trainer_on(text: str, spec: Spec) -> Trainer:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "text.txt")
        path.write_text(text, encoding="utf-8")
        chosen = settings({**spec, "sets": [*spec["sets"], f"data.text={path}"]})
        made = build.trainer(chosen, load_corpus(chosen.data))
    threadpool_limits(build.threads(chosen).blas, user_api="blas")
    return made


def flops_per_character(spec: Spec) -> int:
    """Multiplications and additions in the products of one window, forward and backward.

    U, W and V forward, and twice that on the way back; the first W is rows gathered.
    """
    net = network(spec)
    elements = sum(
        view.size
        for name, view in net.params.items()
        if name.rsplit(".", 1)[-1] in ("W", "U", "V") and name != "layers.0.W"
    )
    return 3 * 2 * elements
