"""Whether fast kernels train the same model: against plain ones, and through a stop and a resume.

    python benchmarks/agreement.py

The model of configs/char-rnn.yaml on data/quickstart.txt. The largest difference between the two
runs' losses, step by step; and the last checkpoints of a run, and of a run half as long that was
resumed, byte for byte. Exit code 1 if either does not hold.
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
THREADS = 2


def train(folder: Path, name: str, steps: int, kernels: str) -> Path:
    """A run of so many steps that logs each of them."""
    made = folder / name
    sets = {
        "runtime.kernels": kernels, "runtime.threads": THREADS, "train.log_every": 1,
        "train.sample_length": 0,
    }  # fmt: skip
    output(
        [*CHARRNN, "train", str(ROOT / "configs" / "char-rnn.yaml"), "--text", str(TEXT),
         "--steps", str(steps), "--out", str(made), "-q",
         *(word for key, value in sets.items() for word in ("--set", f"{key}={value}"))]
    )  # fmt: skip
    return made


def losses(made: Path) -> list[float]:
    """The training loss of every step."""
    lines = (made / "metrics.jsonl").read_text().splitlines()
    return [row["train_loss"] for row in map(json.loads, lines) if "train_loss" in row]


def digest(made: Path) -> str:
    """SHA-256 of a run's last checkpoint."""
    from charrnn.store import locate

    return hashlib.sha256(locate(made, "last").read_bytes()).hexdigest()


def kernels_agree(folder: Path, steps: int) -> dict[str, Any]:
    fast, plain = (losses(train(folder, name, steps, name)) for name in ("numba", "numpy"))
    apart = [abs(a - b) for a, b in zip(fast, plain, strict=True)]
    largest = max(apart)
    return {"steps": len(apart), "largest": largest, "at": apart.index(largest) + 1,
            "first": apart[0], "last_losses": [fast[-1], plain[-1]]}  # fmt: skip


def resumes(folder: Path, steps: int) -> dict[str, Any]:
    whole = train(folder, "whole", steps, "numba")
    halves = train(folder, "halves", steps // 2, "numba")
    output([*CHARRNN, "train", "--resume", str(halves), "--steps", str(steps), "-q"])
    return {"steps": steps, "whole": digest(whole), "resumed": digest(halves)}


def report(options: argparse.Namespace) -> Report:
    steps, resumed = (20, 20) if options.quick else (STEPS, RESUMED)
    with tempfile.TemporaryDirectory() as folder:
        kernels = kernels_agree(Path(folder), steps)
        resume = resumes(Path(folder), resumed)
    same = resume["whole"] == resume["resumed"]
    rows = [
        [f"losses of {kernels['steps']} steps, numba against numpy kernels",
         f"at most {kernels['largest']:.1e} nats apart (step {kernels['at']})",
         below(kernels["largest"], BAR, " nats")],
        [f"{resumed} steps, against {resumed // 2}, stopped and resumed to {resumed}",
         f"last checkpoints {'are the same bytes' if same else 'DIFFER'}, "
         f"sha256 {resume['whole'][:12]} and {resume['resumed'][:12]}",
         f"the same bytes {'met' if same else 'MISSED'}"],
    ]  # fmt: skip
    table = Table("Agreement", ["what", "found", "bar"], rows)
    ok = same and kernels["largest"] <= BAR
    return Report([table], {"kernels": kernels, "resume": resume}, ok)


if __name__ == "__main__":
    run(report, about=str(__doc__).splitlines()[0], needs=("numba",))
