"""charrnn sample"""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import click

from charrnn.api.model import load
from charrnn.api.sampling import draw
from charrnn.cli.options import (
    Finite,
    checkpoint_option,
    format_option,
    spelled,
    unknown_option,
)
from charrnn.cli.sample_text import Show, prime_text, unescaped
from charrnn.cli.training_text import training_corpus
from charrnn.inference.memorization import TrainingText


@click.command("sample")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN|CKPT")
@click.option("--prime", help="Text that the sample goes on from; echoed first.")
@click.option("--prime-file", type=click.File("rb"), help="The same, from a file or - for stdin.")
@click.option(
    "--length",
    type=click.IntRange(min=0),
    default=2000,
    show_default=True,
    help="Characters to sample.",
)
@click.option(
    "--temperature",
    type=Finite(min=0),
    default=1.0,
    show_default=True,
    help="Divides the logits: below 1 safer, above 1 wilder, 0 the likeliest.",
)
@click.option("--top-k", type=click.IntRange(min=1), help="Only the k likeliest characters.")
@click.option(
    "--top-p",
    type=Finite(min=0, max=1, min_open=True),
    help="Only the likeliest characters that together reach probability p.",
)
@click.option("--seed", type=click.IntRange(min=0), help="The same seed gives the same text.")
@click.option(
    "--count", type=click.IntRange(min=1), default=1, show_default=True, help="How many samples."
)
@click.option(
    "--stop",
    "stops",
    multiple=True,
    metavar="TEXT",
    help="End a sample where this text appears, which is not printed; repeatable.",
)
@click.option("--lines", type=click.IntRange(min=1), help="End a sample after N line ends.")
@click.option(
    "--allow", metavar="CHARS", help="Draw only these; \\n, \\t, \\\\ and \\u00e9 are read."
)
@click.option("--forbid", metavar="CHARS", help="Never draw these, written the same way.")
@click.option(
    "--best-of",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Draw N for each sample, and write the one with the best mean log-probability.",
)
@click.option(
    "--check-novelty",
    is_flag=True,
    help="Tell on stderr whether samples stand in the training text, and what is copied.",
)
@format_option
@checkpoint_option
@unknown_option
def command(run: Path, prime: str | None, prime_file: BinaryIO | None, length: int,
            temperature: float, top_k: int | None, top_p: float | None, seed: int | None,
            count: int, stops: tuple[str, ...], lines: int | None, allow: str | None,
            forbid: str | None, best_of: int, check_novelty: bool, form: str, which: Any,
            on_unknown: Any) -> None:  # fmt: skip
    """Write text in the manner of a trained model to stdout, as it is drawn.

    \b
    Examples:
      charrnn sample runs/quickstart-1 --length 500 --temperature 0.8
      charrnn sample runs/names-1 --count 10 --lines 1 --check-novelty
      echo "Once upon" | charrnn sample runs/my-1 --prime-file -
    """
    model = load(run, which)
    data, unit = model.config.data, model.vocabulary.unit
    text, prime_name = prime_text(prime, prime_file, data.encoding, unit)
    drawing = draw(
        model, text, length=length, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed,
        stops=stops, lines=lines, allow=unescaped(allow), forbid=unescaped(forbid),
        on_unknown=on_unknown, spelled=spelled, prime_name=prime_name,
    )  # fmt: skip
    known = TrainingText(training_corpus(model, "--check-novelty")) if check_novelty else None
    asked = model.vocabulary.decode(drawing.asked)
    show = Show(model.vocabulary, asked, known, form, lines=drawing.boundary is not None)
    if count == best_of == 1 and form == "text":
        show.stream(drawing.stream())
        return
    for sampled, nats in drawing.samples(count, best_of):
        show.sample(sampled, nats)
