"""The plan beside configurations that are chosen without a look at the text, in the same minutes.

    python benchmarks/planning.py [--minutes M …] [--text FILE …] [--rows FILE] [--json FILE]

Trains on each text, for each number of minutes: as `charrnn train --text FILE --minutes M` plans,
with the two-minute recipe, with the built-in defaults, and with what `charrnn corpus` advised
before there were plans, the last three ended by the clock or by their own length. The loss is that
of the network on the whole validation part, by the checkpoint that is kept. Texts are those of
`corpora.py` and the bundled one where none is given. `--rows` adds them to a file of results, from
which `planning_results.py` makes a table and a plot. By the clock, so nothing else may run: 0.5, 2
and 10 minutes of seven texts take six hours.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from corpora import LINES, make
from measuring import ROOT, TEXT, Report, run
from planning_results import Row, add, as_good, cases, table

RECIPE = ROOT / "configs/recipes/shakespeare-2min.yaml"
SIDES = ("plan", "recipe", "defaults", "advice")
# The old advice: below so many characters, or lines, hidden units, B, k1, epochs, rate, dropout.
STREAM = (
    (30e3, 64, 4, 32, 40, 5e-3, 0.2),
    (300e3, 128, 8, 64, 20, 5e-3, 0.2),
    (5e6, 256, 32, 64, 8, 8e-3, 0.0),
    (30e6, 512, 64, 100, 2, 2e-3, 0.0),
    (float("inf"), 512, 128, 100, 1, 2e-3, 0.0),
)
SHORT_LINES = (
    (3e3, 64, 16, None, 40, 5e-3, 0.2),
    (300e3, 128, 64, None, 25, 5e-3, 0.2),
    (float("inf"), 256, 128, None, 3, 5e-3, 0.0),
)


def advice(text: Path, *, lines: bool) -> dict[str, Any]:
    """What `charrnn corpus` said of a text before it planned."""
    read = text.read_text(encoding="utf-8", errors="replace")
    size = read.count("\n") if lines else len(read)
    _, H, B, k1, epochs, rate, dropout = next(
        row for row in (SHORT_LINES if lines else STREAM) if size < row[0]
    )
    keys: dict[str, Any] = {"bptt.mode": "full"}
    if k1 is not None:
        keys, B = {"bptt.k1": k1, "bptt.k2": k1}, max(min(B, size // (4 * k1)), 1)
    return keys | {
        "model.hidden_size": H, "model.num_layers": 1, "model.dropout": dropout,
        "train.batch_size": B, "train.epochs": epochs, "optim.learning_rate": rate,
    }  # fmt: skip


def settings(side: str, text: Path) -> dict[str, Any]:
    """What a side sets; the plan nothing."""
    lines = text.stem in LINES or text.stem == "names"
    mode = {"data.mode": "lines"} if lines else {}
    if side == "advice":
        return mode | advice(text, lines=lines)
    return {} if side == "plan" else mode


def trained(side: str, text: Path, minutes: float) -> Row:
    """Train as one side does; the loss of its network, and what it was."""
    import charrnn

    config: Path | dict[str, Any] | None = {"plan": None, "recipe": RECIPE}.get(side, {})
    with tempfile.TemporaryDirectory() as folder:
        trained_run = charrnn.train(
            config, files=text, settings=settings(side, text), minutes=minutes,
            out=Path(folder, "r"), progress=False,
        )  # fmt: skip
        model = charrnn.load(trained_run)
        found, summary = model.evaluate(use="network"), trained_run.summary
    return {
        "corpus": text.name, "minutes": minutes, "what": side, "loss": found.nats_per_char,
        "seed": model.config.train.seed, "hidden_size": model.config.model.hidden_size,
        "epochs": summary["epoch"], "seconds": summary["seconds"],
    }  # fmt: skip


def _rows(options: argparse.Namespace, texts: Sequence[Path]) -> Iterator[Row]:
    budgets = [0.2] if options.quick else options.minutes or [0.5, 2.0, 10.0]
    for text in texts:
        for minutes in budgets:
            for side in SIDES:
                row = trained(side, text, minutes)
                if options.rows is not None:
                    add([row], options.rows)
                yield row


def report(options: argparse.Namespace) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        texts = options.text or [TEXT, *make(Path(folder)).values()]
        rows = list(_rows(options, texts[:1] if options.quick else texts))
    ok = all("plan" in as_good(sides) for sides in cases(rows).values())
    return Report([table(rows)], {"rows": rows}, ok)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=float, action="append", help="repeatable")
    parser.add_argument("--text", type=Path, action="append", help="a file; repeatable")
    parser.add_argument(
        "--rows", type=Path, metavar="FILE", help="add the results to it, a line each"
    )


if __name__ == "__main__":
    run(report, about=str(__doc__).splitlines()[0], needs=("numba",), more=_options)
