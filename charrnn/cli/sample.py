"""charrnn sample"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from charrnn.api.arguments import require_codec
from charrnn.api.model import Model, load
from charrnn.api.sampler import Sampler
from charrnn.api.sampling import RECORD_LENGTH, prepare_sampler
from charrnn.cli import next_characters
from charrnn.cli.options import (
    argument_option,
    checkpoint_option,
    encoding_option,
    format_option,
    say_notice,
    unescaped,
    unknown_option,
)
from charrnn.cli.streams import echo, to_json, write
from charrnn.data.files import MARK, is_utf8, read_prime, undecodable
from charrnn.data.utf8 import as_text
from charrnn.errors import UsageError, argument
from charrnn.inference.memorization import Copied

_SHOWN = 60  # characters of a text on stderr


@click.command("sample")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN|CKPT")
@click.option("--prime", help="Text that the sample goes on from; echoed first.")
@click.option("--prime-file", type=click.Path(path_type=Path, allow_dash=True), metavar="FILE|-",
              help="The same, from a file or - for stdin.")  # fmt: skip
@argument_option("length")
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
@argument_option("records")
@click.option("--unique", is_flag=True,
              help="Records or lines that do not repeat, and stand nowhere in the training text: "
              "as many as --count or --records says.",
              )  # fmt: skip
@click.option(
    "--allow", metavar="CHARS", help="Sample only these; \\n, \\t, \\\\ and \\u00e9 are read."
)
@click.option("--forbid", metavar="CHARS", help="Never sample these, written the same way.")
@argument_option("best_of", default=1)
@argument_option("beam")
@click.option("--check-novelty", is_flag=True,
              help="Tell on stderr whether samples stand in the training text, and what is copied.",
              )  # fmt: skip
@click.option("--valid", is_flag=True, help="Of a model of bytes: sample valid UTF-8 only; whole "
              "characters are as likely as before.")  # fmt: skip
@encoding_option
@argument_option("use")
@argument_option("ngram_weight")
@argument_option("initial_state")
@argument_option("probabilities", metavar="N")
@click.option("--interactive", is_flag=True,
              help="Write a text with the model by turns, in a terminal.")  # fmt: skip
@format_option
@checkpoint_option
@unknown_option
@click.pass_context
def command(ctx: click.Context, /, run: Path, prime: str | None, prime_file: Path | None,
            allow: str | None, forbid: str | None, stops: tuple[str, ...], count: int,
            best_of: int, form: str, which: Any, probabilities: int | None, interactive: bool,
            encoding: str | None,
            beam: int | None, unique: bool, **options: Any) -> None:  # fmt: skip
    """Write text in the manner of a trained model to stdout, as it is made.

    \b
    Examples:
      charrnn sample runs/quickstart-1 --length 500 --temperature 0.8
      charrnn sample runs/names-1 --count 10 --lines 1 --check-novelty
      charrnn sample runs/recipes-1 --records 3
      charrnn sample runs/names-1 --unique --count 10
      echo "Once upon" | charrnn sample runs/my-1 --prime-file -
      charrnn sample runs/my-1 --prime "Once upon a ti" --probabilities 5
      charrnn sample runs/my-1 --interactive
    """
    options |= {"allow": unescaped(allow), "forbid": unescaped(forbid),
                "stops": [unescaped(stop) or "" for stop in stops]}  # fmt: skip
    if interactive:
        _require_alone(
            ctx, "interactive", {"count", "best_of", "check_novelty", "form", "unique", "beam"}
        )
        _interact(run, which, prime, prime_file, encoding, ctx, options)
        return
    model = load(run, which)
    text, prime_name = prime_text(prime, prime_file, model, encoding)
    if unique:
        count = _unique_count(count, best_of, beam, options)
    if probabilities is not None:
        _require_alone(
            ctx,
            "probabilities",
            {
                "count",
                "best_of",
                "check_novelty",
                "stops",
                "lines",
                "length",
                "records",
                "unique",
                "beam",
            },
        )
        options["length"] = 0
    sampler = prepare_sampler(
        model, text, unique=unique, prime_name=prime_name, tell=say_notice, **options
    )
    if sampler.mixed is not None:
        order = sampler.mixed.mixture.order
        say_notice(f"sampling from the network mixed with an n-gram of order {order}; "
                   f"{argument('use', 'network')} samples from the network alone")  # fmt: skip
    if probabilities is not None:
        next_characters.show(sampler, probabilities, form)
        return
    show = Show(sampler, form)
    if count == best_of == 1 and form == "text" and not unique and beam is None:
        show.stream()
        return
    if form == "text" and best_of == 1 and beam is None:
        texts = sampler.unscored_unique(count) if unique else sampler.unscored(count)
        for sampled in texts:
            show.sample(sampled, None)
        return
    samples: Iterable[tuple[str, float]]
    if beam is not None:
        if best_of > 1:
            raise UsageError(f"{argument('beam')} and {argument('best_of')}: give one")
        samples = sampler.likeliest(beam, count)
    else:
        samples = sampler.unique(count) if unique else sampler.samples(count, best_of)
    for sampled, nats in samples:
        show.sample(sampled, nats)


def _require_alone(ctx: click.Context, name: str, without: set[str]) -> None:
    """UsageError for an option that does nothing beside `name`."""
    for parameter in ctx.command.params:
        given = ctx.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if given and parameter.name in without | {"probabilities", "interactive"} - {name}:
            raise UsageError(f"{argument(name)} does not go with {parameter.opts[0]}")


def _interact(run: Path, which: Any, prime: str | None, prime_file: Path | None,
              encoding: str | None,
              ctx: click.Context, options: dict[str, Any]) -> None:  # fmt: skip
    from charrnn.cli.interactive import interact, require_terminal

    require_terminal()
    model = load(run, which)
    text, _ = prime_text(prime, prime_file, model, encoding)
    if ctx.get_parameter_source("length") is ParameterSource.DEFAULT:
        del options["length"]
    del options["check_novelty"]
    interact(model, text, options)


def _unique_count(count: int, best_of: int, beam: int | None, options: dict[str, Any]) -> int:
    """How many records or lines are wanted; each is then a sample of its own."""
    if best_of > 1 or beam is not None:
        other = argument("best_of" if best_of > 1 else "beam")
        raise UsageError(f"{argument('unique')} and {other}: give one")
    asked = [number for name in ("records", "lines") if (number := options[name]) is not None]
    options |= {"records": 1, "lines": None}
    if options["length"] is None:
        options["length"] = RECORD_LENGTH
    if count > 1 and any(number > 1 for number in asked):
        names = f"{argument('count')} and {argument('records')}"
        raise UsageError(f"{argument('unique')} takes one of {names}: how many there are in all")
    return max([count, *asked])


def prime_text(
    prime: str | None, file: Path | None, model: Model, encoding: str | None
) -> tuple[str, str]:
    """The prime in the vocabulary's symbols, and the name of the option that it was given by."""
    unit, own = model.vocabulary.unit, encoding or model.config.data.encoding
    require_codec(encoding)
    if prime is not None and file is not None:
        names = f"{argument('prime')} and {argument('prime_file')}"
        raise UsageError(f"{names} both set the prime: give one")
    if file is None:
        return model.symbols(prime or "", "prime"), "prime"
    data = read_prime(file)
    if encoding is None and unit == "char" and not own.startswith("utf") and is_utf8(data):
        say_notice(f"{argument('prime_file')} is UTF-8, not {own}, and is read as that")
        own = "utf-8"
    try:
        text = data.decode("latin-1" if unit == "byte" else own)
        return model.layout.symbols(text.removeprefix(MARK), argument("prime_file")), "prime_file"
    except UnicodeDecodeError as found:
        error = undecodable(file, data, own, found.start, found.start)
        error.advise("encoding")
        error.where = argument("prime_file")
        raise error from None


class Show:
    """Writes samples to stdout and, where they are compared with it, what of the training text is
    in them to stderr.
    """

    def __init__(self, sampler: Sampler, form: str) -> None:
        self._sampler, self._prime, self._json = sampler, sampler.prime_text, form == "json"
        self._compared, self._count = sampler.check_novelty, 0

    def stream(self) -> None:
        """A single sample, as it is made."""
        text = ""
        self._write(self._prime)
        for piece in self._sampler.stream():
            self._write(piece)
            if self._compared:
                text += piece
        if self._compared:
            echo(err=True)
            self._tell(self._sampler.copied(text))

    def sample(self, text: str, nats: float | None) -> None:
        """One of several samples; `nats` per character, which only JSON shows."""
        whole, copied = self._prime + text, self._sampler.copied(text)
        if not self._json:
            self._write(
                whole if self._sampler.layout.shown(whole[-1:]).endswith("\n") else whole + "\n"
            )
            self._tell(copied)
            return
        found: dict[str, Any] = {
            "text": as_text(self._sampler.layout.shown(whole), self._sampler.vocabulary.unit),
            "nats_per_char": nats,
            "used": self._sampler.used,
        }
        if self._compared:
            found["novelty"] = [
                {"text": c.text, "in_training_text": c.known, "longest_copied": len(c.span),
                 "copied": c.span}
                for c in copied
            ]  # fmt: skip
        write((to_json(found) + "\n").encode())

    def _tell(self, copied: list[Copied]) -> None:
        what = self._sampler.layout.name or "sample"
        for found in copied:
            self._count += 1
            verdict = "in the training text" if found.known else "new"
            echo(
                f"{what} {self._count} {_short(found.text)}: {verdict}; longest copied span "
                f"{len(found.span)} of {len(found.text)} characters {_short(found.span)}",
                err=True,
            )

    def _write(self, text: str) -> None:
        unit, text = self._sampler.vocabulary.unit, self._sampler.layout.shown(text)
        write(text.encode("latin-1" if unit == "byte" else "utf-8", "surrogatepass"))


def _short(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")
