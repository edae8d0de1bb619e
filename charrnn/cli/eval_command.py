"""charrnn eval"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from charrnn import build
from charrnn.cli.kernels import prepare
from charrnn.cli.options import checkpoint_option, format_option, threads, unknown_option
from charrnn.cli.output import to_json
from charrnn.data import load_corpus
from charrnn.errors import DataError, UsageError
from charrnn.evaluation import evaluate
from charrnn.store import locate, read


@click.command("eval")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN|CKPT")
@click.option("--text", multiple=True, metavar="FILE", help="Score this text, all of it.")
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
@checkpoint_option
@unknown_option
@format_option
def command(run: Path, text: tuple[str, ...], split: str | None, protocol: str,
            context: int | None, which: str, on_unknown: Any, form: str) -> None:  # fmt: skip
    """Score a model on a part of its text or on another text, every character once.

    \b
    Examples:
      charrnn eval runs/quickstart-1
      charrnn eval runs/quickstart-1 --text other.txt --format json
      charrnn eval runs/quickstart-1 --protocol cold --context 256
    """
    path = locate(run, which)
    checkpoint = read(path)
    network, vocabulary, config = build.restore_network(checkpoint, str(path))
    if context is not None and protocol != "cold":
        raise UsageError("--context is for --protocol cold")
    if protocol == "cold" and config.data.mode == "lines":
        raise UsageError("--protocol cold is for streams: every line has a state of its own")
    data: dict[str, Any] = {"on_unknown": on_unknown or config.data.on_unknown}
    if text:
        data["text"] = text
    split = split or ("all" if text else "val")
    if split == "all":
        data["split"] = (1.0, 0.0, 0.0)
    corpus = load_corpus(config.data.model_copy(update=data), vocabulary)
    for notice in corpus.notices:
        click.echo(f"notice: {notice}", err=True)
    if not text and split != "all" and corpus.sha256 != checkpoint.meta.get("corpus_sha256"):
        click.echo("notice: the text is not the one that the model was trained on", err=True)
    part: Any = "train" if split == "all" else split
    if not corpus.characters(part):
        raise DataError(
            f"the text has no {split} part: data.split is {list(config.data.split)}",
            then="choose another --split, or score a text of its own with --text",
        )
    cold = (context or 256) if protocol == "cold" else None
    build.hasten(network, config, corpus.characters(part))
    prepare(network, learning=False)
    with threads(config.runtime.threads):
        score = evaluate(network, corpus, part, cold=cold)
    values = {
        "nats_per_char": score.nats_per_char, "bits_per_char": score.bits_per_char,
        "perplexity": score.perplexity, "accuracy": score.accuracy, "chars": score.chars,
        "split": split, "protocol": protocol,
    }  # fmt: skip
    if form == "json":
        click.echo(to_json(values))
    else:
        click.echo(
            f"{score.nats_per_char:.4f} nats = {score.bits_per_char:.4f} bits per character, "
            f"perplexity {score.perplexity:.3f}, accuracy {score.accuracy:.2%}\n"
            f"{score.chars:,} characters, split {split}, protocol {protocol}"
            + (f", context {cold}" if cold else "")
        )
