"""Two ranks beside one, and what that predicts for many: a cost model fitted to what is measured.

    python benchmarks/ranks.py

float32, Numba kernels, one thread a rank, whole updates (input, window, exchange, Adam) of an
LSTM 2×256, B 64, T 100. The sides take turns, and of each the fastest step counts: two ranks need
both cores at the same time, which a shared machine seldom gives. Needs the extras fast and mpi.

The model of a step of b streams on each of N cores in hosts of C cores, one rank a host:

    t = f + g·b + (C - 1)·a + 2·(M - 1)·α + 2·(M - 1)/M·n·β,   M = N / C hosts

f and g: a window's fixed cost and a stream's, by least squares on one rank. a: adding a vector of n
bytes, one for each further thread of a host. α and β: a message's latency and a byte's time.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from measuring import TEXT, Report, Spec, Table, output, run

ROUNDS, STEPS = 7, 8
B, T = 64, 100
STREAMS = (8, 16, 32, 64)
FLOATS = (1_000, 100_000, 1_000_000, 4_000_000)
BAR = 1.7
CORES = 16  # of a host, in the predictions
PER_CORE = 32  # streams, where the batch grows with the cores
# α in seconds and β in seconds a byte. Measured by others: see docs/scaling.md.
NETWORKS = {"10 Gb/s, TCP": (25e-6, 1 / 1.1e9), "100 Gb/s, InfiniBand": (1e-6, 1 / 12e9)}
SIZES = {"1 GB": 1e9, "10 GB": 1e10, "100 GB": 1e11, "1 TB": 1e12}


def measure(spec: Spec) -> Any:
    """Seconds of an update, or of an exchange; the first rank prints them."""
    from threadpoolctl import threadpool_limits

    from charrnn.runtime.world import world

    with threadpool_limits(1), world() as group:
        if group.rank:  # what two processes print at once is mixed
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        return _exchanges(group) if spec["what"] == "exchange" else _updates(spec, group)


def _updates(spec: Spec, group: Any) -> dict[str, float]:
    from charrnn import build, config
    from charrnn.data.corpus import load_corpus

    sets = [
        "model.cell=lstm", "model.hidden_size=256", "model.num_layers=2", "runtime.threads=1",
        f"train.batch_size={spec['B']}", f"bptt.k1={T}", f"bptt.k2={T}", f"data.text={TEXT}",
    ]  # fmt: skip
    run = config.load(None, sets)
    trainer = build.trainer(run, load_corpus(run.data))
    trainer.join(group)
    losses = [trainer.update().loss for _ in range(2)]
    times = []
    for _ in range(STEPS):
        group.all_gather(None)
        began = time.perf_counter()
        losses.append(trainer.update().loss)
        times.append(time.perf_counter() - began)
    vector = trainer.grad.flat
    began = time.perf_counter()
    for _ in range(20):
        vector += trainer.state.optimiser.theta
    add = (time.perf_counter() - began) / 20
    return {"seconds": min(times), "add": add, "bytes": vector.nbytes, "loss": losses[-1]}


def _exchanges(group: Any) -> list[float]:
    """Seconds of the sum of a vector of each of FLOATS."""
    from charrnn.runtime.ranks import RankStatus

    found = []
    for length in FLOATS:
        vector, times = np.zeros(length, np.float32), []
        for _ in range(30):
            group.all_gather(None)
            began = time.perf_counter()
            group.all_reduce(vector, RankStatus())
            times.append(time.perf_counter() - began)
        found.append(min(times))
    return found


def child(spec: Spec, ranks: int) -> Any:
    command = [sys.executable, sys.argv[0], "child", json.dumps(spec)]
    if ranks > 1:
        beside = str(Path(sys.executable).parent / "mpiexec")
        command = [shutil.which(beside) or "mpiexec", "-n", str(ranks), *command]
    return json.loads(output(command, 1).splitlines()[-1])


def line(x: Any, y: Any) -> tuple[float, float]:
    """Intercept and slope, by least squares on relative errors; neither below 0."""
    weights = 1 / np.asarray(y)
    both = np.stack([np.ones(len(x)), np.asarray(x, float)], axis=1) * weights[:, None]
    fixed, derivative = np.linalg.lstsq(both, np.ones(len(x)))[0]
    return max(float(fixed), 0.0), float(derivative)


class Model:
    """The module's equation."""

    def __init__(self, streams: dict[int, float], add: float, size: int) -> None:
        self.f, self.g = line(list(streams), list(streams.values()))
        self.add, self.size = add, size

    def exchange(self, ranks: int, network: tuple[float, float]) -> float:
        alpha, beta = network
        return 2 * (ranks - 1) * alpha + 2 * (ranks - 1) / ranks * self.size * beta

    def step(self, streams: float, cores: int, network: tuple[float, float]) -> float:
        on_host = min(cores, CORES)
        own = self.f + self.g * streams + (on_host - 1) * self.add
        return own + self.exchange(cores // on_host, network)


def report(options: argparse.Namespace) -> Report:
    ones, twos, exchanges = [], [], []
    few: dict[int, list[float]] = {b: [] for b in STREAMS[:-1]}
    for turn in range(1 if options.quick else ROUNDS):
        sides = [(ones, 1), (twos, 2)]
        for found, ranks in sides if turn % 2 == 0 else reversed(sides):
            found.append(child({"what": "update", "B": B}, ranks))
        for b, times in few.items():
            times.append(child({"what": "update", "B": b}, 1)["seconds"])
        exchanges.append(child({"what": "exchange"}, 2))
    return told(ones, twos, few, exchanges)


def told(
    ones: list[Spec], twos: list[Spec], few: dict[int, list[float]], exchanges: list[list[float]]
) -> Report:
    """The tables of what was measured, round by round."""
    few = {**few, B: [one["seconds"] for one in ones]}
    streams = {b: min(times) for b, times in few.items()}
    ratios = [one["seconds"] / two["seconds"] for one, two in zip(ones, twos, strict=True)]
    model = Model(streams, min(one["add"] for one in ones), ones[0]["bytes"])
    sums = [min(times) for times in zip(*exchanges, strict=True)]
    alpha, beta = line([4 * length for length in FLOATS], sums)
    shared = (alpha / 2, beta)  # of two ranks: 2α + nβ
    t2 = min(two["seconds"] for two in twos)
    predicted = model.f + model.g * B / 2 + model.exchange(2, shared)
    error = max(abs(one["loss"] / two["loss"] - 1) for one, two in zip(ones, twos, strict=True))
    ratio = streams[B] / t2
    measured = Table(
        f"LSTM 2×256, B {B}, T {T}: fastest of {len(ones)} rounds", ["what", "measured", "model"],
        [
            [f"step of {b} streams, one rank", _ms(t), _ms(model.f + model.g * b)]
            for b, t in streams.items()
        ]
        + [
            ["step of 64 streams, two ranks", _ms(t2), _ms(predicted)],
            [
                "two ranks are faster by", f"**{ratio:.2f}** ({min(ratios):.2f}–{max(ratios):.2f})",
                f"{streams[B] / predicted:.2f}",
            ],
            ["bar", f"{BAR} {'met' if ratio >= BAR else 'MISSED'}", ""],
            ["losses differ by (relative, float32)", f"{error:.1e}", ""],
        ]
        + [
            [f"sum of {4 * n:,} bytes, two ranks", _ms(t), _ms(alpha + beta * 4 * n)]
            for n, t in zip(FLOATS, sums, strict=True)
        ]
        + [["add one vector", _ms(model.add), ""]],
    )  # fmt: skip
    tables = [measured, *_predictions(model, shared)]
    values = {
        "f": model.f, "g": model.g, "add": model.add, "bytes": model.size, "alpha": shared[0],
        "beta": beta, "ratios": ratios, "sums": sums, "streams": streams, "two": t2,
    }  # fmt: skip
    return Report(tables, values, ratio >= BAR)


def _predictions(model: Model, shared: tuple[float, float]) -> list[Table]:
    networks = {**NETWORKS, "shared memory": shared}
    one = model.step(B, 1, shared)
    strong, weak, texts = [], [], []
    for cores in (2, 8, 16, 64, 256, 1024):
        chosen = networks if cores > CORES else {"shared memory": shared}
        for name, network in chosen.items():
            if cores > CORES and name == "shared memory":
                continue
            step = model.step(B / cores, cores, network) if cores <= B else float("nan")
            grown = model.step(PER_CORE, cores, network)
            rate = PER_CORE * cores * T / grown
            if cores <= B:
                strong.append([f"{cores:,}", name, _ms(step), f"{one / step:.1f}"])
            gain = rate * one / (B * T)
            weak.append([f"{cores:,}", f"{PER_CORE * cores:,}", name, f"{rate:,.0f}",
                         f"{gain:.1f}", f"{gain / cores:.0%}"])  # fmt: skip
            texts.append([f"{cores:,}", name, *(_long(size / rate) for size in SIZES.values())])
    return [
        Table(f"Predicted: B {B} shared by all cores", ["cores", "between hosts", "step",
              "times one core"], strong),
        Table(f"Predicted: {PER_CORE} streams a core", ["cores", "B", "between hosts", "chars/s",
              "times one core", "of ideal"], weak),
        Table("Predicted: one pass over a text", ["cores", "between hosts", *SIZES], texts),
    ]  # fmt: skip


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.3g} ms"


def _long(seconds: float) -> str:
    for unit, length in (("years", 365 * 86400), ("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"


if __name__ == "__main__":
    run(report, measure, about=str(__doc__).splitlines()[0], needs=("numba", "mpi4py"))
