"""charrnn sample"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import click
import numpy as np
from numpy.typing import NDArray

from charrnn import build
from charrnn.cli.options import Finite, checkpoint_option, threads, unknown_option
from charrnn.cli.output import write
from charrnn.data.corpus import BOUNDARY
from charrnn.errors import DataError, UsageError
from charrnn.generation import Sampling, sample
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
@click.option("--stop", help="End a sample where this text appears, which is not printed.")
@checkpoint_option
@unknown_option
def command(run: Path, prime: str | None, prime_file: BinaryIO | None, length: int,
            temperature: float, top_k: int | None, top_p: float | None, seed: int | None,
            count: int, stop: str | None, which: str, on_unknown: Any) -> None:  # fmt: skip
    """Write text in the manner of a trained model to stdout, as it is drawn.

    \b
    Examples:
      charrnn sample runs/quickstart-1 --length 500 --temperature 0.8
      charrnn sample runs/names-1 --count 10 --stop $'\\n'
      echo "Once upon" | charrnn sample runs/my-1 --prime-file -
    """
    path = locate(run, which)
    network, vocabulary, config = build.restore_network(read(path), str(path))
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
    settings = Sampling(temperature, top_k, top_p)
    go_on = build.continuation(network, settings, boundary, length * count)
    with threads(1):
        for first in range(0, count, TOGETHER):
            indices = range(first, min(first + TOGETHER, count))
            chunks = sample(network, ids, length, go_on, seed, boundary, indices)
            if count == 1:
                _write(vocabulary.decode(primed), vocabulary.unit)
                _stream(vocabulary, (int(i) for chunk in chunks for i in chunk[:, 0]), stop)
                return
            for text in _texts(vocabulary, chunks, len(indices), stop):
                whole = vocabulary.decode(primed) + text
                _write(whole if whole.endswith("\n") else whole + "\n", vocabulary.unit)


def _decode(data: bytes, encoding: str, vocabulary: Vocabulary) -> str:
    try:
        return data.decode("latin-1" if vocabulary.unit == "byte" else encoding)
    except UnicodeDecodeError as error:
        raise DataError(
            f"not {encoding}: byte at offset {error.start}", where="--prime-file"
        ) from None


def _texts(
    vocabulary: Vocabulary, chunks: Iterator[NDArray[np.int32]], count: int, stop: str | None
) -> list[str]:
    """Samples that are drawn side by side, each up to the stop text."""
    texts = [""] * count
    for chunk in chunks:
        texts = [
            text if stop and stop in text else text + vocabulary.decode(ids)
            for text, ids in zip(texts, chunk.T, strict=True)
        ]
        if stop and all(stop in text for text in texts):
            break
    return [text.split(stop)[0] if stop else text for text in texts]


def _stream(vocabulary: Vocabulary, drawn: Iterator[int], stop: str | None) -> None:
    """Write characters as they come, holding back what may be the stop text's beginning."""
    held = ""
    for index in drawn:
        held += vocabulary.symbols[index]
        if stop and held.endswith(stop):
            held = held.removesuffix(stop)
            break
        keep = _possible_beginning(held, stop)
        ready, held = held[: len(held) - keep], held[len(held) - keep :]
        _write(ready, vocabulary.unit)
    _write(held, vocabulary.unit)


def _possible_beginning(text: str, stop: str | None) -> int:
    """Length of the longest end of `text` that `stop` begins with."""
    if not stop:
        return 0
    return next(n for n in range(min(len(stop), len(text)), -1, -1) if text.endswith(stop[:n]))


def _write(text: str, unit: str) -> None:
    write(text.encode("latin-1" if unit == "byte" else "utf-8", "surrogatepass"))
