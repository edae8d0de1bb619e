"""The table and the plot of docs/planning.md, from what was measured of plans.

    python benchmarks/planning_results.py [--rows FILE] [--figure FILE]

Prints the table, which `scripts/make_docs.py` puts into the page, and draws docs/img/planning.svg
(the extra plot). Each line of planning_results.jsonl is an object: `corpus`; `minutes`; `what`
(plan, recipe, defaults, advice, or any other name); `loss`, that of the network alone on the
validation part in nats; and where they are known `seed`, `hidden_size`, `epochs`, `seconds` and
`note`. `benchmarks/planning.py --rows FILE` adds such lines.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from measuring import ROOT, Table

ROWS = ROOT / "benchmarks" / "planning_results.jsonl"
FIGURE = ROOT / "docs" / "img" / "planning.svg"
MARGIN = 0.01  # nats; what lies closer to the best is as good
TITLES = {
    "plan": "plan",
    "recipe": "recipe",
    "defaults": "old defaults",
    "advice": "old advice of `corpus`",
}
NEEDED = {"corpus": str, "minutes": (int, float), "what": str, "loss": (int, float)}
Row = dict[str, Any]
Case = tuple[str, float]  # a corpus and minutes


def read(path: Path = ROWS) -> list[Row]:
    """All rows. Ends the program where one is not as it should be."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict) or not all(
            isinstance(row.get(name), kind) for name, kind in NEEDED.items()
        ):
            sys.exit(f"{path}:{number}: not a row of results: it needs {', '.join(NEEDED)}")
        rows.append(row)
    return rows


def add(rows: Iterable[Row], path: Path) -> None:
    """Write rows after those that are there."""
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def cases(rows: Sequence[Row]) -> dict[Case, dict[str, list[Row]]]:
    """The rows of each corpus and minutes by what was trained, corpora in the order of the file."""
    order = list(dict.fromkeys(row["corpus"] for row in rows))
    found: dict[Case, dict[str, list[Row]]] = {}
    for row in sorted(rows, key=lambda row: (order.index(row["corpus"]), row["minutes"])):
        sides = found.setdefault((row["corpus"], row["minutes"]), {})
        sides.setdefault(row["what"], []).append(row)
    return found


def sides_of(rows: Sequence[Row]) -> list[str]:
    """What was trained: the known ones first, of others in the order of the file."""
    named = dict.fromkeys(row["what"] for row in rows)
    return [side for side in TITLES if side in named] + [s for s in named if s not in TITLES]


def loss(rows: Sequence[Row]) -> float:
    """The mean over seeds."""
    return mean(row["loss"] for row in rows)


def as_good(sides: dict[str, list[Row]]) -> set[str]:
    """Those that are no more than the margin above the best."""
    means = {side: loss(rows) for side, rows in sides.items()}
    return {side for side, value in means.items() if value <= min(means.values()) + MARGIN}


def table(rows: Sequence[Row]) -> Table:
    """Validation losses by corpus and minutes; in bold what is as good as the best."""
    sides = sides_of(rows)
    columns = ["text", "minutes", "the plan", *(TITLES.get(side, side) for side in sides)]
    lines = [
        [corpus, f"{minutes:g}", _plan(found.get("plan", [])), *(_cell(found, s) for s in sides)]
        for (corpus, minutes), found in cases(rows).items()
    ]
    return Table("Plans: nats per character of the network", columns, lines)


def _plan(rows: Sequence[Row]) -> str:
    """What was planned, the first time where seeds differ."""
    parts = []
    for row in rows[:1]:
        if row.get("hidden_size"):
            parts.append(f"1×{row['hidden_size']}")
        if row.get("epochs"):
            parts.append(f"{row['epochs']:.3g} epoch{'s' * (row['epochs'] != 1)}")
        if row.get("note"):
            parts.append(row["note"])
    return ", ".join(parts)


def _cell(found: dict[str, list[Row]], side: str) -> str:
    rows = found.get(side)
    if not rows:
        return ""
    shown = f"{loss(rows):.3f}"
    if side in as_good(found) and len(found) > 1:
        shown = f"**{shown}**"
    return shown + (f" ± {stdev(row['loss'] for row in rows):.3f}" if len(rows) > 1 else "")


def verdict(rows: Sequence[Row]) -> str:
    """In how many cases the plan is as good as the best, in words."""
    compared = [found for found in cases(rows).values() if "plan" in found and len(found) > 1]
    good = [found for found in compared if "plan" in as_good(found)]
    share = f"all {len(good)}" if len(good) == len(compared) else f"{len(good)} of {len(compared)}"
    worst = [loss(f["plan"]) - min(map(loss, f.values())) for f in compared if f not in good]
    most = f"; elsewhere it is at most {max(worst):.3f} above" if worst else ""
    beside = ", ".join(
        f"{TITLES.get(side, side)} in {sum(side in found for found in compared)}"
        for side in sides_of(rows) if side != "plan"
    )  # fmt: skip
    return (
        f"The plan is the best, or within {MARGIN:g} of it, in {share} comparisons{most}. "
        f"Beside it were trained: {beside}. An empty cell was not."
    )


def markdown(path: Path = ROWS) -> str:
    """The table and the sentence below it, for the page."""
    rows = read(path)
    lines = table(rows).markdown().splitlines()[2:]
    return "\n".join([*lines, "", verdict(rows)])


def draw(rows: Sequence[Row], path: Path) -> None:
    """A panel for each corpus: loss by minutes, a line for each side."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    from charrnn.report.figures.curves import MARKERS, STYLE
    from charrnn.report.figures.style import colour, plain

    found, sides = cases(rows), sides_of(rows)
    corpora = list(dict.fromkeys(corpus for corpus, _ in found))
    across = min(len(corpora), 3)
    down = -(-len(corpora) // across)
    with rc_context({**STYLE, "svg.hashsalt": "charrnn"}):
        figure = Figure(figsize=(3.1 * across, 2.3 * down + 0.5), layout="constrained")
        panels = list(figure.subplots(down, across, squeeze=False).flat)
        for panel, corpus in zip(panels, corpora, strict=False):
            for index, side in enumerate(sides):
                points = [(m, f[side]) for (c, m), f in found.items() if c == corpus and side in f]
                if points:
                    panel.plot(
                        [m for m, _ in points], [loss(rows) for _, rows in points], "-",
                        marker=MARKERS[index % len(MARKERS)], color=colour(index), markersize=5,
                        linewidth=2.0 if side == "plan" else 1.2, zorder=3 - (side != "plan"),
                    )  # fmt: skip
            panel.set_title(plain(corpus), fontsize=9)
        for panel in panels[len(corpora) :]:
            panel.remove()
        _axes(figure.axes, sorted({minutes for _, minutes in found}))
        figure.legend(handles=_handles(sides), loc="outside upper center", ncols=min(len(sides), 5))
        figure.supxlabel("minutes", fontsize=9)
        figure.supylabel("validation loss, nats per character", fontsize=9)
        suffix = path.suffix.lower()
        metadata = {"Date": None} if suffix == ".svg" else None
        figure.savefig(path, format=suffix[1:], dpi=150, metadata=metadata)


def _axes(panels: Sequence[Any], minutes: Sequence[float]) -> None:
    from matplotlib.ticker import NullLocator

    for panel in panels:
        panel.set_xscale("log")
        panel.set_xlim(minutes[0] / 1.5, minutes[-1] * 1.5)
        panel.set_xticks(minutes, [f"{m:g}" for m in minutes])
        panel.xaxis.set_minor_locator(NullLocator())
        panel.spines["right"].set_visible(False)
        panel.margins(y=0.15)


def _handles(sides: Sequence[str]) -> list[Any]:
    from matplotlib.lines import Line2D

    from charrnn.report.figures.curves import MARKERS
    from charrnn.report.figures.style import colour

    return [
        Line2D([], [], color=colour(index), marker=MARKERS[index % len(MARKERS)],
               label=TITLES.get(side, side).replace("`", ""))
        for index, side in enumerate(sides)
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--rows", type=Path, default=ROWS, metavar="FILE")
    parser.add_argument("--figure", type=Path, default=FIGURE, metavar="FILE")
    options = parser.parse_args()
    print(markdown(options.rows))
    draw(read(options.rows), options.figure)


if __name__ == "__main__":
    main()
