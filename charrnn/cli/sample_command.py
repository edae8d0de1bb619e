"""charrnn sample"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import click
import numpy as np
from numpy.typing import NDArray

from charrnn import build
from charrnn.cli.options import (
    Finite,
    checkpoint_option,
    format_option,
    threads,
    unknown_option,
)
from charrnn.cli.sample_text import Show, allowed, as_symbols
from charrnn.cli.training_text import training_corpus
from charrnn.data.corpus import BOUNDARY
from charrnn.endings import Ending
from charrnn.errors import DataError, UsageError
from charrnn.generation import Sampling, sample
from charrnn.nn.network import Network
from charrnn.novelty import TrainingText
from charrnn.parallel import StreamSplit
from charrnn.scoring import mean_nats
from charrnn.store import locate, read
from charrnn.text import Vocabulary

TOGETHER = 64  # samples that are drawn side by side


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
            forbid: str | None, best_of: int, check_novelty: bool, form: str, which: str,
            on_unknown: Any) -> None:  # fmt: skip
    """Write text in the manner of a trained model to stdout, as it is drawn.

    \b
    Examples:
      charrnn sample runs/quickstart-1 --length 500 --temperature 0.8
      charrnn sample runs/names-1 --count 10 --lines 1 --check-novelty
      echo "Once upon" | charrnn sample runs/my-1 --prime-file -
    """
    path = locate(run, which)
    checkpoint = read(path)
    network, vocabulary, config = build.restore_network(checkpoint, str(path))
    if prime is not None and prime_file is not None:
        raise UsageError("--prime and --prime-file are two names for one thing: give one")
    if prime_file is not None:
        prime = _decode(prime_file.read(), config.data.encoding, vocabulary)
    elif prime is not None and vocabulary.unit == "byte":
        prime = prime.encode().decode("latin-1")
    seed = secrets.randbelow(2**31) if seed is None else seed
    boundary = vocabulary.id(BOUNDARY) if config.data.mode == "lines" else None
    start = np.array([vocabulary.id(BOUNDARY) if BOUNDARY in vocabulary else 0], np.int32)
    primed = vocabulary.encode(
        prime or "",
        on_unknown or config.data.on_unknown,
        "--prime" if prime_file is None else "--prime-file",
        "--on-unknown",
    )
    ids = np.concatenate([start, primed]) if boundary is not None or not len(primed) else primed
    settings = Sampling(temperature, top_k, top_p, allowed(vocabulary, allow, forbid))
    ending = Ending((as_symbols(stop, vocabulary) for stop in stops), lines)
    known = None
    if check_novelty:
        corpus = training_corpus(config, vocabulary, checkpoint, "--check-novelty")
        known = TrainingText(corpus)
    go_on = build.continuation(network, settings, boundary, length * count * best_of)
    streams = partial(sample, network, ids, length, go_on, seed, boundary)
    show = Show(vocabulary, vocabulary.decode(primed), known, form, lines=boundary is not None)
    with threads(1):
        if count == best_of == 1 and form == "text":
            drawn = (int(i) for chunk in streams([0]) for i in chunk[:, 0])
            show.stream(ending.ready(vocabulary.symbols[i] for i in drawn))
            return
        for text, nats in _samples(streams, network, vocabulary, ids, boundary, ending, count,
                                   best_of):  # fmt: skip
            show.sample(text, nats)


def _samples(
    streams: Callable[[range], Iterator[NDArray[np.int32]]], network: Network,
    vocabulary: Vocabulary, prime: NDArray[np.int32], boundary: int | None, ending: Ending,
    count: int, best_of: int,
) -> Iterator[tuple[str, float]]:  # fmt: skip
    """Texts and their mean nats, each the best of some that are drawn side by side."""
    split, candidates = StreamSplit(network), list[tuple[str, float]]()
    for first in range(0, count * best_of, TOGETHER):
        indices = range(first, min(first + TOGETHER, count * best_of))
        texts = _texts(vocabulary, streams(indices), len(indices), ending)
        encoded = [vocabulary.encode(text) for text in texts]
        candidates += zip(texts, mean_nats(split, prime, encoded, boundary), strict=True)
        while len(candidates) >= best_of:
            yield min(candidates[:best_of], key=lambda candidate: candidate[1])
            del candidates[:best_of]


def _decode(data: bytes, encoding: str, vocabulary: Vocabulary) -> str:
    try:
        return data.decode("latin-1" if vocabulary.unit == "byte" else encoding)
    except UnicodeDecodeError as error:
        raise DataError(
            f"not {encoding}: byte at offset {error.start}", where="--prime-file"
        ) from None


def _texts(
    vocabulary: Vocabulary, chunks: Iterator[NDArray[np.int32]], count: int, ending: Ending
) -> list[str]:
    """Samples that are drawn side by side, each up to its end."""
    texts, ended = [""] * count, [False] * count
    for chunk in chunks:
        for index, ids in enumerate(chunk.T):
            if not ended[index]:
                texts[index], ended[index] = ending.cut(texts[index] + vocabulary.decode(ids))
        if all(ended):
            break
    return texts
