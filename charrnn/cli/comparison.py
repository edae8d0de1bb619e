"""Several runs side by side: what `charrnn eval` and `charrnn inspect` print of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from charrnn.api.evaluation import Evaluation
from charrnn.api.inspection import Inspection
from charrnn.cli.streams import to_json
from charrnn.config import flat
from charrnn.report.tables import Table


def evaluations(names: Sequence[str], results: Sequence[Evaluation], *, one_text: bool) -> Table:
    """A row for each run; `one_text`: the same characters were scored of all."""
    first = results[0]
    columns: list[tuple[str, str, list[str]]] = [
        ("run", "l", list(names)),
        ("nats", "r", [f"{r.nats_per_char:.4f}" for r in results]),
        ("95 % interval", "r", [_interval(r) for r in results]),
        ("bits", "r", [f"{r.bits_per_char:.4f}" for r in results]),
        ("perplexity", "r", [f"{r.perplexity:.3f}" for r in results]),
        ("accuracy", "r", [f"{r.accuracy:.2%}" for r in results]),
        ("characters", "r", [f"{r.chars:,}" for r in results]),
    ]
    if any(r.used == "mixture" for r in results):
        columns.append(("used", "l", [r.used for r in results]))
    for head, others in (
        ("n-gram", [r.baseline for r in results]),
        ("HMM", [r.hmm for r in results]),
    ):
        if any(other is not None for other in others):
            figures = ["" if other is None else f"{other.nats_per_char:.4f}" for other in others]
            columns.append((f"{head}, nats", "r", figures))
    heads, align, cells = zip(*columns, strict=True)
    window = f", context {first.context}" if first.context else ""
    learning = "" if first.dynamic is None else f", dynamic at rate {first.dynamic:g}"
    notes = [f"per character; split {first.split}, protocol {first.protocol}{window}{learning}"]
    if not one_text:
        notes.append("the runs have different texts: only figures of the same text compare")
    return Table(heads, [*zip(*cells, strict=True)], "".join(align), notes)


def inspections(found: Sequence[Inspection]) -> Table:
    """A column for each run: its facts, and the keys of the configuration that differ."""
    facts = [one.facts for one in found]
    rows = [
        ["step", *(f"{f['step']:,}" for f in facts)],
        ["epoch", *(f"{f['epoch']:,}" for f in facts)],
        ["best val, nats", *(_loss(f["best_val_loss"]) for f in facts)],
        ["parameters", *(f"{f['parameters']:,}" for f in facts)],
        ["K", *(f"{f['K']:,}" for f in facts)],
        *_differing([flat(one.config) for one in found]),
    ]
    return Table(["", *map(_name, found)], rows, "l" + "r" * len(found))


def _interval(result: Evaluation) -> str:
    return "" if result.interval is None else "{:.4f} to {:.4f}".format(*result.interval)


def _name(found: Inspection) -> str:
    """The run, or a checkpoint that is in none."""
    folder = found.path.parent
    return str(folder.parent if folder.name == "checkpoints" else found.path)


def _loss(loss: float | None) -> str:
    return "-" if loss is None else f"{loss:.4f}"


def _differing(configs: Sequence[dict[str, Any]]) -> Iterator[list[str]]:
    for key in configs[0]:
        values = [_shown(config.get(key)) for config in configs]
        if len(set(values)) > 1:
            yield [key, *values]


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else to_json(value)
