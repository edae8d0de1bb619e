"""charrnn export"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from charrnn.api.model import load
from charrnn.cli.options import argument_option, checkpoint_option, quiet_option
from charrnn.cli.streams import echo, write


@click.command("export")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN|CKPT")
@argument_option("to", required=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path, allow_dash=True),
    required=True,
    metavar="FILE|-",
    help="The file to write; - is stdout.",
)
@argument_option("precision")
@argument_option(
    "use", help="Whether a page has the run's n-gram too [mixture where there is one]."
)
@checkpoint_option
@quiet_option
def command(run: Path, to: Any, out: Path, precision: Any, use: Any, which: Any) -> None:
    """Write a model for PyTorch or an ONNX runtime, or as a web page that runs it.

    The page is one file and needs no server. `charrnn train --init-from FILE` reads PyTorch's
    layout back.

    \b
    Examples:
      charrnn export runs/quickstart-1 --to torch --out quickstart.safetensors
      charrnn export runs/quickstart-1 --to onnx --out quickstart.onnx
      charrnn export runs/quickstart-1 --to html --out quickstart.html
    """
    model = load(run, which)
    if str(out) == "-":
        write(model.export(to, precision=precision, use=use))
        return
    data = model.export(to, out, precision=precision, use=use)
    own = model.config.model
    size = sum(array.size for array in model.parameters.values())
    echo(
        f"{out}: {own.cell}, {own.num_layers} × {own.hidden_size}, K = {model.vocabulary.K}, "
        f"{size:,} parameters, {len(data):,} bytes"
    )
