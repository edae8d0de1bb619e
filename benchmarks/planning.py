"""The plan beside configurations that are chosen without a look at the text, in the same minutes.

    python benchmarks/planning.py [--minutes M …] [--text FILE …] [--json FILE]

Trains on each text, for each number of minutes: as `charrnn train --text FILE --minutes M` plans,
with the two-minute recipe, with `configs/lstm-256.yaml`, and with the built-in defaults, the last
three ended by the clock or by their own length. The loss is that of the network on the whole
validation part, by the checkpoint that is kept. Texts are those of `corpora.py` and the bundled one
where none is given. By the clock, so nothing else may run: 0.5, 2 and 10 minutes of seven texts
take six hours.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from corpora import LINES, make
from measuring import ROOT, TEXT, Report, Table, run

RECIPE, LARGER = ROOT / "configs/recipes/shakespeare-2min.yaml", ROOT / "configs/lstm-256.yaml"
SIDES: dict[str, Path | None] = {
    "plan": None,
    "recipe": RECIPE,
    "lstm-256": LARGER,
    "defaults": None,
}
MARGIN = 0.01  # nats; what lies closer together is as good


def trained(side: str, text: Path, minutes: float) -> dict[str, Any]:
    """Train as one side does; the loss of its network, and what it was."""
    import charrnn

    mode = {"data.mode": "lines"} if text.stem in LINES or text.stem == "names" else {}
    settings: dict[str, Any] = mode if SIDES[side] else {}
    if side == "defaults":  # the plan's absence is asked for by naming a configuration
        settings = {**mode, "model.hidden_size": 128}
    config = SIDES[side] or ({} if side == "defaults" else None)
    with tempfile.TemporaryDirectory() as folder:
        trained_run = charrnn.train(
            config, files=text, settings=settings, minutes=minutes, out=Path(folder, "r"),
            progress=False,
        )  # fmt: skip
        model = charrnn.load(trained_run)
        found, summary = model.evaluate(use="network"), trained_run.summary
    return {
        "nats": found.nats_per_char, "seconds": summary["seconds"], "epochs": summary["epoch"],
        "hidden_size": model.config.model.hidden_size,
    }  # fmt: skip


def report(options: argparse.Namespace) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        texts = options.text or [TEXT, *make(Path(folder)).values()]
        if options.quick:
            texts = texts[:1]
        budgets = [0.2] if options.quick else options.minutes or [0.5, 2.0, 10.0]
        found = {
            f"{text.name} {minutes:g}": {side: trained(side, text, minutes) for side in SIDES}
            for text in texts for minutes in budgets
        }  # fmt: skip
    rows = [_row(name, sides) for name, sides in found.items()]
    columns = ["text", "minutes", "the plan", *SIDES, "best"]
    ok = all(_best(sides) == "plan" for sides in found.values())
    return Report([Table("Plans: nats per character of the network", columns, rows)], found, ok)


def _row(name: str, sides: dict[str, dict[str, Any]]) -> list[str]:
    text, minutes = name.rsplit(" ", 1)
    plan = sides["plan"]
    what = f"1×{plan['hidden_size']}, {plan['epochs']:.3g} epochs"
    return [text, minutes, what, *(f"{sides[s]['nats']:.3f}" for s in SIDES), _best(sides)]


def _best(sides: dict[str, dict[str, Any]]) -> str:
    """The plan, where it is as good as the best."""
    least = min(SIDES, key=lambda side: sides[side]["nats"])
    return "plan" if sides["plan"]["nats"] <= sides[least]["nats"] + MARGIN else least


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=float, action="append", help="repeatable")
    parser.add_argument("--text", type=Path, action="append", help="a file; repeatable")


if __name__ == "__main__":
    run(report, about=str(__doc__).splitlines()[0], needs=("numba",), more=_options)
