"""charrnn inspect"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np

from charrnn import build
from charrnn.cli.options import checkpoint_option, format_option
from charrnn.cli.output import to_json
from charrnn.config import to_yaml
from charrnn.storage.checkpoint import Checkpoint, read
from charrnn.storage.checkpoint_folder import locate
from charrnn.training.state import SavedState


@click.command("inspect")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN|CKPT")
@checkpoint_option
@format_option
def command(run: Path, which: str, form: str) -> None:
    """Show what a run or checkpoint holds: progress, parameters, vocabulary, configuration.

    \b
    Examples:
      charrnn inspect runs/quickstart-1
      charrnn inspect runs/quickstart-1/checkpoints/best.safetensors --format json
    """
    path = locate(run, which)
    checkpoint = read(path)
    facts = _facts(path, checkpoint)
    click.echo(to_json(facts) if form == "json" else _text(path, checkpoint, facts))


def _facts(path: Path, checkpoint: Checkpoint) -> dict[str, Any]:
    meta = checkpoint.meta
    arrays = [
        {"name": name, "shape": list(array.shape), "size": int(array.size),
         "norm": float(np.linalg.norm(array)), "max": float(np.abs(array).max(initial=0))}
        for name, array in checkpoint.parameters().items()
    ]  # fmt: skip
    saved = SavedState.of(checkpoint, str(path))
    best_loss, best_step = saved.best or (None, None)
    return {
        "checkpoint": str(path), "format": meta.format, "step": meta.step,
        "epoch": saved.cursor[0], "best_val_loss": best_loss,
        "best_step": best_step, "K": len(meta.vocabulary.symbols),
        "parameters": sum(array["size"] for array in arrays), "arrays": arrays,
        "vocabulary": meta.vocabulary.model_dump(), "config": meta.config,
    }  # fmt: skip


def _text(path: Path, checkpoint: Checkpoint, facts: dict[str, Any]) -> str:
    best = "none yet"
    if facts["best_step"] is not None:
        best = f"{facts['best_val_loss']:.4f} nats per character at step {facts['best_step']:,}"
    symbols = json.dumps("".join(facts["vocabulary"]["symbols"]), ensure_ascii=False)
    lines = [
        f"checkpoint   {path}",
        f"step         {facts['step']:,} (epoch {facts['epoch']})",
        f"best val     {best}",
        f"parameters   {facts['parameters']:,}",
        f"vocabulary   K = {facts['K']} {facts['vocabulary']['unit']}s: {symbols}",
        "",
        f"{'array':16} {'shape':>12} {'norm':>10} {'max':>10}",
    ]
    lines += [
        f"{a['name']:16} {'×'.join(map(str, a['shape'])):>12} {a['norm']:>10.4f} {a['max']:>10.4f}"
        for a in facts["arrays"]
    ]
    return "\n".join([*lines, "", to_yaml(build.config_of(checkpoint, str(path))).rstrip()])
