"""The table of docs/planning.md from rows of results."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import planning_results  # noqa: E402


def row(corpus, minutes, what, loss, **more):
    return {"corpus": corpus, "minutes": minutes, "what": what, "loss": loss, **more}


ROWS = [
    row("novel", 2, "defaults", 1.5),
    row("novel", 2, "plan", 1.3, seed=1, hidden_size=256, epochs=5.0),
    row("novel", 2, "plan", 1.32, seed=2, hidden_size=256, epochs=5.0),
    row("novel", 0.5, "plan", 1.455, hidden_size=192, epochs=0.88, note="by the clock"),
    row("novel", 0.5, "mine", 1.45),
    row("verse", 2, "plan", 2.0),
    row("verse", 2, "recipe", 1.9),
    row("code", 2, "plan", 1.0),
]


def test_means_of_seeds_and_what_is_as_good_as_the_best(tmp_path):
    file = tmp_path / "rows.jsonl"
    planning_results.add(ROWS[:3], file)
    planning_results.add(ROWS[3:], file)
    assert planning_results.read(file) == ROWS
    assert planning_results.markdown(file).splitlines() == [
        "| text | minutes | the plan | plan | recipe | old defaults | mine |",
        "|---|---|---|---|---|---|---|",
        "| novel | 0.5 | 1×192, 0.88 epochs, by the clock | **1.455** |  |  | **1.450** |",
        "| novel | 2 | 1×256, 5 epochs | **1.310** ± 0.014 |  | 1.500 |  |",
        "| verse | 2 |  | 2.000 | **1.900** |  |  |",
        "| code | 2 |  | 1.000 |  |  |  |",
        "",
        "The plan is the best, or within 0.01 of it, in 2 of 3 comparisons; elsewhere it is at "
        "most 0.100 above. Beside it were trained: recipe in 1, old defaults in 1, mine in 1. "
        "An empty cell was not.",
    ]


@pytest.mark.parametrize("line", ["{", "3", json.dumps({**ROWS[0], "loss": "1.5"})])
def test_a_row_that_is_none_is_named(tmp_path, line):
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(ROWS[0]) + "\n" + line + "\n")
    with pytest.raises(SystemExit, match=r"rows\.jsonl:2: not a row"):
        planning_results.read(file)
