"""Reading a text, forward only, for its nats: charrnn beside PyTorch; what memory `score` takes.

    python benchmarks/reading.py
    python benchmarks/reading.py --rows window stream --threads 1

LSTM 2×128 and others, K 65, float32. *window*: 128 streams side by side, state carried. *stream*,
*lines*: a text of 1,100,000 characters as `charrnn score` reads it, as one stream or as lines of
60; what warms streams up is work that no character counts. *one*: a single stream, a character at
a time, as `charrnn eval` reads it. A share is of the machine's sgemm, by the forward products.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from measuring import (
    CHARRNN,
    TEXT,
    Report,
    Spec,
    Table,
    below,
    child,
    in_turn,
    median_of_pairs,
    output,
    peak_memory,
    run,
    seconds_each,
)
from window import SGEMM, sgemm

ROUNDS, SECONDS = 3, 1.0
CHARACTERS, LINE = 1_100_000, 60
B, T = 128, 64
BAR = 0.85  # of sgemm
MEMORY_BAR = 250  # MiB
MEMORY = (1_100_000, 11_000_000)  # characters of the texts whose memory is measured


@dataclass(frozen=True)
class Row:
    name: str
    work: str = "window"
    cell: str = "lstm"
    H: int = 128
    layers: int = 2
    bar: float | None = None

    def spec(self, side: str, threads: int, seconds: float) -> Spec:
        streams, steps = (1, 4096) if self.work == "one" else (B, T)
        return {
            "side": side, "work": self.work, "cell": self.cell, "H": self.H,
            "layers": self.layers, "B": streams, "T": steps, "sets": [], "threads": threads,
            "seconds": seconds,
        }  # fmt: skip


ROWS = [
    Row("window", bar=BAR),
    Row("stream", "stream", bar=BAR),
    Row("lines", "lines", bar=BAR),
    Row("gru", cell="gru"),
    Row("1x256", H=256, layers=1),
    Row("2x512", H=512),
    Row("one", "one"),
]


def measure(spec: Spec) -> dict[str, float]:
    """Characters a second, or the seconds of one square product."""
    if spec["side"] == "sgemm":
        return {"seconds": sgemm(spec["seconds"])}
    count = spec["B"] * spec["T"]
    if spec["side"] == "torch":
        import torch_side

        return {"rate": count / seconds_each(torch_side.reading(spec), spec["seconds"])}
    import charrnn_side

    found = {"flops": charrnn_side.flops_per_character(spec) / 3}
    if spec["work"] in ("stream", "lines"):
        count = CHARACTERS
        found["rate"] = count / seconds_each(_scoring(spec), spec["seconds"], warm_up=1)
    else:
        found["rate"] = count / seconds_each(charrnn_side.reading(spec), spec["seconds"])
    return found


def _scoring(spec: Spec) -> Callable[[], object]:
    """The scorers of a text that `charrnn score` uses."""
    import charrnn_side
    import numpy as np
    from threadpoolctl import threadpool_limits

    from charrnn.inference.beginning import Beginning
    from charrnn.inference.scoring import SequenceScorer, StreamScorer
    from charrnn.runtime.workers import WorkerPool

    threadpool_limits(1, user_api="blas")
    pool = WorkerPool(charrnn_side.network(spec), spec["threads"])
    ids = np.random.default_rng(0).integers(1, pool.network.K, CHARACTERS).astype(np.int32)
    beginning = Beginning(pool.network.zero_state(1), 0)
    if spec["work"] == "stream":
        return lambda: StreamScorer(pool, beginning).score(ids)
    ids[LINE::LINE] = 0
    return lambda: SequenceScorer(pool, 0, beginning).score(ids)


def compare(row: Row, threads: int, rounds: int, seconds: float) -> dict[str, Any]:
    """Rates of both sides, and their shares of sgemm."""
    sides = [row.spec(side, threads, seconds) for side in ("charrnn", "torch")]
    own, torch, product = in_turn([*sides, {"side": "sgemm", "seconds": 0.4}], threads, rounds)
    machine = [2 * SGEMM**3 / found["seconds"] for found in product]
    flops, found = own[0]["flops"], dict[str, Any]()
    for name, side in (("charrnn", own), ("torch", torch)):
        rates = [one["rate"] for one in side]
        shares = [rate * flops / m for rate, m in zip(rates, machine, strict=True)]
        found[name] = {"chars_per_second": median(rates), "share": median(shares)}
    pairs = [a["rate"] / b["rate"] for a, b in zip(own, torch, strict=True)]
    ratio = median_of_pairs([one["rate"] for one in own], [one["rate"] for one in torch])
    return {"row": row.name, **found, "ratio": ratio, "pairs": pairs,
            "sgemm_gflops": median(machine) / 1e9, "bar": row.bar}  # fmt: skip


def memory(characters: int) -> float:
    """MiB that `charrnn score --per file` takes at most, of an LSTM 2×128."""
    with tempfile.TemporaryDirectory() as folder:
        run_folder, text = Path(folder, "run"), Path(folder, "text.txt")
        output([*CHARRNN, "train", "--text", str(TEXT), "--out", str(run_folder), "--steps", "0",
                "-q", "--set", "model.hidden_size=128", "--set", "model.num_layers=2"])  # fmt: skip
        whole = TEXT.read_text()
        text.write_text((whole * (characters // len(whole) + 1))[:characters])
        score = [*CHARRNN, "score", str(run_folder), str(text), "--per", "file"]
        peak_memory(score)  # compiles, if nothing has before
        return peak_memory(score)


def report(options: argparse.Namespace) -> Report:
    rounds, seconds = (2, 0.3) if options.quick else (ROUNDS, SECONDS)
    rows = [row for row in ROWS if not options.rows or row.name in options.rows]
    child({**rows[0].spec("charrnn", options.threads, 0), "seconds": 0}, options.threads)
    found = [compare(row, options.threads, rounds, seconds) for row in rows]
    rate = median(values["sgemm_gflops"] for values in found)
    title = f"Reading, {options.threads} threads a side; sgemm {rate:.0f} GFLOP/s"
    columns = ["row", "model", "charrnn chars/s", "PyTorch chars/s", "ratio (pairs)",
               "share of sgemm: charrnn", "PyTorch", "bar"]  # fmt: skip
    tables = [Table(title, columns, list(map(_cells, rows, found)))]
    values: dict[str, Any] = {"threads": options.threads, "rows": found}
    if not options.rows:
        values["memory"] = {n: memory(n) for n in MEMORY}
        lines = [
            [f"{n:,}", f"{mib:.0f} MiB", below(mib, MEMORY_BAR, " MiB")]
            for n, mib in values["memory"].items()
        ]
        tables.append(Table("Peak memory of `charrnn score`", ["characters", "peak", "bar"], lines))
    return Report(tables, values)


def _cells(row: Row, values: dict[str, Any]) -> list[str]:
    own, torch, pairs = values["charrnn"], values["torch"], values["pairs"]
    bar = "–" if row.bar is None else f"{row.bar:.0%} {_met(own['share'] >= row.bar)}"
    return [
        row.name, f"{row.cell.upper()} {row.layers}×{row.H}",
        f"{own['chars_per_second']:,.0f}", f"{torch['chars_per_second']:,.0f}",
        f"**{values['ratio']:.2f}** ({min(pairs):.2f}–{max(pairs):.2f})",
        f"{own['share']:.0%}", f"{torch['share']:.0%}", bar,
    ]  # fmt: skip


def _met(reached: bool) -> str:
    return "met" if reached else "MISSED"


def more(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threads", type=int, default=2, help="threads of each side [2]")
    parser.add_argument("--rows", nargs="+", choices=[row.name for row in ROWS], metavar="ROW")


if __name__ == "__main__":
    run(report, measure, about=str(__doc__).splitlines()[0], needs=("torch", "numba"), more=more)
