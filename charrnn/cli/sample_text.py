"""What `charrnn sample` reads from its options, and how it writes samples."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import BinaryIO

import click

from charrnn.api.sampling import as_symbols
from charrnn.cli.output import to_json, write
from charrnn.data.vocabulary import Vocabulary
from charrnn.errors import DataError, UsageError
from charrnn.inference.memorization import Copied, TrainingText

_ESCAPE = re.compile(r"\\(?:([ntr0\\])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "\\": "\\"}
_SHOWN = 60  # characters of a text on stderr


def prime_text(
    prime: str | None, file: BinaryIO | None, encoding: str, unit: str
) -> tuple[str, str]:
    """The prime in the vocabulary's symbols, and the option that it was given by."""
    if prime is not None and file is not None:
        raise UsageError("--prime and --prime-file are two names for one thing: give one")
    if file is None:
        return as_symbols(prime or "", unit), "--prime"
    try:
        data = file.read()
        return data.decode("latin-1" if unit == "byte" else encoding), "--prime-file"
    except UnicodeDecodeError as error:
        raise DataError(
            f"not {encoding}: byte at offset {error.start}", where="--prime-file"
        ) from None


def unescaped(text: str | None) -> str | None:
    """A text of the command line in which \\n, \\xE9 and the like are what they stand for."""

    def character(found: re.Match[str]) -> str:
        letter, *numbers = found.groups()
        return _LETTERS[letter] if letter else chr(int(next(filter(None, numbers)), 16))

    return None if text is None else _ESCAPE.sub(character, text)


class Show:
    """Writes samples to stdout and, with `known`, what is new in them to stderr."""

    def __init__(
        self, vocabulary: Vocabulary, prime: str, known: TrainingText | None, form: str, *,
        lines: bool,
    ) -> None:  # fmt: skip
        self._unit, self._prime, self._known = vocabulary.unit, prime, known
        self._json, self._lines, self._count = form == "json", lines, 0

    def stream(self, pieces: Iterable[str]) -> None:
        """A single sample, as it is drawn."""
        text = ""
        self._write(self._prime)
        for piece in pieces:
            self._write(piece)
            if self._known is not None:
                text += piece
        if self._known is not None:
            click.echo(err=True)
            self._tell(self._novelty(text))

    def sample(self, text: str, nats: float) -> None:
        """One of several samples; `nats` per character."""
        whole, novelty = self._prime + text, self._novelty(text)
        if not self._json:
            self._write(whole if whole.endswith("\n") else whole + "\n")
            self._tell(novelty)
            return
        found = {"text": whole, "nats_per_char": nats}
        if self._known is not None:
            found["novelty"] = [
                {"text": c.text, "in_training_text": c.known, "longest_copied": len(c.span),
                 "copied": c.span}
                for c in novelty
            ]  # fmt: skip
        write((to_json(found) + "\n").encode())

    def _novelty(self, text: str) -> list[Copied]:
        if self._known is None:
            return []
        return self._known.look_up(self._prime + text if self._lines else text)

    def _tell(self, novelty: list[Copied]) -> None:
        for copied in novelty:
            self._count += 1
            what = "line" if self._lines else "sample"
            verdict = "in the training text" if copied.known else "new"
            click.echo(
                f"{what} {self._count} {_short(copied.text)}: {verdict}; longest copied span "
                f"{len(copied.span)} of {len(copied.text)} characters {_short(copied.span)}",
                err=True,
            )

    def _write(self, text: str) -> None:
        write(text.encode("latin-1" if self._unit == "byte" else "utf-8", "surrogatepass"))


def _short(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")
