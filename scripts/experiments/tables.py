"""Results as a Markdown table: one row a cell, every seed shown."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from experiments.training import Trained, train

CELLS = {
    "rnn": "RNN",
    "lstm1997": "LSTM 1997",
    "lstm": "LSTM, forget gate",
    "peephole": "LSTM, forget gate, peepholes",
    "gru": "GRU",
}
Measures = dict[str, float]


@dataclass(frozen=True)
class Experiment:
    """Configurations NAME-CELL.yaml, the text for a seed, and what is measured for a seed."""

    name: str
    title: str
    cells: Sequence[str]
    text: Callable[[int], str]
    measure: Callable[[Trained, int], Measures]
    formats: dict[str, str]


def run(experiment: Experiment, seeds: Sequence[int]) -> str:
    """Train and measure every cell with every seed; the finished table."""
    rows = []
    for cell in experiment.cells:
        trained, measured = [], []
        for seed in seeds:
            result = train(f"{experiment.name}-{cell}", experiment.text(seed), seed)
            measures = {**experiment.measure(result, seed), "seconds": result.seconds}
            shown = ", ".join(f"{key} {value:.5g}" for key, value in measures.items())
            print(f"{experiment.name}-{cell} seed {seed}: {shown}", file=sys.stderr, flush=True)
            trained.append(result)
            measured.append(measures)
        rows.append(_row(experiment, cell, trained[0].model.parameters, measured))
    return "\n".join([f"### {experiment.title}", "", *_head(experiment, seeds), *rows, ""])


def _head(experiment: Experiment, seeds: Sequence[int]) -> list[str]:
    listed = f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}"
    columns = [f"cell ({listed})", "θ", *experiment.formats, "seconds"]
    return ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]


def _row(experiment: Experiment, cell: str, parameters: int, measured: list[Measures]) -> str:
    cells = [CELLS[cell], f"{parameters:,}"]
    for key, form in {**experiment.formats, "seconds": ".1f"}.items():
        cells.append(spread([measures[key] for measures in measured], form))
    return "| " + " | ".join(cells) + " |"


def spread(values: Sequence[float], form: str) -> str:
    """Every seed's value in the order of the seeds, or the one value they share."""
    shown = [format(value, form) for value in values]
    return shown[0] if len(set(shown)) == 1 else " · ".join(shown)
