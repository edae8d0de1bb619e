"""charrnn inspect"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from charrnn.api.inspection import Inspection, inspect
from charrnn.api.settings import to_yaml
from charrnn.cli.comparison import inspections
from charrnn.cli.options import checkpoint_option, table_option
from charrnn.cli.streams import echo, to_json
from charrnn.data.layout import seen


@click.command("inspect")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path),
                metavar="RUN|CKPT...")  # fmt: skip
@checkpoint_option
@table_option
def command(runs: tuple[Path, ...], which: str, form: Any) -> None:
    """Show what a run or checkpoint holds: progress, parameters, vocabulary, configuration.

    Several RUNs are compared in a table, with the keys of their configurations that differ.

    \b
    Examples:
      charrnn inspect runs/quickstart-1
      charrnn inspect runs/lstm-1 runs/gru-1
      charrnn inspect runs/quickstart-1/checkpoints/best.safetensors --format json
    """
    found = [inspect(run, which) for run in runs]
    if form == "json":
        values = [one.values() for one in found]
        echo(to_json(values[0] if len(runs) == 1 else values))
    elif form == "text" and len(runs) == 1:
        echo(_text(found[0]))
    else:
        echo(inspections(found).render(form))


def _text(found: Inspection) -> str:
    facts = found.facts
    best = "none yet"
    if facts["best_step"] is not None:
        best = f"{facts['best_val_loss']:.4f} nats per character at step {facts['best_step']:,}"
    symbols = json.dumps("".join(map(seen, facts["vocabulary"]["symbols"])), ensure_ascii=False)
    lines = [
        f"checkpoint   {found.path}",
        f"step         {facts['step']:,} (epoch {facts['epoch']})",
        f"best val     {best}",
        f"parameters   {facts['parameters']:,}",
        f"vocabulary   K = {facts['K']} {facts['vocabulary']['unit']}s: {symbols}",
    ]
    if (mixture := facts["mixture"]) is not None:
        what = mixture["problem"] or f"n-gram of order {mixture['order']}"
        lines.append(f"mixture      {what}: {mixture['file']}, {mixture['bytes']:,} bytes")
    lines += [
        "",
        f"{'array':16} {'shape':>12} {'norm':>10} {'max':>10}",
    ]
    lines += [
        f"{a['name']:16} {'×'.join(map(str, a['shape'])):>12} {a['norm']:>10.4f} {a['max']:>10.4f}"
        for a in facts["arrays"]
    ]
    return "\n".join([*lines, "", to_yaml(found.config).rstrip()])
