"""Full BPTT over a long text: peak memory of the process, time per character, and exactness.

    python benchmarks/full_bptt.py            the three measurements below, each in its own process
    python benchmarks/full_bptt.py run T WINDOW

LSTM 1×128, K 65, B 1, float32, one gradient over the whole text.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time

import numpy as np

from charrnn import bptt, build, config

K, H = 65, 128


def run(T: int, window: int | str) -> dict[str, float]:
    """One gradient over T characters, the tape kept `window` steps at a time."""
    settings = config.load(None, [f"model.hidden_size={H}", "model.num_layers=1"])
    network = build.network(settings, K)
    build.initialise(network, settings)
    rng = np.random.default_rng(0)
    ids = rng.integers(0, K, (T + 1, 1)).astype(np.int32)
    grad = network.params.like()
    began = time.perf_counter()
    outcome = bptt.gradient(
        network, bptt.Span(ids[:-1], ids[1:]), network.zero_state(1), grad, 1 / T, window=window
    )
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "T": T, "window": bptt.window_length(window, T, 1), "peak_MiB": peak, "seconds": seconds,
        "us_per_char": 1e6 * seconds / T, "loss": outcome.loss / T,
        "norm": float(np.linalg.norm(grad.flat.astype(np.float64))),
    }  # fmt: skip


def measure(T: int, window: int | str) -> dict[str, float]:
    command = [sys.executable, __file__, "run", str(T), str(window)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    values: dict[str, float] = json.loads(done.stdout)
    print({k: round(v, 6) for k, v in values.items()}, flush=True)
    return values


def main() -> None:
    if sys.argv[1:2] == ["run"]:
        window = sys.argv[3] if sys.argv[3] == "auto" else int(sys.argv[3])
        print(json.dumps(run(int(sys.argv[2]), window)))
        return
    measure(1_000_000, "auto")
    ratios = []
    for _ in range(3):
        whole = measure(60_000, 60_000)
        parts = measure(60_000, 245)
        ratios.append(parts["us_per_char"] / whole["us_per_char"])
        print(f"norms differ by {abs(parts['norm'] / whole['norm'] - 1):.1e}, "
              f"time per character {ratios[-1]:.2f} × one window")  # fmt: skip
    print(f"median ratio {sorted(ratios)[1]:.2f}")


if __name__ == "__main__":
    main()
