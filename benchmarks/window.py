"""One window forward and backward, and one whole training step: charrnn beside PyTorch.

    python benchmarks/window.py
    python benchmarks/window.py --rows lstm-2x128 gru-2x128 --threads 1

float32, K 65, state carried; `lines` are epochs of names in batches padded to their longest, on
PyTorch's side as the names come or, `grouped`, of about equal length as charrnn has them. A share
is the model's multiplications and additions in products, per second, over those of this machine's
own sgemm with as many threads.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from statistics import median
from typing import Any

from made_names import characters
from measuring import (
    Report,
    Spec,
    Table,
    against,
    child,
    in_turn,
    median_of_pairs,
    run,
    seconds_each,
)

ROUNDS, SECONDS = 7, 1.0
SGEMM = 1024  # rows and columns of the square product that measures the machine


@dataclass(frozen=True)
class Row:
    """One comparison; `sets` are keys that PyTorch has no counterpart of, its side is plain."""

    name: str
    cell: str = "lstm"
    H: int = 128
    layers: int = 2
    B: int = 50
    T: int = 50
    sets: tuple[str, ...] = ()
    kernels: str = "numba"
    work: str = "window"
    bar: float | None = None
    grouped: bool = False

    def spec(self, side: str, threads: int, seconds: float) -> Spec:
        own = side == "charrnn"
        return {
            "side": side, "cell": self.cell, "H": self.H, "layers": self.layers, "B": self.B,
            "T": self.T, "sets": list(self.sets) if own else [], "kernels": self.kernels,
            "work": self.work, "threads": threads, "seconds": seconds,
            "grouped": self.grouped,
        }  # fmt: skip

    @property
    def title(self) -> str:
        shape = f"{self.cell.upper()} {self.layers}×{self.H} B{self.B}"
        return f"{shape} names" if self.work == "lines" else f"{shape} T{self.T}"

    @property
    def characters(self) -> int:
        """Of one call of what is measured."""
        if self.work == "lines":
            return characters({"B": self.B})
        return self.T * self.B


STEP = ("optim.name=adam", "optim.grad_clip=5", "optim.grad_clip_mode=norm")
ROWS = [
    Row("lstm-2x128", bar=1.5),
    Row("gru-2x128", cell="gru", bar=1.5),
    Row("rnn-2x128", cell="rnn", bar=1.5),
    Row("lstm-1x256", H=256, layers=1, B=32, T=64, bar=1.2),
    Row("lstm-2x512", H=512, B=64, T=100, bar=1.1),
    Row("lstm-1x100", H=100, layers=1, B=1, T=25, bar=4.5),
    Row("peepholes", sets=("model.peepholes=true",), bar=1.4),
    Row("1997", sets=("model.forget_gate=false",), bar=1.4),
    Row("coupled", sets=("model.coupled_gates=true",), bar=1.4),
    Row("plain", kernels="numpy", bar=1.0),
    Row("step", work="step", sets=STEP, bar=1.5),
    Row("lstm-1x32", H=32, layers=1, B=16, bar=4.0),
    Row("step-1x100", H=100, layers=1, B=1, T=25, work="step", sets=STEP),
    Row("step-1x32", H=32, layers=1, B=16, work="step", sets=STEP),
    Row("lines-1x200", H=200, layers=1, B=32, work="lines", sets=STEP, bar=2.5),
    Row("lines-grouped", H=200, layers=1, B=32, work="lines", sets=STEP, grouped=True),
]


def measure(spec: Spec) -> dict[str, float]:
    """Seconds of one window or step, or of one square product."""
    if spec["side"] == "sgemm":
        return {"seconds": sgemm(spec["seconds"])}
    side: Any
    if spec["side"] == "charrnn":
        import charrnn_side as side
    else:
        import torch_side as side
    works = {"step": side.step, "window": side.window, "lines": side.epoch_of_lines}
    work = works[spec["work"]](spec)
    found = {"seconds": seconds_each(work, spec["seconds"])}
    if spec["side"] == "charrnn":
        found["flops"] = side.flops_per_character(spec)
    return found


def sgemm(seconds: float) -> float:
    import numpy as np

    A = np.random.default_rng(0).random((SGEMM, SGEMM), np.float32)
    out = np.empty_like(A)
    return seconds_each(lambda: np.matmul(A, A, out=out), seconds)


def compare(row: Row, threads: int, rounds: int, seconds: float) -> dict[str, Any]:
    """The figures of one row: characters a second, ratios, shares of the sgemm rate."""
    sides = [row.spec(side, threads, seconds) for side in ("charrnn", "torch")]
    sgemm = {"side": "sgemm", "seconds": seconds / 4}
    own, torch, product = in_turn([*sides, sgemm], threads, rounds)
    rates = {
        name: [row.characters / found["seconds"] for found in side]
        for name, side in (("charrnn", own), ("torch", torch))
    }
    machine = [2 * SGEMM**3 / found["seconds"] for found in product]
    flops = {"charrnn": own[0]["flops"], "torch": _plain_flops(row, threads)}
    shares = {
        name: median(r * flops[name] / m for r, m in zip(rates[name], machine, strict=True))
        for name in rates
    }
    return {
        "row": row.name, "chars_per_second": {name: median(r) for name, r in rates.items()},
        "ratio": median_of_pairs(rates["charrnn"], rates["torch"]),
        "pairs": [a / b for a, b in zip(rates["charrnn"], rates["torch"], strict=True)],
        "sgemm_gflops": median(machine) / 1e9, "share": shares, "bar": row.bar,
    }  # fmt: skip


def _plain_flops(row: Row, threads: int) -> int:
    from charrnn_side import flops_per_character

    return flops_per_character({**row.spec("torch", threads, 0), "kernels": "numpy"})


def report(options: argparse.Namespace) -> Report:
    rounds, seconds = (2, 0.3) if options.quick else (ROUNDS, SECONDS)
    rows = [row for row in ROWS if not options.rows or row.name in options.rows]
    child({**rows[0].spec("charrnn", options.threads, 0), "seconds": 0}, options.threads)
    found = [compare(row, options.threads, rounds, seconds) for row in rows]
    lines = [_cells(row, values) for row, values in zip(rows, found, strict=True)]
    columns = ["row", "model", "charrnn chars/s", "PyTorch chars/s", "ratio (pairs)", "bar",
               "share of sgemm: charrnn", "PyTorch"]  # fmt: skip
    rate = median(values["sgemm_gflops"] for values in found)
    title = f"Windows, {options.threads} threads a side; sgemm {rate:.0f} GFLOP/s"
    return Report([Table(title, columns, lines)], {"threads": options.threads, "rows": found})


def _cells(row: Row, values: dict[str, Any]) -> list[str]:
    rates, shares, pairs = values["chars_per_second"], values["share"], values["pairs"]
    return [
        row.name, row.title, f"{rates['charrnn']:,.0f}", f"{rates['torch']:,.0f}",
        f"**{values['ratio']:.2f}** ({min(pairs):.2f}–{max(pairs):.2f})",
        against(values["ratio"], row.bar), f"{shares['charrnn']:.0%}", f"{shares['torch']:.0%}",
    ]  # fmt: skip


def more(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threads", type=int, default=2, help="threads of each side [2]")
    parser.add_argument("--rows", nargs="+", choices=[row.name for row in ROWS], metavar="ROW")


if __name__ == "__main__":
    run(report, measure, about=str(__doc__).splitlines()[0], needs=("torch", "numba"), more=more)
