"""Peak memory of a training process, LSTM 2×128 B 50 T 50: charrnn beside an equal PyTorch script.

    python benchmarks/memory.py

The largest resident size as the system accounts for it. charrnn's side is the program `charrnn
train` with its evaluation and checkpoint; PyTorch's is a loop that only trains.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median

from measuring import CHARRNN, TEXT, Report, Spec, Table, below, peak_memory, run

ROUNDS, STEPS = 3, 100
BAR = 1 / 3  # of PyTorch's peak


def measure(spec: Spec) -> float:
    """PyTorch's side, in this process."""
    import torch_side

    return torch_side.train(spec)


def charrnn(kernels: str, steps: int) -> float:
    """MiB of `charrnn train` with its defaults."""
    with tempfile.TemporaryDirectory() as folder:
        return peak_memory(
            [*CHARRNN, "train", "--text", str(TEXT), "--steps", str(steps), "-q", "--set",
             f"runtime.kernels={kernels}", "--out", str(Path(folder, "run"))]
        )  # fmt: skip


def torch(steps: int) -> float:
    """MiB of the PyTorch script."""
    spec = {"H": 128, "layers": 2, "B": 50, "T": 50, "steps": steps}
    return peak_memory([sys.executable, sys.argv[0], "child", json.dumps(spec)])


def report(options: argparse.Namespace) -> Report:
    rounds, steps = (1, 10) if options.quick else (ROUNDS, STEPS)
    charrnn("numba", 1)  # so that the kernels are compiled
    peaks: dict[str, list[float]] = {"numba": [], "numpy": [], "torch": []}
    for _ in range(rounds):
        for kernels in ("numba", "numpy"):
            peaks[kernels].append(charrnn(kernels, steps))
        peaks["torch"].append(torch(steps))
    medians = {side: median(values) for side, values in peaks.items()}
    names = {"numba": "charrnn, Numba kernels", "numpy": "charrnn, NumPy kernels",
             "torch": "PyTorch"}  # fmt: skip
    rows = [
        [names[side], f"{peak:.0f} MiB", f"{peak / medians['torch']:.2f}",
         "" if side == "torch" else below(peak / medians["torch"], round(BAR, 3), "")]
        for side, peak in medians.items()
    ]  # fmt: skip
    columns = ["process", "peak", "of PyTorch's", "bar"]
    return Report([Table("Peak memory while training", columns, rows)], {"MiB": peaks})


if __name__ == "__main__":
    run(report, measure, about=str(__doc__).splitlines()[0], needs=("torch", "numba"))
