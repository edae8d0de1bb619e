"""charrnn eval"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from charrnn.api.evaluation import Evaluation, evaluate
from charrnn.api.model import load
from charrnn.cli import completion
from charrnn.cli.comparison import evaluations
from charrnn.cli.mistakes import one_glob
from charrnn.cli.options import (
    argument_option,
    checkpoint_option,
    encoding_option,
    quiet_option,
    say_notice,
    table_option,
    unknown_option,
)
from charrnn.cli.streams import echo, to_json
from charrnn.data.layout import Layout
from charrnn.data.vocabulary import unit_name
from charrnn.errors import UsageError
from charrnn.inference.baseline import verdict
from charrnn.inference.dynamic import SEGMENT
from charrnn.inference.interval import FEWEST_SEQUENCES, SHORTEST
from charrnn.runs.listing import find_run


@click.command("eval")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path),
                metavar="RUN|CKPT...")  # fmt: skip
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
@encoding_option
@argument_option("use")
@checkpoint_option
@unknown_option
@table_option
@quiet_option
def command(runs: tuple[Path, ...], text: tuple[str, ...], split: str | None, protocol: str,
            context: int | None, dynamic: float | None, with_baseline: bool, hmm: int | None,
            use: str | None, encoding: str | None,
            which: Any, on_unknown: Any, form: Any) -> None:  # fmt: skip
    """Score a model on a part of its text or on another text, every character once.

    Several RUNs are compared in a table.

    \b
    Examples:
      charrnn eval runs/quickstart-1
      charrnn eval runs/quickstart-1 --baseline
      charrnn eval runs/quickstart-1 --dynamic 0.1
      charrnn eval runs/lstm-1 runs/gru-1 --format markdown
      charrnn eval runs/quickstart-1 --text other.txt --format json
      charrnn eval runs/quickstart-1 --protocol cold --context 256
    """
    paths = [find_run(run) for run in runs]
    _require_runs(paths, text)
    models = [load(path, which) for path in paths]
    results = [
        evaluate(
            model, text, split, protocol, context, dynamic=dynamic, with_baseline=with_baseline,
            hmm=hmm, on_unknown=on_unknown, use=use, encoding=encoding, tell=say_notice,
        )
        for model in models
    ]  # fmt: skip
    names = [str(path) for path in paths]
    if form == "json":
        listed = [{"run": n, **r.values()} for n, r in zip(names, results, strict=True)]
        echo(to_json(results[0].values() if len(runs) == 1 else listed))
    elif form == "text" and len(runs) == 1:
        echo(_in_words(results[0], models[0].layout))
    else:
        texts = {model.meta["corpus_sha256"] for model in models}
        table = evaluations(names, results, one_text=bool(text) or len(texts) == 1)
        echo(table.render(form))


def _require_runs(paths: Sequence[Path], text: Sequence[str]) -> None:
    """UsageError for a text among the runs, which a glob after --text leaves there."""
    for path in paths[1:] if text else ():
        if path.suffix not in ("", ".safetensors") and not path.is_dir():
            raise UsageError("is no run", where=str(path), then=f"a {one_glob()}")


def _in_words(result: Evaluation, layout: Layout) -> str:
    one = unit_name(result.unit)
    lines = [
        f"{result.nats_per_char:.4f} nats = {result.bits_per_char:.4f} bits per {one}, "
        f"perplexity {result.perplexity:.3f}, accuracy {result.accuracy:.2%}"
    ]
    if result.unit == "byte":
        lines.append(
            f"{result.bits_per_character_of_text:.4f} bits per character of the text, of which "
            f"there are {result.characters_of_text:,}"
        )
    lines.append(_interval_in_words(result.interval, layout))
    whole = f", each {layout.name} from a zero state" if layout.name else ""
    window = f", context {result.context}" if result.context else ""
    lines.append(
        f"{result.chars:,} {one}s, split {result.split}, protocol {result.protocol}{window}{whole}"
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
            f"{one}: an n-gram of order {other.order}, Kneser-Ney\n"
            + verdict(result.nats_per_char, other)
        )
    if (markov := result.hmm) is not None:
        lines.append(
            f"hidden Markov model {markov.nats_per_char:.4f} nats = {markov.bits_per_char:.4f} "
            f"bits per {one}: {markov.states} states, {markov.parameters:,} parameters"
        )
    return "\n".join(lines)


def _interval_in_words(interval: tuple[float, float] | None, layout: Layout) -> str:
    if interval is None:
        least = f"{FEWEST_SEQUENCES} {layout.plural}" if layout.name else f"{SHORTEST:,} characters"
        return f"no 95 % interval: it takes at least {least}"
    more = f"more such {layout.plural}" if layout.name else "more of the same text"
    return "95 % interval {:.4f} to {:.4f} nats, for the mean over ".format(*interval) + more
