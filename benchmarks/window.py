"""One window forward and backward, LSTM 2×128 B 50 T 50 K 65 float32: charrnn beside PyTorch.

Each side runs in processes of its own, turn by turn, so that their thread pools do not fight;
the figure is the median of each process's windows, then the median over processes.

    python benchmarks/window.py [threads]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

T, B, H, K, LAYERS = 50, 50, 128, 65, 2
ROUNDS, WINDOWS = 7, 40


def charrnn_window() -> Callable[[], object]:
    import numpy as np

    from charrnn import bptt, build, config

    settings = config.load(None, [f"model.hidden_size={H}", f"model.num_layers={LAYERS}"])
    network = build.network(settings, K, B=B)
    build.initialise(network, settings)
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, K, (2, T, B)).astype(np.int32)
    state, grad = network.zero_state(B), network.params.like()

    def window() -> object:
        nonlocal state
        grad.flat.fill(0)
        state = bptt.gradient(network, bptt.Span(x, y), state, grad, 1 / (T * B)).state
        return state

    return window


def torch_window() -> Callable[[], object]:
    import torch
    from torch.nn.functional import cross_entropy, one_hot

    torch.set_num_threads(int(sys.argv[2]))
    rnn, readout = torch.nn.LSTM(K, H, LAYERS), torch.nn.Linear(H, K)
    parameters = [*rnn.parameters(), *readout.parameters()]
    x, y = torch.randint(0, K, (T, B)), torch.randint(0, K, (T, B))
    state = (torch.zeros(LAYERS, B, H), torch.zeros(LAYERS, B, H))

    def window() -> object:
        nonlocal state
        for p in parameters:
            p.grad = None
        out, last = rnn(one_hot(x, K).float(), state)
        cross_entropy(readout(out).reshape(-1, K), y.reshape(-1)).backward()
        state = (last[0].detach(), last[1].detach())
        return state

    return window


def measure(side: str, threads: int) -> float:
    """Median seconds of a window, in this process."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(threads):
        window = charrnn_window() if side == "charrnn" else torch_window()
        for _ in range(5):
            window()
        seconds = []
        for _ in range(WINDOWS):
            began = time.perf_counter()
            window()
            seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def main() -> None:
    if len(sys.argv) > 2:
        print(measure(sys.argv[1], int(sys.argv[2])))
        return
    threads = sys.argv[1] if len(sys.argv) > 1 else "2"
    rounds: dict[str, list[float]] = {"charrnn": [], "torch": []}
    for _ in range(ROUNDS):
        for side, seconds in rounds.items():
            command = [sys.executable, __file__, side, threads]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            seconds.append(float(done.stdout))
    for side, seconds in rounds.items():
        rate = T * B / statistics.median(seconds)
        print(f"{side:8} {1e3 * statistics.median(seconds):7.2f} ms  {rate:8,.0f} chars/s")
    ratios = [t / c for c, t in zip(rounds["charrnn"], rounds["torch"], strict=True)]
    pairs = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(f"charrnn is {statistics.median(ratios):.2f} × PyTorch; pairs: {pairs}")


if __name__ == "__main__":
    main()
