"""PyTorch under torch.compile: a hand-written LSTM, beside its own, on one window.

    python benchmarks/compiled_torch.py [--H 100] [--B 1] [--T 25] [--threads 1]

torch.compile does not run PyTorch's LSTM, so that what can be compiled is a loop over time. It is
unrolled, which takes minutes to compile, with a C++ compiler. Both sides by turns, medians.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
import torch_side
from measuring import Spec
from torch.nn.functional import cross_entropy

ROUNDS, SECONDS = 5, 2.0


def hand_written(spec: Spec) -> Callable[[], object]:
    """One window forward and backward, state carried, the loop over time compiled."""
    H, B, T, K = spec["H"], spec["B"], spec["T"], torch_side.K
    sizes = ((K, 4 * H), (H, 4 * H), (4 * H,), (H, K), (K,))
    parameters = [torch.nn.Parameter(0.1 * torch.randn(size)) for size in sizes]
    x, y = torch.randint(0, K, (2, T, B))

    def loss(h: torch.Tensor, s: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        W, U, b, V, c = parameters
        A, outputs = W[x] + b, []
        for t in range(T):
            i, f, o, g = (A[t] + h @ U).chunk(4, 1)
            s = torch.sigmoid(f) * s + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(s)
            outputs.append(h)
        logits = torch.stack(outputs).reshape(-1, H) @ V + c
        return cross_entropy(logits, y.reshape(-1)), h, s

    compiled: Any = torch.compile(loss, fullgraph=True)
    state = [torch.zeros(B, H), torch.zeros(B, H)]

    def one() -> object:
        for parameter in parameters:
            parameter.grad = None
        value, *after = compiled(*state)
        value.backward()
        state[:] = [part.detach() for part in after]
        return value.item()

    return one


def microseconds(work: Callable[[], object]) -> float:
    times, until = [], time.perf_counter() + SECONDS
    while time.perf_counter() < until:
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return 1e6 * median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    for name, value in (("H", 100), ("B", 1), ("T", 25), ("threads", 1)):
        parser.add_argument(f"--{name}", type=int, default=value)
    spec = vars(parser.parse_args()) | {"layers": 1}
    torch.set_num_threads(spec["threads"])
    library, own = torch_side.window(spec), hand_written(spec)
    began = time.perf_counter()
    own(), own()
    print(f"compiled in {time.perf_counter() - began:.0f} s", flush=True)
    rounds = [(microseconds(library), microseconds(own)) for _ in range(ROUNDS)]
    for name, times in zip(("torch.nn.LSTM", "compiled"), zip(*rounds, strict=True), strict=True):
        print(f"{name}: {median(times):,.0f} µs a window ({min(times):,.0f}–{max(times):,.0f})")


if __name__ == "__main__":
    main()
