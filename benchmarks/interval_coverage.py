"""How often the 95 % interval of `charrnn eval` holds the mean that it is about.

    python benchmarks/interval_coverage.py RUN:TEXT | SERIES.npy …

A series is the nats of each character of a long text, one after another: those that RUN gives to
the characters of TEXT, which it should not have been trained on, or an array from a file (`--save`
writes one for each RUN:TEXT). Stretches are taken from it at random, and the mean over the whole
series is the true one. A stretch is a part of the whole, which flatters long ones: the variance
of their mean about that of the whole is m^(2H - 2) - N^(2H - 2) and not m^(2H - 2). Where it is
more than a tenth of the whole, the figure in brackets is made with deviations enlarged by that
(H = 0.7); where it is more than a fifth, there is none.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from measuring import Table, machine
from numpy.typing import NDArray

import charrnn
from charrnn.inference.interval import SIZE, Blocks

LENGTHS = [5_000, 10_000, 20_000, 55_000, 111_540, 250_000]
FORMER = 500  # characters of a block that was taken to be independent
LARGE = 0.1  # a stretch is a large part of the series
LARGEST = 0.2
HURST = 0.7

Floats = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("series", nargs="+", metavar="RUN:TEXT|SERIES.npy")
    parser.add_argument("--stretches", type=int, default=400, metavar="N")
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save", type=Path, metavar="FOLDER", help="of the series of RUN:TEXT")
    options = parser.parse_args()
    named = dict(series(spec, options.save) for spec in options.series)
    about = ", ".join(f"{name}: {len(nats):,} characters" for name, nats in named.items())
    print(f"{machine()}\n{about}; {options.stretches} stretches each, seed {options.seed}\n")
    columns = ["characters", *named, *(f"{name}, blocks of {FORMER}" for name in named)]
    rows = []
    for length in options.lengths:
        now, former = [], []
        for nats in named.values():
            starts = drawn(len(nats), length, options.stretches, options.seed)
            now.append(cell(nats, length, starts, interval))
            former.append(cell(nats, length, starts, former_interval))
        rows.append([f"{length:,}", *now, *former])
        print(" ".join(rows[-1]), file=sys.stderr)
    print(Table("Coverage, and the interval's half width in nats (median)", columns, rows)
          .markdown())  # fmt: skip


def series(spec: str, save: Path | None) -> tuple[str, Floats]:
    """Its name, and nats of each character."""
    if spec.endswith(".npy"):
        return Path(spec).stem, np.asarray(np.load(spec), np.float64)
    run, _, text = spec.partition(":")
    scores = charrnn.load(run).score(Path(text).read_text("utf-8"), on_unknown="map")
    nats = np.asarray(scores.nats, np.float64)
    name, nats = Path(text).stem, nats[np.isfinite(nats)]
    if save is not None:
        save.mkdir(parents=True, exist_ok=True)
        np.save(save / f"{name}.npy", nats)
    return name, nats


def drawn(total: int, length: int, count: int, seed: int) -> NDArray[np.int64]:
    """Where the stretches begin."""
    if length > LARGEST * total:
        return np.zeros(0, np.int64)
    return np.random.default_rng([seed, length]).integers(0, total - length + 1, count)


def cell(nats: Floats, length: int, starts: NDArray[np.int64], method: object) -> str:
    """Coverage and median half width over the stretches."""
    assert callable(method)
    found = [method(nats[start : start + length]) for start in starts]
    if not found or any(bounds is None for bounds in found):
        return "–" if not found else "none"
    low, high = np.array(found).T
    mean = nats.mean()
    off, half = abs((low + high) / 2 - mean), (high - low) / 2
    covered = f"{np.mean(off <= half):.1%}"
    share = length / len(nats)
    if share > LARGE:
        covered += f" ({np.mean(off <= half * (1 - share ** (2 - 2 * HURST)) ** 0.5):.1%})"
    return f"{covered} ±{np.median(half):.3f}"


def interval(nats: Floats) -> tuple[float, float] | None:
    """What `charrnn eval` says."""
    blocks = Blocks()
    blocks.add(np.arange(len(nats)) // SIZE, nats, np.ones(nats.shape, np.bool_))
    return blocks.interval()


def former_interval(nats: Floats) -> tuple[float, float]:
    """Of independent blocks: about what a bootstrap of them gives."""
    n = len(nats) // FORMER
    means = nats[: n * FORMER].reshape(n, FORMER).mean(axis=1)
    half = 1.96 * means.std() / n**0.5
    return float(nats.mean() - half), float(nats.mean() + half)


if __name__ == "__main__":
    main()
