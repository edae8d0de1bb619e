"""charrnn score"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any

import click
import numpy as np
from click.core import ParameterSource

from charrnn.api.file_scores import FileScores, score_files
from charrnn.api.model import load
from charrnn.api.rows import Nats, Row
from charrnn.cli import completion
from charrnn.cli.options import (
    argument_option,
    checkpoint_option,
    encoding_option,
    quiet_option,
    say_notice,
)
from charrnn.cli.streams import Output, echo, to_json, wants_colours
from charrnn.config.schema import STDIN
from charrnn.errors import UsageError, argument, printable
from charrnn.inference.scoring import UNKNOWN_WORDS
from charrnn.runtime.progress import listening

_ESCAPED = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_TO_ESCAPE = re.compile(r"[\\\x00-\x1f\x7f-\x9f]")


@click.command("score")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN|CKPT")
@click.argument("files", nargs=-1, metavar="[FILE|-]...", shell_complete=completion.files)
@argument_option("per", default="line")
@click.option("--format", "form", type=click.Choice(["tsv", "jsonl"]), default="tsv",
              show_default=True, help="Tab-separated, or one JSON object a row.")  # fmt: skip
@click.option("--with", "others", multiple=True, type=click.Path(path_type=Path),
              metavar="RUN|CKPT", help="Score by this model too, and say which is the likeliest; "
              "repeatable.")  # fmt: skip
@click.option("--sort", type=click.Choice(["strangest", "total"]),
              help="The strangest first, by bits per character, or by the total of nats.",
              )  # fmt: skip
@argument_option("top", help="Only the N strangest, with --sort.")
@argument_option("min_chars")
@click.option("--independent", is_flag=True,
              help="Each line as if it were the only one, whatever stands before.")  # fmt: skip
@click.option("--follow", is_flag=True, help="Answer each line of stdin as soon as it comes.")
@click.option("--heat", is_flag=True,
              help="The text coloured by surprise, in place of rows.")  # fmt: skip
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write the coloured text as a page, in place of rows.")  # fmt: skip
@encoding_option
@argument_option("use")
@argument_option("initial_state")
@checkpoint_option
@click.option("--on-unknown", type=click.Choice(list(UNKNOWN_WORDS)),
              help="Characters that the vocabulary lacks: counted as surprise, an error, left out, "
              "or mapped to a look-alike [surprise, or the run's skip or map].")  # fmt: skip
@quiet_option
def command(run: Path, files: tuple[str, ...], per: str, form: str, others: tuple[Path, ...],
            heat: bool, html: Path | None, which: Any, **given: Any) -> None:  # fmt: skip
    """Score texts by a model: nats of each character, line, record or file.

    Reads FILEs, or stdin.

    \b
    Examples:
      charrnn score runs/quickstart-1 my.txt
      cat app.log | charrnn score runs/log-1 --sort strangest --top 20
      charrnn score runs/names-1 --with runs/towns-1 new.txt --format jsonl
      tail -f app.log | charrnn score runs/log-1 --follow --min-chars 20
      charrnn score runs/quickstart-1 my.txt --heat
    """
    names = (str(run), *map(str, others))
    models = [load(model, which) for model in (run, *others)]
    if sys.stdout.isatty() or given["follow"]:  # where rows show how far it is
        click.get_current_context().with_resource(listening(None))
    if heat or html is not None:
        _require_no_rows("heat" if heat else "html")
        per = "char"
    scores = score_files(
        models, names, files or (STDIN,), per=per, tell=say_notice, **given
    )  # fmt: skip
    if heat or html is not None:
        _show_heat(scores, heat, html)
        return
    table = Table(names, per, form, files=len(files) > 1)
    with Output() as output:
        output(table.header(), at_once=scores.follow)
        if per in ("char", "byte"):
            for file, text, nats in scores.characters():
                output(table.characters(file, text, nats), at_once=scores.follow)
            return
        for row in scores.rows():
            output(table.row(row), at_once=scores.follow)


def _require_no_rows(shown: str) -> None:
    """UsageError where an option is given that only rows have."""
    given = click.get_current_context().get_parameter_source
    for name, option in (("per", "per"), ("form", "format"), ("others", "with")):
        if given(name) is ParameterSource.COMMANDLINE:
            raise UsageError(
                f"{argument(option)} is for rows, and {argument(shown)} shows the text instead",
                then=f"leave out one of the two; {argument('per', 'char')} has the same numbers",
            )


def _show_heat(scores: FileScores, heat: bool, html: Path | None) -> None:
    """The text of the first model's rows, on stdout or as a page."""
    from charrnn.api.writing import save
    from charrnn.report.heat import coloured, page, with_digits

    K, kept = scores.models[0].vocabulary.K, list[tuple[str, str, Nats]]()
    colours = wants_colours()
    with Output() as output:
        for file, text, (nats, *_) in scores.characters():
            if heat:
                shown = coloured(text, nats, K) if colours else with_digits(text, nats)
                output(shown, at_once=scores.follow)
            if html is not None:
                kept.append((file, text, nats))
    if html is not None:
        save(html, page(scores.names[0], kept, K), "html")
        echo(html, err=heat)


class Table:
    """Turns rows into lines of text."""

    def __init__(self, names: Sequence[str], per: str, form: str, *, files: bool) -> None:
        self._names, self._per, self._json, self._files = names, per, form == "jsonl", files

    def header(self) -> str:
        """The first line of a TSV; nothing for JSON lines."""
        if self._json:
            return ""
        others = [f"nats:{_name(name)}" for name in self._names[1:]]
        compared = [*others, "likeliest"] if others else []
        if self._per in ("char", "byte"):
            columns = [self._per, "nats", *compared]
        else:
            line = [self._per] if self._per != "file" else []
            text = ["text"] if self._per != "file" else []
            columns = [*line, "chars", "nats", "bits_per_char", *compared, *text]
        return "\t".join(["file", *columns] if self._with_file else columns) + "\n"

    @property
    def _with_file(self) -> bool:
        return self._files or self._per == "file"

    def row(self, row: Row) -> str:
        """A line or a file."""
        if self._json:
            return to_json(self._object(row)) + "\n"
        cells = [_name(row.file)] if self._with_file else []
        if row.line is not None:
            cells.append(str(row.line))
        cells += [str(row.chars[0]), _number(row.nats[0]), _number(row.bits(0))]
        if len(self._names) > 1:
            cells += [_number(nats) for nats in row.nats[1:]]
            cells.append("" if row.likeliest is None else _name(self._names[row.likeliest]))
        if row.text is not None:
            cells.append(_escaped(row.text))
        return "\t".join(cells) + "\n"

    def _object(self, row: Row) -> dict[str, Any]:
        found: dict[str, Any] = {"file": row.file} if self._with_file else {}
        if row.line is not None:
            found |= {self._per: row.line, "text": row.text}
        found |= {"chars": row.chars[0], "nats": row.nats[0], "bits_per_char": row.bits(0)}
        if row.bytes is not None:
            found["bytes"] = row.bytes[0]
        if len(self._names) > 1:
            found["models"] = [
                {"model": name, "chars": chars, "nats": nats, "bits_per_char": row.bits(index)}
                for index, (name, chars, nats) in enumerate(
                    zip(self._names, row.chars, row.nats, strict=True)
                )
            ]
            found["likeliest"] = None if row.likeliest is None else self._names[row.likeliest]
        return found

    def characters(self, file: str, text: str, nats: list[Nats]) -> str:
        """A line for each character of a piece."""
        shown = {c: json.dumps(c) if self._json else _escaped(c) for c in set(text)}
        if self._per == "byte":
            shown = {c: str(ord(c)) for c in shown}
        numbers = [[_number(value) for value in model.tolist()] for model in nats]
        likeliest = self._likeliest(nats) if len(nats) > 1 else []
        if self._json:
            place = f'"file": {json.dumps(file)}, ' if self._with_file else ""
            begin = f'{{{place}"{self._per}": '
            numbers = [[value or "null" for value in model] for model in numbers]
            if not likeliest:
                return "".join(
                    f'{begin}{shown[c]}, "nats": {value}}}\n'
                    for c, value in zip(text, numbers[0], strict=True)
                )
            names = [json.dumps(name) for name in self._names]
            return "".join(
                f'{begin}{shown[c]}, "nats": {values[0]}, "models": ['
                + ", ".join(
                    f'{{"model": {name}, "nats": {value}}}'
                    for name, value in zip(names, values, strict=True)
                )
                + f'], "likeliest": {json.dumps(best)}}}\n'
                for c, best, *values in zip(text, likeliest, *numbers, strict=True)
            )
        begin = f"{_name(file)}\t" if self._with_file else ""
        columns = [*numbers, [_name(name or "") for name in likeliest]]
        return "".join(
            begin + "\t".join([shown[c], *cells]) + "\n"
            for c, *cells in zip(text, *(column for column in columns if column), strict=True)
        )

    def _likeliest(self, nats: list[Nats]) -> list[str | None]:
        known = np.nan_to_num(np.array(nats), nan=np.inf)
        best, least = known.argmin(axis=0).tolist(), known.min(axis=0).tolist()
        return [
            self._names[model] if isfinite(least_nats) else None
            for model, least_nats in zip(best, least, strict=True)
        ]


def _number(value: float | None) -> str:
    """As many digits as matter; nothing where there is no number."""
    return f"{value:.9g}" if value is not None and isfinite(value) else ""


def _escaped(text: str) -> str:
    """In one cell: a backslash, tabs, line ends and other controls as \\t, \\n, \\x00."""
    return _TO_ESCAPE.sub(lambda m: _ESCAPED.get(m[0], f"\\x{ord(m[0]):02x}"), text)


def _name(name: str) -> str:
    """Of a file or a run: in one cell, and without what would act on a terminal."""
    return printable(_escaped(name))
