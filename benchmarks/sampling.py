"""Sampling from an LSTM 2×128, K 65, float32: one stream, and 64 streams together.

    python benchmarks/sampling.py

charrnn draws compiled, and with plain NumPy on one thread. PyTorch steps its LSTM module,
onnxruntime a model of one step. Each has one thread and two, and the faster counts.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import median
from typing import Any

from measuring import Report, Spec, Table, against, in_turn, median_of_pairs, run, seconds_each

ROUNDS, SECONDS = 5, 2.0
# Bars: how many times as fast as each rival charrnn is to be, by streams.
BARS = {1: {"torch": 12.0, "onnx": 2.5}, 64: {"torch": 5.0, "onnx": 2.0}}
# Characters of one timed call, long enough that its beginning does not count.
LENGTH = {"charrnn": 8192, "plain": 512, "torch": 512, "onnx": 512}
NAMES = {"charrnn": "charrnn", "plain": "charrnn, plain", "torch": "PyTorch", "onnx": "onnxruntime"}


def measure(spec: Spec) -> float:
    """Characters a second of all streams together."""
    if spec["side"] == "torch":
        import torch_side

        work = torch_side.sampling(spec)
    elif spec["side"] == "onnx":
        import onnx_side

        work = onnx_side.sampling(spec)
    else:
        work = _charrnn(spec)
    return spec["B"] * spec["length"] / seconds_each(work, spec["seconds"], warm_up=1)


def _charrnn(spec: Spec) -> Callable[[], object]:
    import charrnn_side
    import numpy as np

    from charrnn import build
    from charrnn.inference.sampling import Sampling, numpy_sampler, sample

    net = charrnn_side.network({**spec, "T": 1, "sets": [], "kernels": "numpy"})
    if spec["side"] == "plain":
        generate_steps = numpy_sampler(net, Sampling())
    else:
        generate_steps = build.sampler(
            net, Sampling(), None, build.hardware.WORTH_COMPILED_SAMPLING, workers=spec["threads"]
        )
    prime, streams = np.zeros(1, np.int32), range(spec["B"])

    def one() -> object:
        return sum(
            len(chunk)
            for chunk in sample(net, prime, spec["length"], generate_steps, 1, indices=streams)
        )

    return one


def compare(B: int, rounds: int, seconds: float) -> dict[str, Any]:
    """Rates of all sides with B streams, and charrnn's ratio to each rival's better one."""
    sides = [
        {"side": side, "threads": threads, "B": B, "H": 128, "layers": 2,
         "length": LENGTH[side] // (4 if B > 1 else 1), "seconds": seconds}
        for side in LENGTH
        for threads in ((1,) if side == "plain" else (1, 2))
    ]  # fmt: skip
    best: dict[str, tuple[list[float], int]] = {}
    for spec, rates in zip(sides, in_turn(sides, 1, rounds), strict=True):
        side = str(spec["side"])
        if side not in best or median(rates) > median(best[side][0]):
            best[side] = (rates, int(str(spec["threads"])))
    return {
        side: {
            "chars_per_second": median(rates), "threads": threads,
            "ratio": median_of_pairs(best["charrnn"][0], rates), "bar": BARS[B].get(side),
        }
        for side, (rates, threads) in best.items()
    }  # fmt: skip


def report(options: argparse.Namespace) -> Report:
    rounds, seconds = (1, 0.3) if options.quick else (ROUNDS, SECONDS)
    found = {B: compare(B, rounds, seconds) for B in BARS}
    columns = ["side", "threads", "chars/s", "charrnn is", "bar"]
    tables = [
        Table(f"Sampling, {B} stream{'s together' * (B > 1)}", columns, _rows(values))
        for B, values in found.items()
    ]
    return Report(tables, {"streams": found})


def _rows(values: dict[str, Any]) -> list[list[str]]:
    return [
        [NAMES[side], str(v["threads"]), f"{v['chars_per_second']:,.0f}",
         "" if side == "charrnn" else f"**{v['ratio']:.1f} ×**", against(v["ratio"], v["bar"])]
        for side, v in values.items()
    ]  # fmt: skip


if __name__ == "__main__":
    packages = ("torch", "onnx", "onnxruntime", "numba")
    run(report, measure, about=str(__doc__).splitlines()[0], needs=packages)
