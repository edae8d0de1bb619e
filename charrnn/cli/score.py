"""charrnn score"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import click

from charrnn.api.model import load
from charrnn.api.rows import Pieces, Row, file_row, line_rows, strangest
from charrnn.api.scores import scorer
from charrnn.cli import completion
from charrnn.cli.options import checkpoint_option, spelled, tell, threads, unknown_option
from charrnn.cli.output import Output
from charrnn.cli.score_rows import Table
from charrnn.config import Config
from charrnn.config.schema import DataConfig
from charrnn.data.files import STDIN, text_chunks
from charrnn.errors import UsageError
from charrnn.inference.scoring import Scorer, whole_lines


@click.command("score")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN|CKPT")
@click.argument("files", nargs=-1, metavar="[FILE|-]...", shell_complete=completion.files)
@click.option("--per", type=click.Choice(["line", "char", "file"]), default="line",
              show_default=True, help="What a row of the result is about.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["tsv", "jsonl"]), default="tsv",
              show_default=True, help="Tab-separated, or one JSON object a row.")  # fmt: skip
@click.option("--with", "others", multiple=True, type=click.Path(path_type=Path),
              metavar="RUN|CKPT", help="Score by this model too, and say which is the likeliest; "
              "repeatable.")  # fmt: skip
@click.option("--sort", type=click.Choice(["strangest"]),
              help="Highest bits per character first, instead of the text's order.")  # fmt: skip
@click.option("--top", type=click.IntRange(min=1), help="Only the N strangest, with --sort.")
@checkpoint_option
@unknown_option
def command(run: Path, files: tuple[str, ...], per: str, form: str, others: tuple[Path, ...],
            sort: str | None, top: int | None, which: Any, on_unknown: Any) -> None:  # fmt: skip
    """Score texts by a model: nats of each character, line or file.

    Reads FILEs, or stdin.

    \b
    Examples:
      charrnn score runs/quickstart-1 my.txt
      cat app.log | charrnn score runs/log-1 --sort strangest --top 20
      charrnn score runs/names-1 --with runs/towns-1 new.txt --format jsonl
    """
    if sort and per == "char":
        raise UsageError("--sort is for lines and files, not for characters")
    if top and not sort:
        raise UsageError("--top needs --sort strangest")
    names, files = (str(run), *map(str, others)), files or (STDIN,)
    if files.count(STDIN) > 1:
        raise UsageError("stdin can be read once: give - once")
    models = [load(model, which) for model in (run, *others)]
    configs = [model.config for model in models]
    _require_one_unit(names, configs)
    texts, characters = _texts(files, configs[0].data)
    table = Table(names, per, form, files=len(files) > 1)
    encoding = "latin-1" if configs[0].data.unit == "byte" and form == "tsv" else "utf-8"
    with threads(configs[0].runtime.threads) as available, threads(1), Output(encoding) as output:
        scorers = [
            scorer(model, characters, available, on_unknown, tell=tell, spelled=spelled)
            for model in models
        ]
        scored = ((file, _scored(file, text, scorers, per)) for file, text in texts)
        output(table.header())
        if per == "char":
            for file, pieces in scored:
                for text, nats in pieces:
                    output(table.characters(file, text, nats))
            return
        rows: Iterator[Row] = chain.from_iterable(
            line_rows(file, pieces) if per == "line" else [file_row(file, pieces, len(models))]
            for file, pieces in scored
        )
        for row in strangest(rows, top) if sort else rows:
            output(table.row(row))


def _require_one_unit(names: Sequence[str], configs: list[Config]) -> None:
    for name, config in zip(names, configs, strict=True):
        if config.data.unit != configs[0].data.unit:
            raise UsageError(
                f"reads {config.data.unit}s, and {names[0]} reads {configs[0].data.unit}s",
                where=name,
                then="compare models of one data.unit",
            )


def _texts(
    files: tuple[str, ...], data: DataConfig
) -> tuple[Iterator[tuple[str, Iterator[str]]], int]:
    """Each file and its pieces, and about how many characters there are in all."""
    pieces = text_chunks(Path(files[0]), data.unit, data.encoding)
    first = next(pieces, "")
    others = ((file, text_chunks(Path(file), data.unit, data.encoding)) for file in files[1:])
    sizes = [Path(file).stat().st_size for file in files[1:] if Path(file).is_file()]
    begun = chain([first], pieces) if first else pieces
    return chain([(files[0], begun)], others), len(first) + sum(sizes)


def _scored(file: str, text: Iterator[str], scorers: list[Scorer], per: str) -> Pieces:
    """Pieces of a file with what each model makes of their characters."""
    closed = any(own.lines for own in scorers)
    for own in scorers:
        own.begin(file)
    for piece in whole_lines(text, closed=closed) if closed or per == "line" else text:
        yield piece, [own.nats(piece) for own in scorers]
