"""charrnn eval"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from charrnn.api.evaluation import Evaluation, evaluate
from charrnn.api.model import load
from charrnn.cli import completion
from charrnn.cli.options import (
    argument_option,
    checkpoint_option,
    format_option,
    say_notice,
    unknown_option,
)
from charrnn.cli.streams import to_json
from charrnn.inference.baseline import verdict
from charrnn.inference.dynamic import SEGMENT
from charrnn.inference.interval import FEWEST_LINES, SHORTEST


@click.command("eval")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN|CKPT")
@click.option("--text", multiple=True, metavar="FILE", help="Score this text, all of it.",
              shell_complete=completion.files)  # fmt: skip
@argument_option("split")
@argument_option("protocol", default="carried")
@argument_option("context")
@argument_option("dynamic", metavar="LR")
@click.option(
    "--baseline",
    "with_baseline",
    is_flag=True,
    help="Compare with a character n-gram of the training part.",
)
@argument_option("hmm", metavar="STATES")
@argument_option("use")
@checkpoint_option
@unknown_option
@format_option
def command(run: Path, text: tuple[str, ...], split: str | None, protocol: str,
            context: int | None, dynamic: float | None, with_baseline: bool, hmm: int | None,
            use: str | None,
            which: Any, on_unknown: Any, form: str) -> None:  # fmt: skip
    """Score a model on a part of its text or on another text, every character once.

    \b
    Examples:
      charrnn eval runs/quickstart-1
      charrnn eval runs/quickstart-1 --baseline
      charrnn eval runs/quickstart-1 --dynamic 0.1
      charrnn eval runs/quickstart-1 --text other.txt --format json
      charrnn eval runs/quickstart-1 --protocol cold --context 256
    """
    model = load(run, which)
    result = evaluate(
        model, text, split, protocol, context, dynamic=dynamic, with_baseline=with_baseline,
        hmm=hmm, on_unknown=on_unknown, use=use, tell=say_notice,
    )  # fmt: skip
    name = "lines" if model.is_of_lines else protocol
    click.echo(to_json(result.values()) if form == "json" else _in_words(result, name))


def _in_words(result: Evaluation, protocol: str) -> str:
    lines = [
        f"{result.nats_per_char:.4f} nats = {result.bits_per_char:.4f} bits per character, "
        f"perplexity {result.perplexity:.3f}, accuracy {result.accuracy:.2%}"
    ]
    lines.append(_interval_in_words(result.interval, lines_mode=protocol == "lines"))
    whole = ", each line from a zero state" if protocol == "lines" else ""
    window = f", context {result.context}" if result.context else ""
    lines.append(
        f"{result.chars:,} characters, split {result.split}, "
        f"protocol {result.protocol}{window}{whole}"
    )
    if (parts := result.parts) is not None:
        lines.append(
            f"used: the mixture; the network alone {parts['network']:.4f}, the n-gram alone "
            f"{parts['ngram']:.4f} nats"
        )
    if result.dynamic is not None:
        lines.append(
            f"dynamic: learning at rate {result.dynamic:g} from each {SEGMENT} characters, "
            "once they are scored"
        )
    if (other := result.baseline) is not None:
        lines.append(
            f"baseline {other.nats_per_char:.4f} nats = {other.bits_per_char:.4f} bits per "
            f"character: an n-gram of order {other.order}, Kneser-Ney\n"
            + verdict(result.nats_per_char, other)
        )
    if (markov := result.hmm) is not None:
        lines.append(
            f"hidden Markov model {markov.nats_per_char:.4f} nats = {markov.bits_per_char:.4f} "
            f"bits per character: {markov.states} states, {markov.parameters:,} parameters"
        )
    return "\n".join(lines)


def _interval_in_words(interval: tuple[float, float] | None, *, lines_mode: bool) -> str:
    if interval is None:
        least = f"{FEWEST_LINES} lines" if lines_mode else f"{SHORTEST:,} characters"
        return f"no 95 % interval: it takes at least {least}"
    more = "more such lines" if lines_mode else "more of the same text"
    return "95 % interval {:.4f} to {:.4f} nats, for the mean over ".format(*interval) + more
