"""Whether fast kernels train the same model: against plain ones, and through a stop and a resume.

    python benchmarks/agreement.py

The model of configs/char-rnn.yaml on data/quickstart.txt: the largest difference between two runs'
losses, step by step. Training magnifies rounding, so beside each float32 pair stands a control: the
plain kernels on one thread and on two. Then the last checkpoints of a run, and of one half as long
that was resumed, byte for byte. Exit code 1 if they differ, or
losses do in the first tenth of the steps, before rounding has grown.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

from measuring import CHARRNN, ROOT, TEXT, Report, Table, below, output, run

STEPS, RESUMED = 500, 200
BAR = 1e-3  # nats per character
EARLY = 10  # the share of steps, one in so many, in which rounding has not grown yet
AS_IT_IS: dict[str, Any] = {}
MEAN = {"train.loss_reduction": "mean"}  # which hardly clips; the configuration's own is the sum
ADAM = {**MEAN, "optim.name": "adam", "optim.grad_clip_mode": "norm"}
FLOAT64 = {"runtime.dtype": "float64"}
NUMBA_BACKEND = {"runtime.kernels": "numba", "runtime.threads": 2}
NUMPY_BACKEND = {"runtime.kernels": "numpy", "runtime.threads": 2}
PLAIN_ONE = {"runtime.kernels": "numpy", "runtime.threads": 1}
# (the configuration, what sets it apart, the other side, what that is, whether the bar is for it)
PAIRS = [
    ("char-rnn.yaml", AS_IT_IS, NUMBA_BACKEND, "numba against numpy", True),
    ("char-rnn.yaml", AS_IT_IS, PLAIN_ONE, "control: numpy, one thread against two", False),
    ("the same with the mean", MEAN, NUMBA_BACKEND, "numba against numpy", True),
    ("the same with the mean", MEAN, PLAIN_ONE, "control: numpy, one thread against two", False),
    ("the same in float64", FLOAT64, NUMBA_BACKEND, "numba against numpy", True),
    ("with the mean, Adam, clipped by norm", ADAM, NUMBA_BACKEND, "numba against numpy", True),
    ("with the mean, Adam, clipped by norm", ADAM, PLAIN_ONE,
     "control: numpy, one thread against two", False),
]  # fmt: skip


def train(folder: Path, steps: int, sets: dict[str, Any]) -> Path:
    """A run of so many steps that logs each of them; one that was made before is not made again."""
    made = folder / hashlib.sha256(repr((steps, sorted(sets.items()))).encode()).hexdigest()[:12]
    if made.exists():
        return made
    sets = {**sets, "train.log_every": 1, "train.sample_length": 0}
    output(
        [*CHARRNN, "train", str(ROOT / "configs" / "char-rnn.yaml"), "--text", str(TEXT),
         "--steps", str(steps), "--out", str(made), "-q",
         *(word for key, value in sets.items() for word in ("--set", f"{key}={value}"))]
    )  # fmt: skip
    return made


def losses(made: Path) -> list[float]:
    """The training loss of every step."""
    rows = map(json.loads, (made / "metrics.jsonl").read_text().splitlines())
    return [row["train_loss"] for row in rows if row["grad_norm"] is not None]


def apart(folder: Path, steps: int, common: dict[str, Any], other: dict[str, Any]) -> Any:
    """How far two runs' losses are apart: at most, where, and over the first tenth."""
    pair = [losses(train(folder, steps, {**common, **side})) for side in (other, NUMPY_BACKEND)]
    differences = [abs(a - b) for a, b in zip(*pair, strict=True)]
    largest = max(differences)
    return {"steps": len(differences), "largest": largest,
            "at": differences.index(largest) + 1,
            "early": max(differences[: len(differences) // EARLY])}  # fmt: skip


def digest(made: Path) -> str:
    """SHA-256 of a run's last checkpoint."""
    from charrnn.storage.checkpoint_folder import locate

    return hashlib.sha256(locate(made, "last").read_bytes()).hexdigest()


def resumed_twin(folder: Path, steps: int) -> tuple[str, str]:
    """Digests of a run, and of one that stopped half-way and was resumed."""
    whole = train(folder, steps, NUMBA_BACKEND)
    halves = train(folder, steps // 2, NUMBA_BACKEND)
    output([*CHARRNN, "train", "--resume", str(halves), "--steps", str(steps), "-q"])
    return digest(whole), digest(halves)


def report(options: argparse.Namespace) -> Report:
    steps, resumed = (20, 20) if options.quick else (STEPS, RESUMED)
    with tempfile.TemporaryDirectory() as folder:
        found = [apart(Path(folder), steps, common, other) for _, common, other, *_ in PAIRS]
        whole, halves = resumed_twin(Path(folder), resumed)
    rows = [
        [name, what, f"{values['early']:.1e}", f"{values['largest']:.1e} (step {values['at']})",
         below(values["largest"], BAR, "") if barred else "–"]
        for (name, _, _, what, barred), values in zip(PAIRS, found, strict=True)
    ]  # fmt: skip
    columns = ["configuration", "runs", f"steps 1–{steps // EARLY}", f"steps 1–{steps}", "bar"]
    same = whole == halves
    resume = [
        f"{resumed} steps, and {resumed // 2} resumed to {resumed}", whole[:16], halves[:16],
        f"the same {'met' if same else 'MISSED'}",
    ]  # fmt: skip
    tables = [
        Table("Largest difference between losses, nats per character", columns, rows),
        Table("Last checkpoint, SHA-256", ["runs, numba", "whole", "resumed", "bar"], [resume]),
    ]
    together = all(v["early"] <= BAR for v, pair in zip(found, PAIRS, strict=True) if pair[-1])
    return Report(tables, {"losses": found, "sha256": [whole, halves]}, same and together)


if __name__ == "__main__":
    run(report, about=str(__doc__).splitlines()[0], needs=("numba",))
