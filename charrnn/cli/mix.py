"""charrnn mix"""

from __future__ import annotations

from pathlib import Path

import click

from charrnn.api.mixing import MixResult, mix
from charrnn.cli.options import format_option, quiet_option
from charrnn.cli.spelling import in_options
from charrnn.cli.streams import echo, to_json
from charrnn.errors import UsageError, argument, call
from charrnn.inference.metrics import bits


@click.command("mix")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--order", default="auto", show_default=True, metavar="auto|N",
              help="Characters of the n-gram's longest grams.")  # fmt: skip
@format_option
@quiet_option
def command(run: Path, order: str, form: str) -> None:
    """Add an n-gram of its training text to a run.

    Losses are in nats per character. What reads the run afterwards mixes it with the network.

    \b
    Examples:
      charrnn mix runs/quickstart-1
      charrnn mix runs/quickstart-1 --order 10 --format json
    """
    result = mix(run, "auto" if order == "auto" else _number(order))
    echo(to_json(result.values()) if form == "json" else _in_words(result))


def _number(order: str) -> int:
    try:
        return int(order)
    except ValueError:
        raise UsageError(
            f"{order!r} is not auto or a whole number", where=argument("order")
        ) from None


def _in_words(result: MixResult) -> str:
    lines = [
        f"n-gram of order {result.order}: {result.mixture}, {result.bytes / 2**20:,.1f} MiB",
    ]
    if result.val_loss is not None and result.parts is not None:
        lines.append(
            f"validation: {result.val_loss:.4f} nats = {bits(result.val_loss):.4f} bits per "
            f"character; the network alone {result.parts['network']:.4f}, the n-gram alone "
            f"{result.parts['ngram']:.4f} nats"
        )
    return "\n".join([*lines, f"next: {in_options(call('evaluate', str(result.run)))}"])
