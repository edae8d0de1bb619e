"""Full BPTT over a long text: peak memory of the process, time per character, and exactness.

    python benchmarks/full_bptt.py

LSTM 1×128, K 65, B 1, float32, one gradient over the whole text, in windows and in one.
"""

from __future__ import annotations

import argparse
from statistics import median
from typing import Any

from measuring import Report, Spec, Table, in_turn, run

ROUNDS = 3
LONG, SHORT, WINDOW = 1_000_000, 60_000, 245


def measure(spec: Spec) -> dict[str, Any]:
    """One gradient over T characters, the tape kept `window` steps at a time."""
    import resource
    import time

    import charrnn_side
    import numpy as np

    from charrnn import build
    from charrnn.nn import bptt

    T, window = spec["T"], spec["window"]
    network = charrnn_side.network({**spec, "H": 128, "layers": 1, "B": 1, "sets": []})
    build.warm_up(network)
    ids = np.random.default_rng(0).integers(0, network.K, (T + 1, 1)).astype(np.int32)
    grad, batch = network.params.like(), bptt.Batch(ids[:-1], ids[1:])
    began = time.perf_counter()
    bptt.gradient(network, batch, network.zero_state(1), grad, 1 / T, window=window)
    seconds = time.perf_counter() - began
    return {
        "MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "us_per_char": 1e6 * seconds / T,
        "norm": float(np.linalg.norm(grad.flat.astype(np.float64))),
    }


def report(options: argparse.Namespace) -> Report:
    rounds, long, short = (1, 10_000, 5_000) if options.quick else (ROUNDS, LONG, SHORT)
    sides: list[Spec] = [
        {"T": T, "window": window, "kernels": kernels}
        for kernels in ("numba", "numpy")
        for T, window in ((long, "auto"), (short, short), (short, WINDOW))
    ]
    found = in_turn(sides, 1, rounds)
    rows = [
        [side["kernels"], f"{side['T']:,}", f"{side['window']}",
         f"{median(one['MiB'] for one in values):.0f} MiB",
         f"{median(one['us_per_char'] for one in values):.1f}",
         f"{values[0]['norm']:.7g}"]
        for side, values in zip(sides, found, strict=True)
    ]  # fmt: skip
    columns = [
        "kernels",
        "characters",
        "window",
        "peak memory",
        "µs per character",
        "gradient's norm",
    ]
    values = [{**side, "found": one} for side, one in zip(sides, found, strict=True)]
    return Report([Table("Full BPTT, LSTM 1×128", columns, rows)], {"rows": values})


if __name__ == "__main__":
    run(report, measure, about=str(__doc__).splitlines()[0], needs=("numba",))
