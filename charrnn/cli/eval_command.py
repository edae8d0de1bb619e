"""charrnn eval"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from charrnn import build
from charrnn.baseline import Baseline, baseline, verdict
from charrnn.blocks import SIZE, Blocks
from charrnn.cli.kernels import prepare
from charrnn.cli.options import checkpoint_option, format_option, threads, unknown_option
from charrnn.cli.output import to_json
from charrnn.cli.training_text import training_corpus
from charrnn.config import Config
from charrnn.data import Corpus, load_corpus
from charrnn.errors import DataError, UsageError
from charrnn.evaluation import Score, evaluate
from charrnn.store import locate, read
from charrnn.text import Vocabulary


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
            context: int | None, with_baseline: bool, which: str, on_unknown: Any,
            form: str) -> None:  # fmt: skip
    """Score a model on a part of its text or on another text, every character once.

    \b
    Examples:
      charrnn eval runs/quickstart-1
      charrnn eval runs/quickstart-1 --baseline
      charrnn eval runs/quickstart-1 --text other.txt --format json
      charrnn eval runs/quickstart-1 --protocol cold --context 256
    """
    path = locate(run, which)
    checkpoint = read(path)
    network, vocabulary, config = build.restore_network(checkpoint, str(path))
    cold = _cold(protocol, context, config)
    split = split or ("all" if text else "val")
    corpus = _corpus(config, vocabulary, text, split, on_unknown)
    if not text and split != "all" and corpus.sha256 != checkpoint.meta.get("corpus_sha256"):
        click.echo("notice: the text is not the one that the model was trained on", err=True)
    part: Any = "train" if split == "all" else split
    if not corpus.characters(part):
        raise DataError(
            f"the text has no {split} part: data.split is {list(config.data.split)}",
            then="choose another --split, or score a text of its own with --text",
        )
    other = None
    if with_baseline:
        other = baseline(
            training_corpus(config, vocabulary, checkpoint, "--baseline"), corpus, part
        )
    build.hasten(network, config, corpus.characters(part))
    prepare(network, learning=False)
    blocks = Blocks()
    with threads(config.runtime.threads):
        score = evaluate(network, corpus, part, cold=cold, blocks=blocks)
    name = "lines" if config.data.mode == "lines" else protocol
    values = _values(score, blocks.interval(), split, protocol, cold, other)
    click.echo(to_json(values) if form == "json" else _in_words(values, name, other))


def _cold(protocol: str, context: int | None, config: Config) -> int | None:
    """Characters of a cold window; None for the carried protocol."""
    if context is not None and protocol != "cold":
        raise UsageError("--context is for --protocol cold")
    if protocol == "cold" and config.data.mode == "lines":
        raise UsageError("--protocol cold is for streams: every line has a state of its own")
    return (context or 256) if protocol == "cold" else None


def _corpus(
    config: Config, vocabulary: Vocabulary, text: tuple[str, ...], split: str, on_unknown: Any
) -> Corpus:
    data: dict[str, Any] = {"on_unknown": on_unknown or config.data.on_unknown}
    if text:
        data["text"] = text
    if split == "all":
        data["split"] = (1.0, 0.0, 0.0)
    corpus = load_corpus(config.data.model_copy(update=data), vocabulary)
    for notice in corpus.notices:
        click.echo(f"notice: {notice}", err=True)
    return corpus


def _values(
    score: Score, interval: tuple[float, float] | None, split: str, protocol: str,
    cold: int | None, other: Baseline | None,
) -> dict[str, Any]:  # fmt: skip
    values: dict[str, Any] = {
        "nats_per_char": score.nats_per_char, "bits_per_char": score.bits_per_char,
        "perplexity": score.perplexity, "accuracy": score.accuracy, "chars": score.chars,
        "split": split, "protocol": protocol, "context": cold, "interval": interval,
    }  # fmt: skip
    if other is not None:
        values["baseline"] = {
            "nats_per_char": other.nats_per_char, "bits_per_char": other.bits_per_char,
            "order": other.order, "smoothing": other.smoothing,
        }  # fmt: skip
    return values


def _in_words(values: dict[str, Any], protocol: str, other: Baseline | None) -> str:
    lines = [
        "{nats_per_char:.4f} nats = {bits_per_char:.4f} bits per character, "
        "perplexity {perplexity:.3f}, accuracy {accuracy:.2%}".format(**values)
    ]
    if values["interval"]:
        low, high = values["interval"]
        blocks = "lines" if protocol == "lines" else f"blocks of {SIZE} characters"
        lines.append(f"95 % interval {low:.4f} to {high:.4f} nats ({blocks} drawn again)")
    whole = ", each line from a zero state" if protocol == "lines" else ""
    window = f", context {values['context']}" if values["context"] else ""
    lines.append(
        f"{values['chars']:,} characters, split {values['split']}, "
        f"protocol {values['protocol']}{window}{whole}"
    )
    if other is not None:
        lines.append(
            f"baseline {other.nats_per_char:.4f} nats = {other.bits_per_char:.4f} bits per "
            f"character: an n-gram of order {other.order}, Kneser-Ney\n"
            + verdict(values["nats_per_char"], other)
        )
    return "\n".join(lines)
