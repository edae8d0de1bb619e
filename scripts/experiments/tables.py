"""Results as a Markdown table, every seed shown."""

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
LOSS, SECONDS = "validation, nats", "seconds of training"


@dataclass(frozen=True)
class Experiment:
    """Configurations NAME-CELL.yaml, the text for a seed, and what is measured for a seed.

    `formats` names the measures and how their numbers are written.
    """

    name: str
    title: str
    cells: Sequence[str]
    text: Callable[[int], str]
    measure: Callable[[Trained, int], Measures]
    formats: dict[str, str]
    cells_across: bool = False


def run(experiment: Experiment, seeds: Sequence[int], sets: Sequence[str] = ()) -> str:
    """Train and measure every cell with every seed; the finished table.

    `sets` are KEY=VALUE changes to the configurations.
    """
    columns = [_labels(experiment, seeds)]
    for cell in experiment.cells:
        measured, parameters = [], 0
        for seed in seeds:
            trained = train(f"{experiment.name}-{cell}", experiment.text(seed), seed, sets)
            parameters = trained.model.parameters
            measured.append(
                {
                    **experiment.measure(trained, seed),
                    LOSS: trained.val_loss,
                    SECONDS: trained.seconds,
                }
            )
            _tell(f"{experiment.name}-{cell}, seed {seed}", measured[-1])
        columns.append([CELLS[cell], f"{parameters:,}", *_values(experiment, measured)])
    rows = list(zip(*columns, strict=True)) if experiment.cells_across else columns
    return f"### {experiment.title}\n\n{table(rows)}\n"


def _labels(experiment: Experiment, seeds: Sequence[int]) -> list[str]:
    listed = f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}"
    return [listed, "parameters", *_formats(experiment)]


def _formats(experiment: Experiment) -> dict[str, str]:
    return {**experiment.formats, LOSS: ".3f", SECONDS: ".1f"}


def _values(experiment: Experiment, measured: Sequence[Measures]) -> list[str]:
    return [
        spread([measures[key] for measures in measured], form)
        for key, form in _formats(experiment).items()
    ]


def _tell(name: str, measures: Measures) -> None:
    shown = ", ".join(f"{key}: {value:.5g}" for key, value in measures.items())
    print(f"{name}: {shown}", file=sys.stderr, flush=True)


def spread(values: Sequence[float], form: str) -> str:
    """Every seed's value in the order of the seeds, or the one value they share."""
    shown = [format(value, form) for value in values]
    return shown[0] if len(set(shown)) == 1 else " · ".join(shown)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Markdown; the first row is the head."""
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "|---" * len(rows[0]) + "|", *body])
