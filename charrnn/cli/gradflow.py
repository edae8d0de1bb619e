"""charrnn gradflow"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from charrnn.api.gradflow import gradflow
from charrnn.cli.options import (
    argument_option,
    checkpoint_option,
    format_option,
    quiet_option,
    set_option,
)
from charrnn.cli.streams import echo, to_json
from charrnn.report.gradient_flow import in_words


@click.command("gradflow")
@click.argument("sources", nargs=-1, metavar="[CONFIG|RUN|CKPT]...")
@set_option
@click.option("--text", "files", multiple=True, metavar="FILE",
              help="Measure on this text; repeatable.")  # fmt: skip
@click.option("--compare", is_flag=True,
              help="Seven cells of equal H side by side, the rest as in CONFIG.")  # fmt: skip
@argument_option("steps", default=0, help="Updates to train a CONFIG for before it is measured.")
@argument_option("lags", default=100)
@argument_option("positions")
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.png",
              help="Draw it too; needs the extra plot (matplotlib).")  # fmt: skip
@checkpoint_option
@format_option
@quiet_option
def command(sources: tuple[str, ...], files: tuple[str, ...], which: str, form: str,
            **given: Any) -> None:  # fmt: skip
    """Measure how far gradients reach back, and what truncation cuts off.

    The gradient of one character's loss is followed back through the text, in float64: its norm by
    lag and layer, its half-life in characters, the bound for RNNs, the spectrum of U, saturated
    gates, and the truncated gradient beside the full one for each k2.

    \b
    Examples:
      charrnn gradflow configs/char-rnn.yaml
      charrnn gradflow runs/quickstart-1 --lags 200
      charrnn gradflow --compare --set model.num_layers=1 --steps 500 --plot flow.png
    """
    flow = gradflow(*sources, files=files or None, checkpoint=which, **given)
    told = to_json(flow.values()) if form == "json" else in_words(flow.measured, given["compare"])
    echo(told)
