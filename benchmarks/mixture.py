"""Network, n-gram, and the mixture of both, on texts of kinds that repeat themselves.

    python benchmarks/mixture.py [--texts FOLDER] [--kind NAME] [--json FILE]

Makes the texts of `corpora.py`, trains an LSTM 1×192 for four epochs on each (half a minute on two
cores; lines are sequences of their own, split at random), and scores the last tenth by the network,
by the modified Kneser-Ney n-gram of the order that the mixture has, and by the mixture.
The mixture must be the best of the three on each. Losses do not depend on the clock.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from corpora import KINDS, LINES, make
from measuring import Report, Table, run

SETTINGS = {
    "model.hidden_size": 192, "model.num_layers": 1, "model.dropout": 0.3,
    "model.variational_dropout": True, "bptt.k1": 48, "bptt.k2": 48, "optim.learning_rate": 8e-3,
    "optim.ema_decay": 0.998, "optim.schedule.name": "cosine", "optim.schedule.warmup_steps": 100,
    "optim.schedule.final": 0.5, "train.batch_size": 16, "train.epochs": 4, "ngram.order": "auto",
}  # fmt: skip


def scored(name: str, text: Path, epochs: int) -> dict[str, Any]:
    """Train on a text; nats per character of its validation part by each."""
    import charrnn

    mode = "lines" if name in LINES else "stream"
    settings = {**SETTINGS, "train.epochs": epochs, "data.mode": mode}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "r")
        model = charrnn.load(charrnn.train(files=text, settings=settings, out=out, progress=False))
        found = model.evaluate()
        assert found.parts is not None
        assert model.mixture is not None
        return {
            "characters": len(text.read_text(encoding="utf-8")), "K": model.vocabulary.K,
            "order": model.mixture.order, **found.parts, "mixture": found.nats_per_char,
        }  # fmt: skip


def report(options: argparse.Namespace) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        texts = make(options.texts or Path(folder))
        names = options.kind or list(KINDS)
        found = {name: scored(name, texts[name], 1 if options.quick else 4) for name in names}
    rows = [
        [name, f"{v['characters']:,}", str(v["K"]), f"{v['network']:.3f}",
         f"{v['ngram']:.3f}, order {v['order']}", f"**{v['mixture']:.3f}**", _best(v)]
        for name, v in found.items()
    ]  # fmt: skip
    columns = ["text", "characters", "K", "network", "n-gram", "mixture", "best"]
    ok = all(_best(v) == "mixture" for v in found.values())
    return Report([Table("Network, n-gram, mixture: nats per character", columns, rows)], found, ok)


def _best(v: dict[str, Any]) -> str:
    return min(("network", "ngram", "mixture"), key=lambda name: v[name])


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--texts", type=Path, metavar="FOLDER", help="keep the texts there")
    parser.add_argument("--kind", choices=KINDS, action="append", help="only this; repeatable")


if __name__ == "__main__":
    run(report, about=str(__doc__).splitlines()[0], needs=("numba",), more=_options)
