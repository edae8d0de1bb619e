"""charrnn sample"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from charrnn.api.loaded import as_symbols
from charrnn.api.model import Model, load
from charrnn.api.sampling import Sampler, prepare_sampler
from charrnn.cli.options import (
    argument_option,
    checkpoint_option,
    format_option,
    say_notice,
    unknown_option,
)
from charrnn.cli.streams import to_json, write
from charrnn.data.files import read_prime
from charrnn.errors import DataError, UsageError, argument
from charrnn.inference.memorization import Copied

_ESCAPE = re.compile(r"\\(?:([ntr0\\])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "\\": "\\"}
_SHOWN = 60  # characters of a text on stderr


@click.command("sample")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN|CKPT")
@click.option("--prime", help="Text that the sample goes on from; echoed first.")
@click.option("--prime-file", type=click.Path(path_type=Path, allow_dash=True), metavar="FILE|-",
              help="The same, from a file or - for stdin.")  # fmt: skip
@argument_option("length", default=2000)
@argument_option("temperature", default=1.0)
@argument_option("top_k")
@argument_option("top_p")
@argument_option("seed", help="The same seed gives the same text.")
@argument_option("count", default=1)
@click.option("--stop", "stops", multiple=True, metavar="TEXT",
              help="End a sample where this text appears, which is not printed; written as "
              "in --allow; repeatable.",
              )  # fmt: skip
@argument_option("lines")
@click.option(
    "--allow", metavar="CHARS", help="Sample only these; \\n, \\t, \\\\ and \\u00e9 are read."
)
@click.option("--forbid", metavar="CHARS", help="Never sample these, written the same way.")
@argument_option("best_of", default=1)
@click.option("--check-novelty", is_flag=True,
              help="Tell on stderr whether samples stand in the training text, and what is copied.",
              )  # fmt: skip
@argument_option("use")
@argument_option("ngram_weight")
@format_option
@checkpoint_option
@unknown_option
def command(run: Path, prime: str | None, prime_file: Path | None, allow: str | None,
            forbid: str | None, stops: tuple[str, ...], count: int, best_of: int, form: str,
            which: Any, **options: Any) -> None:  # fmt: skip
    """Write text in the manner of a trained model to stdout, as it is made.

    \b
    Examples:
      charrnn sample runs/quickstart-1 --length 500 --temperature 0.8
      charrnn sample runs/names-1 --count 10 --lines 1 --check-novelty
      echo "Once upon" | charrnn sample runs/my-1 --prime-file -
    """
    model = load(run, which)
    text, prime_name = prime_text(prime, prime_file, model)
    sampler = prepare_sampler(
        model, text, allow=unescaped(allow), forbid=unescaped(forbid),
        stops=[unescaped(stop) or "" for stop in stops], prime_name=prime_name, tell=say_notice,
        **options,
    )  # fmt: skip
    if sampler.mixed is not None:
        order = sampler.mixed.mixture.order
        say_notice(f"sampling from the network mixed with an n-gram of order {order}; "
                   f"{argument('use', 'network')} samples from the network alone")  # fmt: skip
    show = Show(sampler, form)
    if count == best_of == 1 and form == "text":
        show.stream()
        return
    for sampled, nats in sampler.samples(count, best_of):
        show.sample(sampled, nats)


def prime_text(prime: str | None, file: Path | None, model: Model) -> tuple[str, str]:
    """The prime in the vocabulary's symbols, and the name of the option that it was given by."""
    unit, encoding = model.vocabulary.unit, model.config.data.encoding
    if prime is not None and file is not None:
        names = f"{argument('prime')} and {argument('prime_file')}"
        raise UsageError(f"{names} are two names for one thing: give one")
    if file is None:
        return as_symbols(prime or "", unit), "prime"
    try:
        data = read_prime(file)
        return data.decode("latin-1" if unit == "byte" else encoding), "prime_file"
    except UnicodeDecodeError as error:
        raise DataError(
            f"not {encoding}: byte at offset {error.start}", where=argument("prime_file")
        ) from None


def unescaped(text: str | None) -> str | None:
    """A text of the command line in which \\n, \\xE9 and the like are what they stand for."""

    def character(found: re.Match[str]) -> str:
        letter, *numbers = found.groups()
        return _LETTERS[letter] if letter else chr(int(next(filter(None, numbers)), 16))

    return None if text is None else _ESCAPE.sub(character, text)


class Show:
    """Writes samples to stdout and, where they are compared with it, what of the training text is
    in them to stderr.
    """

    def __init__(self, sampler: Sampler, form: str) -> None:
        self._sampler, self._prime, self._json = sampler, sampler.prime_text, form == "json"
        self._compared, self._count = sampler.training_text is not None, 0

    def stream(self) -> None:
        """A single sample, as it is made."""
        text = ""
        self._write(self._prime)
        for piece in self._sampler.stream():
            self._write(piece)
            if self._compared:
                text += piece
        if self._compared:
            click.echo(err=True)
            self._tell(self._sampler.copied(text))

    def sample(self, text: str, nats: float) -> None:
        """One of several samples; `nats` per character."""
        whole, copied = self._prime + text, self._sampler.copied(text)
        if not self._json:
            self._write(whole if whole.endswith("\n") else whole + "\n")
            self._tell(copied)
            return
        found = {"text": whole, "nats_per_char": nats, "used": self._sampler.used}
        if self._compared:
            found["novelty"] = [
                {"text": c.text, "in_training_text": c.known, "longest_copied": len(c.span),
                 "copied": c.span}
                for c in copied
            ]  # fmt: skip
        write((to_json(found) + "\n").encode())

    def _tell(self, copied: list[Copied]) -> None:
        what = "sample" if self._sampler.boundary is None else "line"
        for found in copied:
            self._count += 1
            verdict = "in the training text" if found.known else "new"
            click.echo(
                f"{what} {self._count} {_short(found.text)}: {verdict}; longest copied span "
                f"{len(found.span)} of {len(found.text)} characters {_short(found.span)}",
                err=True,
            )

    def _write(self, text: str) -> None:
        unit = self._sampler.vocabulary.unit
        write(text.encode("latin-1" if unit == "byte" else "utf-8", "surrogatepass"))


def _short(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")
