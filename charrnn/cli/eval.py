"""charrnn eval"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from charrnn.api.evaluation import evaluated, examined
from charrnn.api.model import load
from charrnn.cli import completion
from charrnn.cli.options import (
    Finite,
    checkpoint_option,
    format_option,
    say_notice,
    spelled,
    tell,
    unknown_option,
)
from charrnn.cli.output import to_json
from charrnn.cli.training_text import training_corpus
from charrnn.inference.baseline import Baseline, baseline, verdict
from charrnn.inference.dynamic import SEGMENT
from charrnn.inference.interval import FEWEST_LINES, SHORTEST


@click.command("eval")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN|CKPT")
@click.option("--text", multiple=True, metavar="FILE", help="Score this text, all of it.",
              shell_complete=completion.files)  # fmt: skip
@click.option(
    "--split",
    type=click.Choice(["train", "val", "test", "all"]),
    default=None,
    help="Part of the text [val; all with --text].",
)
@click.option(
    "--protocol",
    type=click.Choice(["carried", "cold"]),
    default="carried",
    show_default=True,
    help="carried: one stream, state carried; cold: windows from a zero state.",
)
@click.option("--context", type=click.IntRange(min=1), help="Characters of a cold window [256].")
@click.option(
    "--dynamic",
    type=Finite(min=0),
    metavar="LR",
    help="Keep learning on what has been scored, at this rate, for example 0.1.",
)
@click.option(
    "--baseline",
    "with_baseline",
    is_flag=True,
    help="Compare with a character n-gram of the training part.",
)
@checkpoint_option
@unknown_option
@format_option
def command(run: Path, text: tuple[str, ...], split: str | None, protocol: str,
            context: int | None, dynamic: float | None, with_baseline: bool, which: Any,
            on_unknown: Any, form: str) -> None:  # fmt: skip
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
    what = examined(
        model, text, split, protocol, context, dynamic=dynamic, on_unknown=on_unknown,
        tell=say_notice, spelled=spelled,
    )  # fmt: skip
    other = None
    if with_baseline:
        other = baseline(training_corpus(model, "--baseline"), what.corpus, what.part)
    values = evaluated(model, what, dynamic, tell).values() | _compared(other)
    name = "lines" if model.config.data.mode == "lines" else protocol
    click.echo(to_json(values) if form == "json" else _in_words(values, name, other))


def _compared(other: Baseline | None) -> dict[str, Any]:
    if other is None:
        return {}
    values = {
        "nats_per_char": other.nats_per_char, "bits_per_char": other.bits_per_char,
        "order": other.order, "smoothing": other.smoothing,
    }  # fmt: skip
    return {"baseline": values}


def _in_words(values: dict[str, Any], protocol: str, other: Baseline | None) -> str:
    lines = [
        "{nats_per_char:.4f} nats = {bits_per_char:.4f} bits per character, "
        "perplexity {perplexity:.3f}, accuracy {accuracy:.2%}".format(**values)
    ]
    lines.append(_interval_in_words(values["interval"], lines_mode=protocol == "lines"))
    whole = ", each line from a zero state" if protocol == "lines" else ""
    window = f", context {values['context']}" if values["context"] else ""
    lines.append(
        f"{values['chars']:,} characters, split {values['split']}, "
        f"protocol {values['protocol']}{window}{whole}"
    )
    if "dynamic" in values:
        lines.append(
            f"dynamic: learning at rate {values['dynamic']:g} from each {SEGMENT} characters, "
            "once they are scored"
        )
    if other is not None:
        lines.append(
            f"baseline {other.nats_per_char:.4f} nats = {other.bits_per_char:.4f} bits per "
            f"character: an n-gram of order {other.order}, Kneser-Ney\n"
            + verdict(values["nats_per_char"], other)
        )
    return "\n".join(lines)


def _interval_in_words(interval: tuple[float, float] | None, *, lines_mode: bool) -> str:
    if interval is None:
        least = f"{FEWEST_LINES} lines" if lines_mode else f"{SHORTEST:,} characters"
        return f"no 95 % interval: it takes at least {least}"
    more = "more such lines" if lines_mode else "more of the same text"
    return "95 % interval {:.4f} to {:.4f} nats, for the mean over ".format(*interval) + more
