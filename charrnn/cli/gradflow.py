"""charrnn gradflow"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from charrnn.analysis.gradient_flow.subjects import Measured, flow_of
from charrnn.cli.gradflow_sources import subjects
from charrnn.cli.gradflow_text import in_words
from charrnn.cli.gradflow_values import values
from charrnn.cli.options import checkpoint_option, format_option, set_option
from charrnn.cli.output import to_json
from charrnn.report.figures.gradient_flow import draw, require_matplotlib


@click.command("gradflow")
@click.argument("sources", nargs=-1, metavar="[CONFIG|RUN|CKPT]...")
@set_option
@click.option("--text", multiple=True, metavar="FILE", help="Measure on this text; repeatable.")
@click.option(
    "--compare",
    is_flag=True,
    help="Seven cells of equal H side by side, the rest as in CONFIG.",
)
@click.option(
    "--steps",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Updates to train a CONFIG for before it is measured.",
)
@click.option(
    "--lags",
    type=click.IntRange(2, 100_000),
    default=100,
    show_default=True,
    help="Characters that errors are followed back.",
)
@click.option(
    "--positions",
    type=click.IntRange(1, 100_000),
    default=64,
    show_default=True,
    help="Places in the text whose errors are followed; norms are medians over them.",
)
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.png",
    help="Draw it too; needs the extra plot (matplotlib).",
)
@checkpoint_option
@format_option
def command(sources: tuple[str, ...], sets: tuple[str, ...], text: tuple[str, ...], compare: bool,
            steps: int, lags: int, positions: int, plot: Path | None, which: str,
            form: str) -> None:  # fmt: skip
    """Measure how far gradients reach back, and what truncation cuts off.

    The error of one character is followed back through the text, in float64: its norm by lag and
    layer, its half-life in characters, the bound for RNNs, the spectrum of U, saturated gates,
    and the truncated gradient beside the full one for each k2.

    \b
    Examples:
      charrnn gradflow configs/char-rnn.yaml
      charrnn gradflow runs/quickstart-1 --lags 200
      charrnn gradflow --compare --set model.num_layers=1 --steps 500 --plot flow.png
    """
    if plot is not None:
        require_matplotlib(plot)
    found = subjects(sources, sets, text, compare=compare, steps=steps, which=which)
    measured = [flow_of(subject, lags, positions) for subject in found]
    _notice(measured, lags)
    if plot is not None:
        draw(measured, plot)
    click.echo(to_json(values(measured)) if form == "json" else in_words(measured, compare))


def _notice(measured: Sequence[Measured], lags: int) -> None:
    """Say where a text or its lines are shorter than the lags asked for."""
    for one in measured:
        reached = one.flow.norms.max_lag
        if reached < lags:
            click.echo(
                f"notice: {one.subject.name}: errors are followed {reached} characters back, not "
                f"{lags}: the text or its lines are no longer",
                err=True,
            )
